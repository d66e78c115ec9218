"""Machinery of settings: frozen dataclasses that refuse unknown keys and impossible values."""

from __future__ import annotations

import dataclasses
import difflib
from collections.abc import Iterable, Mapping
from typing import Any, TypeVar

from protection.contracts.checks import Constraint
from protection.contracts.errors import FixSettings

SectionType = TypeVar("SectionType", bound="Section")
TreeType = TypeVar("TreeType", bound="Tree")


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


class _Plain:
    """How settings compare and print: as any dataclass does, without methods of each class's own,
    which half of the time to make these classes went into (``eq=False, repr=False``).
    """

    def __eq__(self, other: object) -> bool:
        if other.__class__ is not self.__class__:
            return NotImplemented
        return _values(self) == _values(other)

    def __hash__(self) -> int:
        return hash(_values(self))

    def __repr__(self) -> str:
        names = (field.name for field in dataclasses.fields(self))  # type: ignore[arg-type]
        told = ", ".join(f"{name}={getattr(self, name)!r}" for name in names)
        return f"{type(self).__qualname__}({told})"


def _values(settings: Any) -> tuple[Any, ...]:
    return tuple([getattr(settings, field.name) for field in dataclasses.fields(settings)])


@dataclasses.dataclass(frozen=True, eq=False, repr=False)
class Section(_Plain):
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

    @classmethod
    def meanings(cls) -> dict[str, str]:
        """One line of meaning for each field by name."""
        return {field.name: field.metadata["meaning"] for field in dataclasses.fields(cls)}


@dataclasses.dataclass(frozen=True, eq=False, repr=False)
class Tree(_Plain):
    """Base of a group of sections; every field is a section, or again a tree, by its default.

    A field is declared as ``name: Kind = dataclasses.field(default_factory=Kind)``, under the name
    that the kind has in keys.
    """

    NAME = ""

    def __post_init__(self) -> None:
        for name, kind in self.members().items():
            if not isinstance(getattr(self, name), kind):
                raise FixSettings(
                    f"expected {name} to be {kind.__name__}, was {getattr(self, name)!r}; "
                    f"use {type(self).__name__}.from_dict for plain mappings"
                )

    @classmethod
    def members(cls) -> dict[str, type[Section] | type[Tree]]:
        """Sections by name, in order."""
        return {
            field.name: field.default_factory  # type: ignore[misc] # by the rule above, a class
            for field in dataclasses.fields(cls)
        }

    @classmethod
    def from_dict(cls: type[TreeType], values: Mapping[str, Any]) -> TreeType:
        """Build from nested plain mappings; missing keys keep their defaults.

        Raises
        ------
        FixSettings
            For an unknown section or key, or an impossible value.
        """
        built: dict[str, Any] = {}
        members = cls.members()
        for name, section in values.items():
            if name not in members:
                raise unknown_key(name, members)
            if not isinstance(section, Mapping):
                raise FixSettings(f"expected {name} to be a mapping of settings, was {section!r}")
            built[name] = members[name].from_dict(section)
        return cls(**built)

    @classmethod
    def from_flat(cls: type[TreeType], parameters: Mapping[str, str]) -> TreeType:
        """Build from flat strings such as ``{"drawdown.halt": "0.15"}``.

        Raises
        ------
        FixSettings
            For an unknown key or a text that is no such value.
        """
        known = cls.constraints()
        nested: dict[str, Any] = {}
        for key, text in parameters.items():
            if key not in known:
                raise unknown_key(key, known)
            *path, name = key.split(".")
            place = nested
            for step in path:
                place = place.setdefault(step, {})
            place[name] = known[key].read(key, str(text))
        return cls.from_dict(nested)

    def to_dict(self) -> dict[str, dict[str, Any]]:
        """Nested plain dictionary, read back by :meth:`from_dict`."""
        return {name: getattr(self, name).to_dict() for name in self.members()}

    def written(self) -> dict[str, Any]:
        """By flat key what a configuration file needs to hold, see :meth:`Section.written`."""
        return {
            f"{section}.{name}": value
            for section in self.members()
            for name, value in getattr(self, section).written().items()
        }

    def to_flat(self) -> dict[str, str]:
        """Flat strings, read back by :meth:`from_flat`; of sparse sections only what differs from
        the defaults.
        """
        return {key: to_text(value) for key, value in self.written().items()}

    @classmethod
    def constraints(cls) -> dict[str, Constraint]:
        """Constraint of every flat key, in the order of the tree."""
        return {
            f"{section}.{name}": constraint
            for section, kind in cls.members().items()
            for name, constraint in kind.constraints().items()
        }

    @classmethod
    def meanings(cls) -> dict[str, str]:
        """One line of meaning for every flat key."""
        return {
            f"{section}.{name}": text
            for section, kind in cls.members().items()
            for name, text in kind.meanings().items()
        }


def to_text(value: Any) -> str:
    """Flat string form of a setting's value, read back by its constraint."""
    if value is None:
        return "none"
    if isinstance(value, bool):
        return "true" if value else "false"
    return repr(value) if isinstance(value, float) else str(value)
