"""Texts of any length over a store whose entries are limited, with one step from old to new.

::

    protection_state-a.manifest    generation, length and digest of the text, digest of each chunk
    protection_state-b.manifest    the same of the text before, or after
    protection_state-a-000.chunk   the text of generation a in pieces

A text that fits into one entry stands in the manifest itself. Writing goes to the manifest that is
not in force: chunks first, manifest last. Reading takes the manifest of the higher generation. The
Object Store truncates before it writes, so the one that is being written may be cut short when the
process dies; the other one then holds.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from hashlib import sha256
from typing import Any

from protection.contracts.errors import RecoverState
from protection.contracts.stores.base import StateStore, check_key, pack, unpack
from protection.contracts.stores.logs import RingLog

CHUNK = 1 << 20
"""Characters of an entry: LEAN's cloud wants objects far below 50 MB while it runs live."""

_KIND, _VERSION = "chunks", 1
_SLOTS = ("a", "b")


class ChunkedStateStore:
    """Keeps each text in pieces of another store, switched in one step.

    Parameters
    ----------
    store : keeps the pieces, such as :class:`ObjectStateStore`
    chunk : most characters of a piece
    plain : keys that are kept as they are, because other programs write them
    """

    def __init__(
        self, store: StateStore, chunk: int = CHUNK, plain: Iterable[str] = ("trading.lock",)
    ) -> None:
        self._store, self._chunk = store, chunk
        self._plain = frozenset(plain)
        self._newest: dict[str, tuple[int, str]] = {}  # generation and slot in force

    def read(self, key: str) -> str | None:
        if check_key(key) in self._plain:
            return self._store.read(key)
        found = self._manifest(key)
        if found is None:
            self._newest[key] = (0, _SLOTS[1])
            return self._store.read(key)  # of a version that knew no chunks
        slot, manifest = found
        self._newest[key] = (int(manifest["generation"]), slot)
        text = manifest["text"]
        if text is None:
            text = "".join(
                self._piece(_chunk(key, slot, place), digest)
                for place, digest in enumerate(manifest["chunks"])
            )
        if _digest(text) != manifest["sha256"]:
            raise RecoverState(f"expected {key} whole, was altered; {_HELP}")
        return str(text)

    def write(self, key: str, text: str) -> None:
        if check_key(key) in self._plain:
            self._store.write(key, text)
            return
        if key not in self._newest:
            try:
                self.read(key)
            except RecoverState:  # nobody may be able to read it; it may be replaced all the same
                self._newest[key] = self._beyond(key)
        generation, slot = self._newest[key]
        slot = _SLOTS[1 - _SLOTS.index(slot)]
        pieces = [text[at : at + self._chunk] for at in range(0, len(text), self._chunk)]
        inline = len(pieces) < 2
        for place, piece in enumerate(() if inline else pieces):
            self._store.write(_chunk(key, slot, place), piece)
        manifest = {
            "generation": generation + 1,
            "sha256": _digest(text),
            "text": text if inline else None,
            "chunks": [] if inline else [_digest(piece) for piece in pieces],
        }
        self._store.write(_name(key, slot), pack(_KIND, _VERSION, manifest))
        self._newest[key] = (generation + 1, slot)

    def log(self, key: str) -> RingLog:
        """Log with one entry of the inner store for each of its own."""
        return RingLog(self._store, key, longest=self._chunk)

    def stamp(self, key: str) -> object | None:
        if check_key(key) in self._plain:
            return self._store.stamp(key)
        stamps = tuple(self._store.stamp(_name(key, slot)) for slot in _SLOTS)
        return self._store.stamp(key) if stamps == (None, None) else stamps

    def _manifest(self, key: str) -> tuple[str, dict[str, Any]] | None:
        """Slot and manifest in force; None when there is none.

        Raises
        ------
        RecoverState
            When the one that may be in force was altered, or none can be read.
        """
        found: list[tuple[int, str, dict[str, Any]]] = []
        torn: RecoverState | None = None
        for slot in _SLOTS:
            text = self._store.read(_name(key, slot))
            if text is None:
                continue
            try:
                manifest = unpack(text, _KIND, _VERSION)
            except RecoverState as error:
                if _whole(text):
                    raise
                torn = error  # cut short: being written when the process died
            else:
                found.append((int(manifest["generation"]), slot, manifest))
        if not found:
            if torn is not None and self._store.read(key) is None:
                raise torn
            return None
        return max(found)[1:]

    def _piece(self, name: str, digest: str) -> str:
        piece = self._store.read(name)
        if piece is None or _digest(piece) != digest:
            raise RecoverState(
                f"expected {name} with digest {digest}, was "
                f"{'missing' if piece is None else 'altered'}; {_HELP}"
            )
        return piece

    def _beyond(self, key: str) -> tuple[int, str]:
        """Highest generation and its slot, of manifests whose text is unreadable."""
        best = (0, _SLOTS[1])
        for slot in _SLOTS:
            try:
                manifest = unpack(self._store.read(_name(key, slot)) or "", _KIND, _VERSION)
            except RecoverState:
                continue
            best = max(best, (int(manifest["generation"]), slot))
        return best


_HELP = "put the right entry back, or resume with actor and reason"


def _name(key: str, slot: str) -> str:
    return f"{key.replace('.', '_')}-{slot}.manifest"


def _chunk(key: str, slot: str, place: int) -> str:
    return f"{key.replace('.', '_')}-{slot}-{place:03d}.chunk"


def _digest(text: str) -> str:
    return sha256(text.encode("utf-8")).hexdigest()


def _whole(text: str) -> bool:
    """Whether an unreadable envelope has its full length, and so was not merely cut short."""
    head, newline, rest = text.partition("\n")
    try:
        return bool(newline) and rest.endswith("\n") and isinstance(json.loads(head), dict)
    except ValueError:
        return bool(newline)
