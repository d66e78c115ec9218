"""Open orders in the order in which LEAN's dictionary gives them.

LEAN keeps open orders in a .NET ``ConcurrentDictionary``: iterating goes bucket by bucket (order id
modulo a prime), the newest of a bucket first. Cancels of several orders follow this order, so the
events do too.
"""

from __future__ import annotations

from bisect import bisect_left
from typing import Any

_FIRST_BUCKETS = 37
# .NET takes as many locks as the machine has cores; the recorded runs agree with two
_FIRST_LOCKS = 2
_MOST_LOCKS = 1024


def next_prime(least: int) -> int:
    """Return the first of .NET's table sizes that is not smaller."""
    return next(prime for prime in _PRIMES if prime >= least)


_PRIMES = (
    37, 47, 59, 71, 89, 107, 131, 163, 197, 239, 293, 353, 431, 521, 631, 761, 919, 1103, 1327,
    1597, 1931, 2333, 2801, 3371, 4049, 4861, 5839, 7013, 8419, 10103, 12143, 14591, 17519, 21023,
    25229, 30293, 36353, 43627, 52361, 62851, 75431, 90523, 108631, 130363, 156437, 187751, 225307,
    270371, 324449, 389357, 467237, 560689, 672827, 807403, 968897, 1162687, 1395263, 1674319,
    2009191, 2411033, 2893249, 3471899, 4166287, 4999559, 5999471, 7199369,
)  # fmt: skip


class OrderTable:
    """A dictionary by order id that iterates as .NET's does.

    >>> table = OrderTable()
    >>> for order_id in (31, 33, 48): table[order_id] = str(order_id)
    >>> table.values()
    ['48', '31', '33']
    """

    def __init__(self) -> None:
        self._items: dict[int, Any] = {}
        # the ids in .NET's order, and the bucket of each
        self._ids: list[int] = []
        self._buckets: list[int] = []
        self._size = _FIRST_BUCKETS
        self._counts = [0] * _FIRST_LOCKS
        self._budget = _FIRST_BUCKETS // _FIRST_LOCKS
        # counts the changes that are done, and the values as they were after one of them
        self._changes = 0
        self._listed: tuple[int, list[Any]] = (-1, [])

    def __len__(self) -> int:
        return len(self._items)

    def __contains__(self, order_id: int) -> bool:
        return order_id in self._items

    def __getitem__(self, order_id: int) -> Any:
        return self._items[order_id]

    def get(self, order_id: int) -> Any:
        return self._items.get(order_id)

    def __setitem__(self, order_id: int, value: Any) -> None:
        new = order_id not in self._items
        self._items[order_id] = value
        if new:
            lock = self._link(order_id) % len(self._counts)
            self._counts[lock] += 1
            if self._counts[lock] > self._budget:
                self._grow()
        self._changes += 1

    def _link(self, order_id: int) -> int:
        """Put an id before the others of its bucket; return the bucket."""
        bucket = order_id % self._size
        at = bisect_left(self._buckets, bucket)
        self._buckets.insert(at, bucket)
        self._ids.insert(at, order_id)
        return bucket

    def pop(self, order_id: int) -> Any:
        """Take an entry out; ``None`` when there is none."""
        value = self._items.pop(order_id, None)
        if value is not None:
            at = self._ids.index(order_id)
            del self._ids[at]
            self._counts[self._buckets.pop(at) % len(self._counts)] -= 1
            self._changes += 1
        return value

    def values(self) -> list[Any]:
        """Return the values in .NET's order; an entry that another thread takes out meanwhile may
        be missing, never one that stays.
        """
        items = self._items
        if len(items) < 2:
            return list(items.values())
        changes, listed = self._listed
        if changes != self._changes:
            changes = self._changes
            found = map(items.get, self._ids.copy())
            listed = [value for value in found if value is not None]
            self._listed = changes, listed
        return list(listed)

    def _grow(self) -> None:
        """Take a larger table, unless it is nearly empty; entries are linked anew one by one."""
        if len(self._items) < self._size // 4:
            self._budget *= 2
            return
        size = next_prime(self._size * 2)
        locks = len(self._counts)
        if locks < _MOST_LOCKS:
            locks *= 2
        # each before those that came to its bucket earlier
        ids = self._ids[::-1]
        ids.sort(key=lambda order_id: order_id % size)
        buckets = [order_id % size for order_id in ids]
        self._ids, self._buckets, self._size = ids, buckets, size
        self._counts = [0] * locks
        for bucket in buckets:
            self._counts[bucket % locks] += 1
        self._budget = max(1, size // locks)
