"""Machinery of settings: frozen dataclasses that refuse unknown keys and impossible values."""

from __future__ import annotations

import dataclasses
import difflib
from collections.abc import Iterable, Mapping
from typing import Any, TypeVar

from protection.contracts.checks import Constraint
from protection.contracts.errors import FixSettings

SectionType = TypeVar("SectionType", bound="Section")


def setting(default: Any, constraint: Constraint, meaning: str) -> Any:
    """Field of a section: default, what it may be, and one line on what it means."""
    return dataclasses.field(
        default=default, metadata={"constraint": constraint, "meaning": meaning}
    )


def unknown_key(key: str, known: Iterable[str]) -> FixSettings:
    """Error for a key that no setting has, with the nearest ones that exist."""
    names = sorted(known)
    near = difflib.get_close_matches(key, names, n=3, cutoff=0.5)
    hint = f"did you mean {' or '.join(near)}?" if near else f"known: {', '.join(names)}"
    return FixSettings(f"expected a known setting, was {key!r}; {hint}")


@dataclasses.dataclass(frozen=True)
class Section:
    """Base of one group of settings; every field is declared with :func:`setting`.

    Sections with ``SPARSE`` are written out only where they differ from their defaults.
    """

    NAME = ""
    SPARSE = False

    def __post_init__(self) -> None:
        for field in dataclasses.fields(self):
            constraint: Constraint = field.metadata["constraint"]
            constraint.check(f"{self.NAME}.{field.name}", getattr(self, field.name))

    @classmethod
    def from_dict(cls: type[SectionType], values: Mapping[str, Any]) -> SectionType:
        """Build from a plain mapping; missing keys keep their defaults.

        Raises
        ------
        FixSettings
            For an unknown key or an impossible value.
        """
        known = {field.name for field in dataclasses.fields(cls)}
        for key in values:
            if key not in known:
                raise unknown_key(f"{cls.NAME}.{key}", (f"{cls.NAME}.{name}" for name in known))
        return cls(**dict(values))

    def to_dict(self) -> dict[str, Any]:
        """Plain dictionary of every field."""
        return {field.name: getattr(self, field.name) for field in dataclasses.fields(self)}

    def written(self) -> dict[str, Any]:
        """What a configuration file needs to hold: everything, or of a sparse section what
        differs from the defaults.
        """
        return {
            field.name: getattr(self, field.name)
            for field in dataclasses.fields(self)
            if not self.SPARSE or getattr(self, field.name) != field.default
        }

    @classmethod
    def constraints(cls) -> dict[str, Constraint]:
        """Constraint of each field by name."""
        return {field.name: field.metadata["constraint"] for field in dataclasses.fields(cls)}


def to_text(value: Any) -> str:
    """Flat string form of a setting's value, read back by its constraint."""
    if value is None:
        return "none"
    if isinstance(value, bool):
        return "true" if value else "false"
    return repr(value) if isinstance(value, float) else str(value)
