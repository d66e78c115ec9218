"""LEAN's second set of stock alpha models, those of ``from Alphas.RsiAlphaModel import ...``.

They differ from the first in names, in the order of securities, and in how some take arguments.
"""
