"""Alpha models: data becomes insights."""
