"""How much one sender may send: token buckets and quotas."""

from __future__ import annotations

from typing import Any


class TokenBucket:
    """Tokens that fill with time up to ``burst``; a message takes one.

    Time is seconds on any axis that does not run backwards; a step back adds nothing.
    """

    __slots__ = ("_at", "_burst", "_rate", "tokens")

    def __init__(self, per_second: float, burst: float) -> None:
        self._rate, self._burst = per_second, burst
        self.tokens = burst
        self._at: float | None = None

    def take(self, seconds: float) -> bool:
        """Take one token at this time; False when there is none."""
        at = self._at
        if at is None:
            self._at = seconds
        elif seconds > at:
            self._at = seconds
            tokens = self.tokens + (seconds - at) * self._rate
            self.tokens = tokens if tokens < self._burst else self._burst
        if self.tokens < 1.0:
            return False
        self.tokens -= 1.0
        return True

    def snapshot(self) -> dict[str, Any]:
        """Plain data for :meth:`restore`."""
        return {"tokens": self.tokens, "at": self._at}

    def restore(self, state: dict[str, Any]) -> None:
        """Take over what :meth:`snapshot` gave; never more than a full bucket."""
        self.tokens = min(float(state["tokens"]), self._burst)
        self._at = None if state["at"] is None else float(state["at"])


class Quota:
    """At most ``limit`` messages per window of ``seconds``; windows lie on a fixed grid."""

    __slots__ = ("_limit", "_seconds", "count", "window")

    def __init__(self, limit: int, seconds: float) -> None:
        self._limit, self._seconds = limit, seconds
        self.window = -1
        self.count = 0

    def take(self, seconds: float) -> bool:
        """Count one message at this time; False when the window is full."""
        window = int(seconds // self._seconds)
        if window > self.window:
            self.window, self.count = window, 0
        if self.count >= self._limit:
            return False
        self.count += 1
        return True

    def snapshot(self) -> dict[str, Any]:
        """Plain data for :meth:`restore`."""
        return {"window": self.window, "count": self.count}

    def restore(self, state: dict[str, Any]) -> None:
        """Take over what :meth:`snapshot` gave."""
        self.window, self.count = int(state["window"]), int(state["count"])
