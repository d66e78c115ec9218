"""LEAN's package ``Portfolio``: its models by module name."""
