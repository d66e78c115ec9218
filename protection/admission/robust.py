"""Median and MAD of the last observations, exact, at a few comparisons per observation."""

from __future__ import annotations

from bisect import bisect_left, insort
from collections import deque
from typing import Any

MAD_TO_SIGMA = 1.4826


class RollingMad:
    """Sorted window of the last ``size`` values.

    The median absolute deviation is selected from the two sorted halves around the median, in
    O(log size). For an even number of values the lower median is taken both times, so that a
    result is always a value that was observed (or the distance of two).
    """

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

    def center_scale(self) -> tuple[float, float]:
        """Median and 1.4826 times the median absolute deviation; at least one value needed."""
        ranks = self._sorted
        size = len(ranks)
        middle = (size - 1) // 2
        center = ranks[middle]
        # deviations left of the median: center - ranks[middle - i], right: ranks[middle+1+j]
        # - center; both rise. Find how many of the smallest `need` come from the left side.
        need = middle + 1  # rank of the lower median of the deviations, counted from one
        right_size = size - middle - 1
        low, high = max(0, need - right_size), min(need, middle + 1)
        while low < high:
            take = (low + high) // 2
            # taking `take` from the left leaves need - take from the right, at least one here
            if center - ranks[middle - take] < ranks[middle + need - take] - center:
                low = take + 1
            else:
                high = take
        other = need - low
        left = center - ranks[middle - low + 1] if low else 0.0
        right = ranks[middle + other] - center if other else 0.0
        return center, MAD_TO_SIGMA * (left if left > right else right)

    def snapshot(self) -> list[float]:
        """Values, oldest first."""
        return list(self._order)

    def restore(self, values: list[Any]) -> None:
        """Take over what :meth:`snapshot` gave."""
        self._order = deque(float(value) for value in values[-self._size :])
        self._sorted = sorted(self._order)
