"""Is a price feed more than noise? Signal-to-noise ratio from the autocovariance of returns."""

from __future__ import annotations

import math
from typing import Any


class SignalToNoise:
    """Running signal-to-noise ratio of one price series.

    A price that is a random walk plus independent noise has returns of variance
    ``s^2 + 2 n^2`` and first autocovariance ``-n^2`` (Roll 1984), so with the first
    autocorrelation ``r``::

        s^2 / (2 n^2) = (1 + 2 r) / (-2 r)        r in (-1/2, 0); infinite for r >= 0

    The moments run over an exponential memory; returns enter clipped by the caller, so one jump
    cannot decide. The ratio reported is the most favourable one that two standard errors of
    ``r`` allow: noise has to be proved.
    """

    __slots__ = ("_cross", "_keep", "_last", "_square", "count")

    def __init__(self, memory: int) -> None:
        self._keep = 1.0 - 1.0 / memory
        self._square = 0.0
        self._cross = 0.0
        self._last = 0.0
        self.count = 0

    def add(self, value: float) -> None:
        """Take in one (clipped, finite) return."""
        keep = self._keep
        self._square = keep * self._square + value * value
        self._cross = keep * self._cross + value * self._last
        self._last = value
        self.count += 1

    @property
    def ratio(self) -> float:
        """Upper end of the signal-to-noise ratio; infinite without evidence of noise."""
        if self._square <= 0.0 or self.count < 2:
            return math.inf
        size = (1.0 - self._keep**self.count) / (1.0 - self._keep)
        raw = self._cross / self._square
        square = raw * raw
        spread = max(0.0, 1.0 - 3.0 * square + 4.0 * square * square)  # Bartlett, for an MA(1)
        correlation = raw + 2.0 * math.sqrt(spread / (2.0 * size))
        if correlation >= 0.0:
            return math.inf
        return max(0.0, (1.0 + 2.0 * correlation) / (-2.0 * correlation))

    def snapshot(self) -> list[float]:
        """Plain data for :meth:`restore`."""
        return [self._square, self._cross, self._last, float(self.count)]

    def restore(self, state: list[Any]) -> None:
        """Take over what :meth:`snapshot` gave."""
        self._square, self._cross, self._last = (float(value) for value in state[:3])
        self.count = int(state[3])
