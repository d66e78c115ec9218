"""Scheduled events: date rules, time rules, and the clock that fires them."""
