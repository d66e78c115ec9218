"""``SecurityChanges``: what came into the algorithm and what left."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from engine.types.dotnet import LeanObject
from engine.types.enums import SecurityType


class SecurityChanges(LeanObject):
    """Securities added and removed, in order of their tickers.

    Internal ones (benchmark, exchange rates) are kept apart; user code sees neither these nor
    custom data.
    """

    NONE: SecurityChanges

    def __init__(
        self,
        added: Iterable[Any] = (),
        removed: Iterable[Any] = (),
        internal_added: Iterable[Any] = (),
        internal_removed: Iterable[Any] = (),
    ) -> None:
        # dictionaries keep the order and drop what comes twice
        self._added = dict.fromkeys(added)
        self._removed = dict.fromkeys(removed)
        self._internal_added = dict.fromkeys(internal_added)
        self._internal_removed = dict.fromkeys(internal_removed)
        self.filter_custom_securities = False
        self.filter_internal_securities = False

    def _for_user(self) -> SecurityChanges:
        """Return the same changes without custom data and internal feeds."""
        shown = SecurityChanges(
            self._added, self._removed, self._internal_added, self._internal_removed
        )
        shown.filter_custom_securities = shown.filter_internal_securities = True
        return shown

    def _for_engine(self) -> SecurityChanges:
        """Return the changes without internal feeds; end-of-day events follow custom data too."""
        shown = self._for_user()
        shown.filter_custom_securities = False
        return shown

    @property
    def count(self) -> int:
        return (
            len(self._added)
            + len(self._removed)
            + len(self._internal_added)
            + len(self._internal_removed)
        )

    def _list(self, own: dict[Any, None], internal: dict[Any, None]) -> list[Any]:
        found = dict(own)
        if not self.filter_internal_securities:
            found.update(internal)
        if self.filter_custom_securities:
            found = {s: None for s in found if s.type != SecurityType.BASE}
        return sorted(found, key=lambda security: security.symbol.value)

    @property
    def added_securities(self) -> list[Any]:
        return self._list(self._added, self._internal_added)

    @property
    def removed_securities(self) -> list[Any]:
        return self._list(self._removed, self._internal_removed)

    def __add__(self, other: SecurityChanges) -> SecurityChanges:
        if not self.count:
            return other
        if not other.count:
            return self
        added = self._added | other._added
        internal = self._internal_added | other._internal_added

        def left(first: dict[Any, None], second: dict[Any, None]) -> list[Any]:
            # what came (again) has not left
            return [s for s in first | second if s not in added and s not in internal]

        return SecurityChanges(
            added,
            left(self._removed, other._removed),
            internal,
            left(self._internal_removed, other._internal_removed),
        )

    def __str__(self) -> str:
        if not self.count:
            return "SecurityChanges: None"
        text = ""
        for word, found in (("Added", self.added_securities), ("Removed", self.removed_securities)):
            if found:
                text += f" {word}: {','.join(str(s.symbol.id) for s in found)}"
        return f"SecurityChanges: {text}"

    __repr__ = __str__


SecurityChanges.NONE = SecurityChanges()
