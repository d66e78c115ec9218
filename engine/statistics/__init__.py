"""Trades, performance figures, capacity and risk-free rate as LEAN defines and rounds them."""
