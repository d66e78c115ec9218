""".NET's names on hot classes.

Indicators and consolidators carry the PascalCase names as aliases in their classes.
"""

from __future__ import annotations

from typing import Any

from engine.types.members import pascal


def _is_public(name: str) -> bool:
    return name[:1].islower()


class PascalNames:
    """Gives the public methods and properties of its subclasses their PascalCase twins."""

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        for name, member in list(vars(cls).items()):
            twin = pascal(name)
            if _is_public(name) and twin not in vars(cls):
                setattr(cls, twin, member)


def _twin(name: str) -> property:
    def get(self: Any) -> Any:
        return getattr(self, name)

    def put(self: Any, value: Any) -> None:
        setattr(self, name, value)

    return property(get, put)


def alias_attributes(obj: Any) -> None:
    """Give the public attributes of an instance PascalCase twins in its class, once a class."""
    cls = type(obj)
    if "_aliased" in vars(cls):
        return
    cls._aliased = True
    for name in vars(obj):
        if _is_public(name) and not hasattr(cls, pascal(name)):
            setattr(cls, pascal(name), _twin(name))
