"""One versioned piece of state in a store, with the rules for reading and losing it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from protection.contracts.errors import RecoverState
from protection.contracts.stores.base import Migration, StateStore, pack, unpack


class StateVault:
    """Loads and saves one payload; unreadable state is kept until somebody says otherwise.

    Parameters
    ----------
    store : where it lives
    key, kind, version : its name, what it claims to be, and its present layout
    migrations : by version, the step from it to the next one
    """

    def __init__(
        self,
        store: StateStore,
        key: str,
        kind: str,
        version: int,
        migrations: Mapping[int, Migration] | None = None,
    ) -> None:
        self._store = store
        self._key, self._kind, self._version = key, kind, version
        self._migrations = migrations
        self.sealed = False

    def load(self) -> dict[str, Any] | None:
        """Stored payload, None when there is none.

        Raises
        ------
        RecoverState
            When it cannot be read as a whole.
        """
        text = self._store.read(self._key)
        if text is None:
            return None
        return unpack(text, self._kind, self._version, self._migrations)

    def seal(self) -> None:
        """Keep what is stored as evidence: :meth:`save` does nothing until :meth:`release`."""
        self.sealed = True

    def release(self) -> None:
        """Copy the sealed text to ``<name>.unreadable`` and allow saving again.

        Raises
        ------
        RetryWrite
            When the copy could not be written; it stays sealed.
        """
        if not self.sealed:
            return
        self._set_aside()
        self.sealed = False

    def _set_aside(self) -> None:
        """Copy the stored text, as far as it is text, to ``<name>.unreadable``."""
        try:
            text = self._store.read(self._key)
        except RecoverState:
            text = None  # not even text; the next save replaces it
        if text is not None:
            self._store.write(f"{self._key.partition('.')[0]}.unreadable", text)

    def save(self, payload: Mapping[str, Any]) -> bool:
        """Make the payload durable; returns False without writing while sealed.

        Raises
        ------
        RetryWrite
            When it could not be made durable.
        FixInput
            When the payload holds something that cannot be kept.
        """
        if self.sealed:
            return False
        self._store.write(self._key, pack(self._kind, self._version, payload))
        return True
