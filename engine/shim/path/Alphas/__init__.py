"""LEAN's package ``Alphas``: its models by module name."""
