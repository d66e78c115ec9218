"""Distributions of losses: fits, quantiles beyond them, and the passes over data behind both."""
