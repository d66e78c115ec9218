"""LEAN's ``RollingWindow``: the newest values first."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from typing import Any, Generic, TypeVar

from engine.types.dotnet import LeanObject
from engine.types.errors import ArgumentException, InvalidOperationException

T = TypeVar("T")


class RollingWindow(LeanObject, Generic[T]):
    """The last ``size`` values; index 0 is the newest.

    Parameters
    ----------
    size : int
        Number of values kept, not negative.

    Raises
    ------
    ArgumentException
        For a negative size.
    """

    def __init__(self, size: int) -> None:
        if size < 0:
            raise ArgumentException(f"RollingWindow must have size of at least 0, was {size}.")
        self._size = int(size)
        self._items: deque[Any] = deque(maxlen=self._size)
        self._samples = 0
        self._removed: Any = None

    @property
    def size(self) -> int:
        return self._size

    @size.setter
    def size(self, size: int) -> None:
        self._items = deque(list(self._items)[:size], maxlen=int(size))
        self._size = int(size)

    @property
    def count(self) -> int:
        return len(self._items)

    @property
    def samples(self) -> int:
        return self._samples

    @property
    def is_ready(self) -> bool:
        return self._samples >= self._size

    @property
    def most_recently_removed(self) -> Any:
        if self._samples <= self._size:
            raise InvalidOperationException("No items have been removed yet!")
        return self._removed

    def add(self, item: Any) -> None:
        """Put a value in front; the oldest one falls out of a full window."""
        items = self._items
        self._samples += 1
        if len(items) == self._size and self._size:
            self._removed = items[-1]
        items.appendleft(item)

    def reset(self) -> None:
        """Forget all values."""
        self._samples = 0
        self._items.clear()

    def _index(self, i: int) -> int:
        if i < 0 and self._size + i < 0:
            raise IndexError(f"Index {i} is out of range: the window has a size of {self._size}")
        return i

    def __getitem__(self, i: int) -> Any:
        count = len(self._items)
        i = self._index(i)
        if i < 0:
            i += count
            return None if i < 0 else self._items[i]
        if i >= count:
            if i >= self._size:
                self.size = i + 1
            return None
        return self._items[i]

    def __setitem__(self, i: int, value: Any) -> None:
        i = self._index(i)
        if i < 0:
            i += self._size
        if i >= len(self._items):
            if i >= self._size:
                self.size = i + 1
            for _ in range(i - len(self._items) + 1):
                self.add(None)
        self._items[i] = value

    def __iter__(self) -> Iterator[Any]:
        return iter(list(self._items))

    def __len__(self) -> int:
        return len(self._items)

    def __bool__(self) -> bool:
        return True
