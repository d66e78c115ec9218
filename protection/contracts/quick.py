"""Frozen records that are made by the thousand: an ``__init__`` several times as fast.

A frozen dataclass sets each field by a call of ``object.__setattr__``, for its own assignment is
forbidden. Here a new record is for the time of its ``__init__`` an object of a twin class with the
same slots that allows assignment; after the last field it is of its own class, and frozen.
"""

from __future__ import annotations

from dataclasses import MISSING, fields
from typing import Any, TypeVar

Record = TypeVar("Record")
_set_class = object.__dict__["__class__"].__set__


def quick(cls: type[Record]) -> type[Record]:
    """Replace the ``__init__`` of a frozen dataclass with slots by an equal, faster one.

    Subclasses keep the dataclass's own.

    Raises
    ------
    TypeError
        For a class without slots of its own, with a base class or with ``__post_init__``.
    """
    slots = cls.__dict__.get("__slots__")
    if slots is None or cls.__bases__ != (object,) or hasattr(cls, "__post_init__"):
        raise TypeError(
            f"expected a dataclass with slots, no base and no __post_init__, was {cls.__name__}"
        )
    known: dict[str, Any] = {
        "_own": cls,
        "_draft": type(cls.__name__, (), {"__slots__": slots}),
        "_set_class": _set_class,
        "_slow": cls.__init__,
        "_missing": MISSING,
    }
    heads, body = [], []
    for field in fields(cls):  # type: ignore[arg-type] # the check above and `fields` see to that
        name = field.name
        if field.default is not MISSING:
            known[f"_default_{name}"] = field.default
            heads.append(f"{name}=_default_{name}")
        elif field.default_factory is not MISSING:
            known[f"_make_{name}"] = field.default_factory
            heads.append(f"{name}=_missing")
            body.append(f"{name} = _make_{name}() if {name} is _missing else {name}")
        else:
            heads.append(name)
    names = [field.name for field in fields(cls)]  # type: ignore[arg-type] # as above
    lines = [
        f"def __init__(self, {', '.join(heads)}):",
        *body,
        "if self.__class__ is not _own:",
        f"    return _slow(self, {', '.join(names)})",
        "_set_class(self, _draft)",
        *(f"self.{name} = {name}" for name in names),
        "_set_class(self, _own)",
    ]
    # names of fields only, as dataclasses itself does it
    exec("\n    ".join(lines), known)  # noqa: S102
    made = known["__init__"]
    made.__qualname__ = f"{cls.__qualname__}.__init__"
    made.__module__ = cls.__module__
    made.__annotations__ = dict(cls.__init__.__annotations__)
    cls.__init__ = made  # type: ignore[method-assign]
    return cls
