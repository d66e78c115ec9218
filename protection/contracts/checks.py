"""Constrained values: what a setting may be, and the sentence when it is not."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from protection.contracts.errors import FixSettings

_OFF = frozenset({"", "none", "off", "null"})
_TRUE = frozenset({"true", "1", "yes", "on"})
_FALSE = frozenset({"false", "0", "no", "off"})


@dataclass(frozen=True, slots=True)
class Constraint:
    """A kind of value.

    Attributes
    ----------
    expects : description that completes "expected KEY ..."
    holds : whether a value of the right type is inside
    parse : text to value, raising ValueError
    hint : addition to the message for one refused value, or an empty string
    optional : whether None is allowed; what it means is said where the setting is defined
    """

    expects: str
    holds: Callable[[Any], bool]
    parse: Callable[[str], Any]
    hint: Callable[[Any], str] = lambda value: ""
    optional: bool = False

    def check(self, key: str, value: Any) -> Any:
        """Return ``value`` when it is allowed under ``key``.

        Raises
        ------
        FixSettings
            "expected KEY in (0, 1), was 15; write 0.15 for 15%".
        """
        if value is None:
            if self.optional:
                return None
        else:
            try:
                if self.holds(value):
                    return value
            except TypeError:
                pass
        raise FixSettings(self.message(key, value))

    def read(self, key: str, text: str) -> Any:
        """Parse a flat string parameter and check it.

        Raises
        ------
        FixSettings
            When the text is no such value.
        """
        plain = text.strip()
        if self.optional and plain.lower() in _OFF:
            return None
        try:
            value = self.parse(plain)
        except ValueError:
            raise FixSettings(self.message(key, text)) from None
        return self.check(key, value)

    def message(self, key: str, value: Any) -> str:
        """Sentence for a refused value."""
        hint = ""
        if _number(value):
            hint = self.hint(value)
        elif not self.optional and (value is None or str(value).strip().lower() in _OFF):
            hint = "; this setting cannot be switched off"
        shown = repr(value) if isinstance(value, str) else f"{value}"
        off = " or none" if self.optional else ""
        return f"expected {key} {self.expects}{off}, was {shown}{hint}"


def _number(value: Any) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool)


def _finite(value: Any) -> bool:
    return _number(value) and math.isfinite(value)


def _percent_hint(value: float) -> str:
    if 1 <= value < 100:
        return f"; write {value / 100:g} for {value:g}%"
    if value < 0:
        return "; write losses as positive numbers"
    return ""


def share(*, optional: bool = False) -> Constraint:
    """Fraction strictly between 0 and 1."""
    return Constraint(
        "in (0, 1)",
        lambda value: _finite(value) and 0.0 < value < 1.0,
        float,
        _percent_hint,
        optional,
    )


def size(*, optional: bool = False) -> Constraint:
    """Fraction in [0, 1]: a share of the full size."""
    return Constraint(
        "in [0, 1]",
        lambda value: _finite(value) and 0.0 <= value <= 1.0,
        float,
        _percent_hint,
        optional,
    )


def above(floor: float, *, optional: bool = False) -> Constraint:
    """Finite number greater than ``floor``."""
    return Constraint(
        f"a number above {floor:g}",
        lambda value: _finite(value) and value > floor,
        float,
        optional=optional,
    )


def between(floor: float, ceiling: float, *, optional: bool = False) -> Constraint:
    """Finite number above ``floor`` and below ``ceiling``."""
    return Constraint(
        f"a number above {floor:g} and below {ceiling:g}",
        lambda value: _finite(value) and floor < value < ceiling,
        float,
        optional=optional,
    )


def at_least(floor: float, *, optional: bool = False) -> Constraint:
    """Finite number not below ``floor``."""
    return Constraint(
        f"a number of at least {floor:g}",
        lambda value: _finite(value) and value >= floor,
        float,
        optional=optional,
    )


def count(floor: int, *, optional: bool = False) -> Constraint:
    """Whole number not below ``floor``."""
    return Constraint(
        f"a whole number of at least {floor}",
        lambda value: isinstance(value, int) and not isinstance(value, bool) and value >= floor,
        int,
        optional=optional,
    )


def one_of(*names: str) -> Constraint:
    """One of some words."""
    return Constraint(
        "one of " + ", ".join(names), lambda value: value in names, lambda text: text.lower()
    )


def flag() -> Constraint:
    """True or false."""

    def parse(text: str) -> bool:
        lowered = text.lower()
        if lowered in _TRUE:
            return True
        if lowered in _FALSE:
            return False
        raise ValueError(text)

    return Constraint("true or false", lambda value: isinstance(value, bool), parse)


def words() -> Constraint:
    """Any non-empty text."""
    return Constraint(
        "a non-empty text", lambda value: isinstance(value, str) and bool(value.strip()), str
    )
