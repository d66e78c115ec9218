"""Stress: replays of known crises, shocks of one's own, and the smallest shock that hurts."""
