"""A sum over the last values that does not drift."""

from __future__ import annotations

from collections import deque


class RollingSum:
    """Compensated sum of the last ``size`` values.

    LEAN adds and subtracts exact decimals. Here the rounding of every addition is kept in a second
    float (Neumaier 1974), and a window of equal values gives exactly its multiple, so constant
    prices have a mean equal to the price and a window of zeros a sum of zero.
    """

    __slots__ = ("error", "last", "run", "size", "total", "win")

    def __init__(self, size: int) -> None:
        self.size = size
        self.win: deque[float] = deque(maxlen=size)
        self.clear()

    def clear(self) -> None:
        """Forget all values."""
        self.win.clear()
        self.total = self.error = 0.0
        self.last = 0.0
        self.run = 0

    def add(self, value: float) -> float:
        """Take a value, drop the oldest of a full window and return the sum."""
        win = self.win
        total, error = self.total, self.error
        if len(win) == self.size:
            removed = -win[0]
            new = total + removed
            if abs(total) >= abs(removed):
                error += (total - new) + removed
            else:
                error += (removed - new) + total
            total = new
        win.append(value)
        new = total + value
        if abs(total) >= abs(value):
            error += (total - new) + value
        else:
            error += (value - new) + total
        if value == self.last:
            self.run += 1
            if self.run >= len(win):
                new, error = value * len(win), 0.0
        else:
            self.last, self.run = value, 1
        self.total, self.error = new, error
        return new + error

    def mean(self) -> float:
        """Return the mean of the values in the window."""
        if self.run >= len(self.win):
            return self.last
        return (self.total + self.error) / len(self.win)
