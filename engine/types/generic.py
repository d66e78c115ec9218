"""Collections of .NET's ``System.Collections.Generic`` for algorithms that import them."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable
from typing import Any, TypeVar

from engine.types.dotnet import LeanDict

T = TypeVar("T")


class Generic:
    """A generic method: ``get(name)`` and ``get[Type](name)`` do the same here."""

    __slots__ = ("_function",)

    def __init__(self, function: Callable[..., Any]) -> None:
        self._function = function

    def __getitem__(self, kinds: Any) -> Callable[..., Any]:
        return self._function

    def __call__(self, *args: Any) -> Any:
        return self._function(*args)


class List(list[T]):
    """A list with .NET's method names."""

    def add(self, item: T) -> None:
        self.append(item)

    def add_range(self, items: Iterable[T]) -> None:
        self.extend(items)

    def contains(self, item: Any) -> bool:
        return item in self

    def to_array(self) -> list[T]:
        return list(self)

    Add, AddRange, Contains, ToArray = add, add_range, contains, to_array
    Clear, Insert, Remove, Sort = list.clear, list.insert, list.remove, list.sort

    @property
    def Count(self) -> int:
        return len(self)

    count = Count  # type: ignore[assignment]


class HashSet(set[T]):
    """A set with .NET's method names."""

    def contains(self, item: Any) -> bool:
        return item in self

    Add, Clear, Contains, Remove = set.add, set.clear, contains, set.discard

    @property
    def Count(self) -> int:
        return len(self)

    count = Count


class Queue(deque[T]):
    """A queue: first in, first out."""

    def enqueue(self, item: T) -> None:
        self.append(item)

    def dequeue(self) -> T:
        return self.popleft()

    def peek(self) -> T:
        return self[0]

    Enqueue, Dequeue, Peek, Clear = enqueue, dequeue, peek, deque.clear

    @property
    def Count(self) -> int:
        return len(self)

    count = Count  # type: ignore[assignment]


class Dictionary(LeanDict[Any, Any]):
    """A dictionary with .NET's method names."""

    def add(self, key: Any, value: Any) -> None:
        self[key] = value

    def remove(self, key: Any) -> bool:
        return self.pop(key, self) is not self


NAMES: dict[str, type] = {
    "Dictionary": Dictionary,
    "HashSet": HashSet,
    "List": List,
    "Queue": Queue,
}
