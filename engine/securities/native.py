"""How the engine calls models that users may have written in Python.

LEAN's own classes call each other inside .NET: an override in a Python subclass is seen by LEAN's
callers from outside,
but not by the base class's own methods. :attr:`LeanModel._native` is the class whose methods play
the .NET side.
"""

from __future__ import annotations

from decimal import Decimal
from typing import Any, ClassVar

from engine.orders.exact import from_python
from engine.types.dotnet import LeanObject, snake_name


class LeanModel(LeanObject):
    """Base of models that algorithms may subclass.

    State has class-level defaults because a Python subclass need not call ``super().__init__()``
    under LEAN.
    """

    _native: ClassVar[Any]

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        if cls.__module__.startswith("engine."):
            cls._native = cls
            return
        for name, member in list(vars(cls).items()):
            if name[:1].isupper() and callable(member) and snake_name(name) not in vars(cls):
                setattr(cls, snake_name(name), member)


def method(model: Any, name: str) -> Any:
    """Return a method of a model by its snake_case name, or by its .NET name when a user wrote it
    so.
    """
    found = getattr(model, name, None)
    if found is None:
        found = getattr(model, "".join(part.capitalize() for part in name.split("_")), None)
    if found is None:
        raise AttributeError(
            f"expected {type(model).__name__} to have a method {name}, it has none; derive it from "
            "LEAN's class"
        )
    return found


def exact(model: Any, name: str, *args: Any) -> Decimal:
    """Ask a model for a number: exactly from the engine's own methods, through floats from a
    user's.
    """
    native = getattr(model, "_native", None)
    if native is not None and getattr(type(model), name) is getattr(native, name):
        return getattr(model, "_" + name)(*args)
    return from_python(method(model, name)(*args))
