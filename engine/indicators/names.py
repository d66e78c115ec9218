""".NET's names on hot classes.

Indicators and consolidators carry the PascalCase names as aliases in their classes.
"""

from __future__ import annotations

from typing import Any

from engine.types.members import add_attribute_names, pascal


class PascalNames:
    """Gives the public methods, properties and attributes of its subclasses PascalCase twins."""

    _dynamic = False

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        for name, member in list(vars(cls).items()):
            twin = pascal(name)
            if name[:1].islower() and twin not in vars(cls):
                setattr(cls, twin, member)
        add_attribute_names(cls, (cls,), declared=False)
