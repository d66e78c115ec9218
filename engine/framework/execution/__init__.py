"""Execution models: targets become orders."""
