"""LEAN's package ``Execution``: its models by module name."""
