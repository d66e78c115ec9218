"""The .NET habits that LEAN's Python API shows: events, dictionaries of pairs, PascalCase names."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any, Generic, TypeVar

from engine.types.errors import EngineUnsupported, KeyNotFoundException
from engine.types.members import add_absent, add_net_names, uncover

K = TypeVar("K")
V = TypeVar("V")

_BOUNDARY = re.compile(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])")
_LEAN_MEMBERS: dict[str, frozenset[str]] = {}


def snake_name(name: str) -> str:
    """Turn ``TotalPortfolioValue`` into ``total_portfolio_value``."""
    return _BOUNDARY.sub("_", name).lower()


def register_lean_members(members: dict[str, frozenset[str]]) -> None:
    """Tell which names LEAN's classes have, for the sentence about what the engine lacks."""
    fresh = {name: found for name, found in members.items() if _LEAN_MEMBERS.get(name) != found}
    _LEAN_MEMBERS.update(fresh)
    if fresh:
        _refuse_absent(LeanObject)


def _refuse_absent(cls: type) -> None:
    known = _LEAN_MEMBERS.get(cls.__name__)
    if known is not None and cls.__module__.startswith("engine."):
        add_absent(cls, known)
    uncover(cls)
    derived: type
    for derived in type.__subclasses__(cls):
        _refuse_absent(derived)


class LeanType(type):
    """Lets static members be reached by their .NET names: ``Symbol.Create``, ``Time.OneDay``."""

    def __getattr__(cls, name: str) -> Any:
        if name[:1].isupper():
            snake = snake_name(name)
            for known in (snake, snake.upper()):
                owners = [*cls.__mro__, *type.mro(type(cls))]
                if known != name and any(known in owner.__dict__ for owner in owners):
                    return getattr(cls, known)
        if not name.startswith("_"):
            _refuse_known(cls, name)
        raise AttributeError(f"type object '{cls.__name__}' has no attribute '{name}'")


def _refuse_known(cls: type, name: str) -> None:
    for base in cls.__mro__:
        if name in _LEAN_MEMBERS.get(base.__name__, ()):
            raise EngineUnsupported(
                f"engine does not implement {base.__name__}.{name}; use lean backtest"
            )


class LeanObject(metaclass=LeanType):
    """Base of everything an algorithm can hold.

    PascalCase names work, absent parts of LEAN say so. A subclass that finds attributes in a
    ``__getattr__`` of its own ends it with :func:`missing`.
    """

    __slots__ = ()
    _dynamic = False

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        if "__getattr__" in vars(cls):
            cls._dynamic = True
        if cls.__module__.startswith("engine."):
            add_net_names(cls, LeanObject)
            _refuse_absent(cls)
            return
        # algorithms and models may be written in .NET's names: OnData, Update, GetOrderFee
        for name, value in list(cls.__dict__.items()):
            if name[:1].isupper() and callable(value):
                snake = snake_name(name)
                known = any(snake in base.__dict__ for base in cls.__mro__)
                if known and snake not in cls.__dict__:
                    setattr(cls, snake, value)
        uncover(cls)

    def to_string(self) -> str:
        """Return the text that ``str()`` gives."""
        return str(self)

    if TYPE_CHECKING:

        def __getattr__(self, name: str) -> Any: ...


add_net_names(LeanObject, ())


def missing(obj: Any, name: str) -> Any:
    """Return what a .NET name stands for, where a class looks for attributes by itself.

    Raises
    ------
    EngineUnsupported
        For a member that only LEAN has.
    AttributeError
        For a name that nobody has.
    """
    if name[:1].isupper():
        snake = snake_name(name)
        if snake != name:
            return getattr(obj, snake)
    if not name.startswith("_"):
        _refuse_known(type(obj), name)
    raise AttributeError(f"'{type(obj).__name__}' object has no attribute '{name}'")


class Event:
    """A .NET event: ``+=`` adds a handler, ``-=`` takes it away, calling it calls them in order."""

    __slots__ = ("_handlers",)

    def __init__(self) -> None:
        self._handlers: list[Callable[..., Any]] = []

    def __iadd__(self, handler: Callable[..., Any]) -> Event:
        self._handlers.append(handler)
        return self

    def __isub__(self, handler: Callable[..., Any]) -> Event:
        if handler in self._handlers:
            self._handlers.remove(handler)
        return self

    def __call__(self, *args: Any) -> None:
        for handler in tuple(self._handlers):
            handler(*args)

    def __bool__(self) -> bool:
        return bool(self._handlers)

    def __len__(self) -> int:
        return len(self._handlers)


class KeyValuePair(Generic[K, V]):
    """A pair as LEAN's dictionaries give it when iterated."""

    __slots__ = ("key", "value")

    def __init__(self, key: K, value: V) -> None:
        self.key = key
        self.value = value

    def __iter__(self) -> Iterator[Any]:
        yield self.key
        yield self.value

    def __repr__(self) -> str:
        return f"[{self.key}, {self.value}]"

    @property
    def Key(self) -> K:
        return self.key

    @property
    def Value(self) -> V:
        return self.value


class LeanDict(dict[K, V]):
    """A dict that iterates as pairs and knows LEAN's method names."""

    __slots__ = ()
    _dynamic = False

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        add_net_names(cls, LeanDict)

    def _key(self, key: Any) -> Any:
        return key

    def __iter__(self) -> Iterator[Any]:
        for key, value in self.items():
            yield KeyValuePair(key, value)

    def __contains__(self, key: Any) -> bool:
        return dict.__contains__(self, self._key(key))

    def __getitem__(self, key: Any) -> V:
        try:
            return dict.__getitem__(self, self._key(key))
        except KeyError:
            return self._missing(key)

    def _missing(self, key: Any) -> V:
        raise KeyNotFoundException(f"'{key}' wasn't found in the {type(self).__name__} object")

    def get(self, key: Any, default_value: Any = None) -> Any:
        return dict.get(self, self._key(key), default_value)

    def contains_key(self, key: Any) -> bool:
        return key in self

    def try_get_value(self, key: Any, _value: Any = None) -> tuple[bool, Any]:
        value = self.get(key)
        return value is not None, value

    @property
    def count(self) -> int:
        return len(self)

    if TYPE_CHECKING:

        def __getattr__(self, name: str) -> Any: ...


add_net_names(LeanDict, ())


class SymbolDict(LeanDict[Any, V]):
    """A :class:`LeanDict` keyed by symbol that also takes tickers."""

    __slots__ = ()

    def __getitem__(self, key: Any) -> V:
        try:
            # most are asked by symbol
            return dict.__getitem__(self, key)
        except KeyError:
            return super().__getitem__(key)

    def _key(self, key: Any) -> Any:
        if isinstance(key, str):
            from engine.types.symbol import SymbolCache

            return SymbolCache._find(key) or key
        return key
