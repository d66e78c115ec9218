"""Drawdown accounting, the policy on exposure, and the order gate."""
