"""A dictionary that is iterated in the order of .NET's: a new key takes the place freed last."""

from __future__ import annotations

from collections.abc import Iterator, MutableMapping
from typing import Any, Generic, TypeVar

K = TypeVar("K")
V = TypeVar("V")


class SlotDict(MutableMapping[K, V], Generic[K, V]):
    """Keys in slots: removing one frees its slot, and the next new key goes into the slot freed
    last.

    The order of insights, targets and securities in LEAN's models, and so the order of orders,
    depends on it.
    """

    __slots__ = ("_free", "_places", "_slots")

    def __init__(self) -> None:
        self._places: dict[K, int] = {}
        self._slots: list[tuple[K, V] | None] = []
        self._free: list[int] = []

    def __getitem__(self, key: K) -> V:
        entry = self._slots[self._places[key]]
        assert entry is not None
        return entry[1]

    def __setitem__(self, key: K, value: V) -> None:
        place = self._places.get(key)
        if place is None:
            if self._free:
                place = self._free.pop()
                self._slots[place] = (key, value)
            else:
                place = len(self._slots)
                self._slots.append((key, value))
            self._places[key] = place
        else:
            self._slots[place] = (key, value)

    def entries(self) -> list[V]:
        """Return the values as a list; :meth:`values` looks each of them up by its key."""
        return [entry[1] for entry in self._slots if entry is not None]

    def __bool__(self) -> bool:
        return bool(self._places)

    def __delitem__(self, key: K) -> None:
        place = self._places.pop(key)
        self._slots[place] = None
        self._free.append(place)

    def get(self, key: K, default: Any = None) -> Any:
        # without the exception that the inherited one makes of a key that is not there
        place = self._places.get(key)
        if place is None:
            return default
        entry = self._slots[place]
        assert entry is not None
        return entry[1]

    def __contains__(self, key: object) -> bool:
        return key in self._places

    def __len__(self) -> int:
        return len(self._places)

    def __iter__(self) -> Iterator[K]:
        return iter([entry[0] for entry in self._slots if entry is not None])

    def clear(self) -> None:
        self._places.clear()
        self._slots.clear()
        self._free.clear()
