"""One symbol as all owners see it: the consensus of prices, and confirmation of a new level."""

from __future__ import annotations

import math
from typing import Any


class Crowd:
    """Last admitted price of every owner of a symbol, and the jumps that wait for company."""

    __slots__ = ("left", "middle", "pending", "prices")

    def __init__(self) -> None:
        self.prices: dict[str, tuple[float, float]] = {}
        """Owner to (last admitted price, receipt in seconds)."""
        self.pending: list[tuple[str, float, int]] = []
        """Jumps near one level: (owner, price, ticket)."""
        self.middle = 0.0
        """Median of the others as it was last taken, good for ``left`` more messages."""
        self.left = 0

    def others(self, owner: str, since: float) -> list[float]:
        """Sorted recent prices of the other owners."""
        found = [
            price
            for name, (price, seconds) in self.prices.items()
            if seconds >= since and name != owner
        ]
        found.sort()
        return found

    def join(self, owner: str, price: float, band: float) -> bool:
        """Whether the price lies within ``band`` (log) of another owner's last admitted one."""
        return any(
            name != owner and abs(math.log(price / other)) <= band
            for name, (other, _) in self.prices.items()
        )

    def near(self, price: float, band: float) -> list[tuple[str, float, int]]:
        """Waiting jumps near this level; waiting jumps elsewhere are forgotten."""
        self.pending = [entry for entry in self.pending if abs(math.log(price / entry[1])) <= band]
        return self.pending

    def wait(self, owner: str, price: float, ticket: int) -> None:
        """Add a jump to those that wait for confirmation."""
        self.pending.append((owner, price, ticket))

    def snapshot(self) -> dict[str, Any]:
        """Plain data for :meth:`restore`."""
        return {
            "prices": {owner: list(entry) for owner, entry in self.prices.items()},
            "pending": [list(entry) for entry in self.pending],
            "middle": [self.middle, self.left],
        }

    def restore(self, state: dict[str, Any]) -> None:
        """Take over what :meth:`snapshot` gave."""
        self.prices = {
            str(owner): (float(price), float(seconds))
            for owner, (price, seconds) in state["prices"].items()
        }
        self.pending = [
            (str(owner), float(price), int(ticket)) for owner, price, ticket in state["pending"]
        ]
        self.middle, self.left = float(state["middle"][0]), int(state["middle"][1])
