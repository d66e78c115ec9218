"""LEAN's .NET names, and the members that the engine lacks, as descriptors of the classes.

A class with ``__getattr__`` makes every look at an attribute of its instances several times slower
in CPython, those that succeed too. So ``obj.IsReady`` is found as a member of the class that looks
at ``obj.is_ready``, and a member that only LEAN has is one that refuses. ``_dynamic`` of a class
tells that it has a ``__getattr__`` of its own, which then comes before these names.
"""

from __future__ import annotations

import opcode
from collections.abc import Iterable, Iterator
from functools import cache
from types import CodeType
from typing import Any

from engine.types.errors import EngineUnsupported

_STORE = opcode.opmap["STORE_ATTR"]
_EXTENDED = opcode.opmap["EXTENDED_ARG"]
_DEREF = opcode.opmap["LOAD_DEREF"]
_LOADS = frozenset(code for name, code in opcode.opmap.items() if name.startswith("LOAD_FAST"))
#: endings that LEAN writes in capitals, as in ``AverageMAE``
_CAPITALS = ("Mae", "Mfe")


@cache  # hundreds of classes share their names
def pascal(name: str) -> str:
    """Turn ``is_ready`` into ``IsReady``."""
    return "".join(part[:1].upper() + part[1:] for part in name.split("_"))


class NetMethod:
    """A method by its .NET name; an attribute that the user sets under that name hides it."""

    __slots__ = ("name",)

    def __init__(self, name: str) -> None:
        self.name = name

    def __get__(self, obj: Any, owner: type | None = None) -> Any:
        if obj is None:
            return getattr(owner, self.name)
        if obj._dynamic:
            raise AttributeError(self.name)
        return getattr(obj, self.name)


class NetValue:
    """A property or attribute by its .NET name, to read and to write."""

    __slots__ = ("name", "own")

    def __init__(self, name: str, own: str) -> None:
        self.name, self.own = name, own

    def __get__(self, obj: Any, owner: type | None = None) -> Any:
        if obj is None:
            return getattr(owner, self.name)
        if obj._dynamic:
            held = vars(obj)
            if self.own in held:
                return held[self.own]
            raise AttributeError(self.own)
        return getattr(obj, self.name)

    def __set__(self, obj: Any, value: Any) -> None:
        if obj._dynamic:
            vars(obj)[self.own] = value
        else:
            setattr(obj, self.name, value)


class Absent:
    """A member of LEAN's that the engine lacks.

    Raises
    ------
    EngineUnsupported
        When somebody looks at it.
    """

    __slots__ = ("name", "owner")

    def __init__(self, owner: str, name: str) -> None:
        self.owner, self.name = owner, name

    def __get__(self, obj: Any, owner: type | None = None) -> Any:
        if obj is not None and obj._dynamic:
            raise AttributeError(self.name)
        raise EngineUnsupported(
            f"engine does not implement {self.owner}.{self.name}; use lean backtest"
        )


def _codes(members: Iterable[Any]) -> Iterator[CodeType]:
    for member in members:
        if isinstance(member, property):
            yield from _codes((member.fget, member.fset))
        else:
            code = getattr(getattr(member, "__func__", member), "__code__", None)
            if isinstance(code, CodeType):
                yield code


def _stored(code: CodeType, known: set[str]) -> Iterator[str]:
    """Yield the names of unknown public attributes that a method sets on its first argument."""
    raw = code.co_code
    operations = raw[::2]
    at = operations.find(_STORE)
    if at < 0:  # most methods
        return
    names, arguments = code.co_names, raw[1::2]
    # functions inside of the method look at the object too
    shared = bool(code.co_argcount) and code.co_varnames[0] in code.co_cellvars
    while at >= 0:
        number, before = arguments[at], at - 1
        if operations[before] == _EXTENDED:
            number |= arguments[before] << 8
            before -= 1
        name = names[number]
        # newer versions load two in one go; the second is the object
        own = operations[before] in _LOADS and not arguments[before] & 15
        own = own or (shared and operations[before] == _DEREF)
        if own and name[:1].islower() and name not in known:
            yield name
        at = operations.find(_STORE, at + 1)


@cache
def _net_names(name: str, callable_: bool) -> tuple[str, ...]:
    if not name[:1].islower():
        return ()
    first = pascal(name)
    found = [first]
    if callable_ and "_" not in name:
        found.append(name.upper())
    if first.endswith(_CAPITALS):
        found.append(first[:-3] + first[-3:].upper())
    return tuple(found)


def add_net_names(cls: type, parents: type | tuple[type, ...]) -> None:
    """Give a class the .NET names of what it and its bases that have none define.

    Parameters
    ----------
    cls
        The new class.
    parents
        Bases of it that are derived from these have theirs already.
    """
    known: set[str] = set()
    for base in cls.__mro__:
        known.update(vars(base))
    fresh = [b for b in cls.__mro__ if b is cls or not (b is object or issubclass(b, parents))]
    for base in fresh:
        for name, member in list(vars(base).items()):
            if not name[:1].islower():
                continue
            # what has no __set__ can be hidden by an attribute of the instance
            method = hasattr(type(member), "__get__") and not hasattr(type(member), "__set__")
            for net in _net_names(name, method):
                if net not in known:
                    known.add(net)
                    setattr(cls, net, NetMethod(name) if method else NetValue(name, net))
    _add_attribute_names(cls, fresh, True, known)


def add_attribute_names(cls: type, bases: Iterable[type], declared: bool = True) -> None:
    """Give a class the .NET names of the attributes that the methods of some bases set, and of
    those that are only declared.
    """
    known: set[str] = set()
    for base in cls.__mro__:
        known.update(vars(base))
    _add_attribute_names(cls, bases, declared, known)


def _add_attribute_names(cls: type, bases: Iterable[type], declared: bool, known: set[str]) -> None:
    for base in bases:
        names = vars(base).get("__annotations__", ()) if declared else ()
        attributes = {name for name in names if name[:1].islower()} - known
        for code in _codes(vars(base).values()):
            attributes.update(_stored(code, known))
        for name in attributes:
            for net in _net_names(name, False):
                if net not in known:
                    known.add(net)
                    setattr(cls, net, NetValue(name, net))


def add_absent(cls: type, members: Iterable[str]) -> None:
    """Let a class refuse those of LEAN's members that it lacks."""
    known: set[str] = set()
    for base in cls.__mro__:
        known.update(vars(base))
    for name in members:
        # an attribute that instances set has its .NET name in the class
        if name in known or pascal(name) in known:
            continue
        for shown in (name, *_net_names(name, True)):
            if shown not in known:
                setattr(cls, shown, Absent(cls.__name__, name))


def uncover(cls: type) -> None:
    """Let no refusing member of one base hide what another base has."""
    if len(cls.__bases__) < 2:
        return
    covered: dict[str, Any] = {}
    found: dict[str, Any] = {}
    for base in cls.__mro__:
        for name, member in vars(base).items():
            if name in found:
                continue
            if type(member) is Absent:
                covered[name] = member
            else:
                found[name] = member
                if name in covered:
                    setattr(cls, name, member)
