"""LEAN's algorithm framework.

Insights, targets, and the stock alpha, construction, risk and execution models.
"""
