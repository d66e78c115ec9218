"""Typical size of the last observations, exact, at one comparison tree per observation."""

from __future__ import annotations

from bisect import bisect_left, insort
from collections import deque
from typing import Any

MAD_TO_SIGMA = 1.4826


class RollingMedian:
    """Sorted window of the last ``size`` values; for an even number the lower median counts."""

    __slots__ = ("_order", "_size", "_sorted")

    def __init__(self, size: int) -> None:
        self._size = size
        self._order: deque[float] = deque()
        self._sorted: list[float] = []

    def __len__(self) -> int:
        return len(self._sorted)

    def add(self, value: float) -> None:
        """Take in one finite value; the oldest leaves a full window."""
        order, ranks = self._order, self._sorted
        if len(ranks) >= self._size:
            del ranks[bisect_left(ranks, order.popleft())]
        order.append(value)
        insort(ranks, value)

    def median(self) -> float:
        """Lower median; at least one value needed."""
        return self._sorted[(len(self._sorted) - 1) // 2]

    def snapshot(self) -> list[float]:
        """Values, oldest first."""
        return list(self._order)

    def restore(self, values: list[Any]) -> None:
        """Take over what :meth:`snapshot` gave."""
        self._order = deque(float(value) for value in values[-self._size :])
        self._sorted = sorted(self._order)
