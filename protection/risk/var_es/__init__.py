"""Value at risk and expected shortfall: one contract, its models, and their online forms."""
