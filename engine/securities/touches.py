"""A count of changes that the data of a time step does not bring along.

Whoever keeps an answer about prices and margin models may keep it as long as the count stands
still, provided that prices which arrive with data are looked at in each step.
"""

from __future__ import annotations


class Touches:
    """Prices set outside of a time step, margin models exchanged or given other numbers."""

    __slots__ = ("count",)

    def __init__(self) -> None:
        self.count = 0


TOUCHES = Touches()
