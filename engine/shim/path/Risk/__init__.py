"""LEAN's package ``Risk``: its models by module name."""
