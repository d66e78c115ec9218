"""Universes: which securities an algorithm has, who selects them and when."""
