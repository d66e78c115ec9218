"""LEAN's algorithm framework: insights, targets, and the stock alpha, construction, risk and execution models."""
