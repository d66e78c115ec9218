"""State in LEAN's Object Store: the only durable place an algorithm has in the cloud."""

from __future__ import annotations

from pathlib import Path
from typing import Protocol

from protection.contracts.errors import RecoverState, RetryWrite
from protection.contracts.stores.base import check_key


class ObjectStoreLike(Protocol):
    """The calls used of LEAN's ``algorithm.object_store``."""

    def contains_key(self, path: str) -> bool:
        """Whether there is an entry."""
        ...

    def read(self, path: str) -> str:
        """Text of an entry."""
        ...

    def save(self, path: str, text: str) -> bool:
        """Store a text in memory; False when over quota."""
        ...

    def get_file_path(self, path: str) -> str:
        """Path of an entry; asking for it writes everything pending to the disk."""
        ...


class ObjectStateStore:
    """Adapter: save, force to the disk, read back and compare.

    ``save`` alone is memory for up to five seconds, reports a full quota by returning False, and
    one unwritable key makes every flush fail without an exception; therefore nothing is believed
    until the file that was asked for holds the text. Where no such file can be seen (cloud), the
    store's own reading is compared.

    Parameters
    ----------
    store : LEAN's object store or anything that answers like it
    prefix : put in front of every key; letters, digits, ``_`` and ``-``
    """

    def __init__(self, store: ObjectStoreLike, prefix: str = "protection-") -> None:
        self._store = store
        self._prefix = prefix
        check_key(f"{prefix}key")
        self._stamps: dict[str, int] = {}

    def _key(self, key: str) -> str:
        return check_key(f"{self._prefix}{check_key(key)}")

    def read(self, key: str) -> str | None:
        name = self._key(key)
        try:
            if not self._store.contains_key(name):
                return None
            return str(self._store.read(name))
        except Exception as error:  # whatever the host's runtime throws
            raise RecoverState(
                f"expected object store entry {name} to be readable, was not: {error}; "
                "inspect it, then resume with actor and reason"
            ) from error

    def write(self, key: str, text: str) -> None:
        name = self._key(key)
        try:
            saved = self._store.save(name, text)
            path = Path(str(self._store.get_file_path(name)))
            if path.is_file():
                kept = path.read_text("utf-8")
            else:  # where the folder is there, the flush has failed; in the cloud there is none
                kept = "" if path.parent.is_dir() else str(self._store.read(name))
        except Exception as error:  # whatever the host's runtime throws
            raise RetryWrite(
                f"expected object store entry {name} to be written durably, was not: {error}"
            ) from error
        self._stamps[key] = self._stamps.get(key, 0) + 1
        if not saved or kept != text:
            raise RetryWrite(
                f"expected object store entry {name} to hold {len(text)} characters after the "
                f"flush, held {len(kept)}; check quota and other entries' names, then repeat"
            )

    def stamp(self, key: str) -> object | None:
        return self._stamps.get(key)
