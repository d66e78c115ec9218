"""The LEAN side: an ensemble strategy, and ``protect()``, which puts the protection under any
algorithm.
"""
