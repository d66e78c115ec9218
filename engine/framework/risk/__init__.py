"""Risk models: targets that overrule those of the portfolio construction."""
