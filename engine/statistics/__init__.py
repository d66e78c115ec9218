"""Trades, performance figures, capacity and risk-free rate with LEAN's definitions and roundings."""
