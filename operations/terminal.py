"""The one console every command prints to."""

from __future__ import annotations

from functools import cache

from rich.console import Console


@cache
def console() -> Console:
    """Return the console on standard output."""
    return Console(highlight=False)
