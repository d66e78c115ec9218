"""Records in LEAN's Object Store: chunks by day and number, because nothing there can be appended.

::

    audit-20200106-000000000000   a sealed chunk: a header line, then one record a line
    audit-open-a, audit-open-b    the chunk that still grows, written in turn, so that a write that
                                  fails half-way leaves the one before it whole
    audit-acked                   how many records were acknowledged
    audit-keptlist, audit-kept-*  signed heads and public keys

Each header names the chunk before it and the roots before and after, so nothing need be listed.
The free tier of the cloud holds 1,000 files and 50 MB: what would go beyond ``most_files`` or
``most_bytes`` is refused, and a ledger that refuses stops adding risk.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from hashlib import sha256
from typing import Any

from protection.blockchain.canonical import canonical
from protection.blockchain.merkle import EMPTY_ROOT, CompactRange
from protection.blockchain.nodes import MemoryNodes, grow
from protection.blockchain.records import BrokenLedger
from protection.blockchain.stores.base import Opened
from protection.contracts.errors import RecoverState
from protection.contracts.stores import ObjectStateStore, ObjectStoreLike

FORMAT = "qmp-ledger-chunk/1"
_DAY = re.compile(rb'"time":"(\d{4})-(\d\d)-(\d\d)')


@dataclass(frozen=True, slots=True)
class _Chunk:
    """A chunk as it was read."""

    head: dict[str, Any]
    lines: list[bytes]

    @property
    def end(self) -> int:
        return int(self.head["first"]) + len(self.lines)


class ObjectLedgerStore:
    """Chunks in an object store.

    Parameters
    ----------
    store : LEAN's ``algorithm.object_store`` or anything that answers like it
    chunk_bytes : size at which a chunk is sealed
    most_files, most_bytes : share of the quota that the ledger may use

    Notes
    -----
    Every commit writes the growing chunk anew, so use group mode and few, larger commits.
    """

    readonly = False
    origin = "qmp-overrider"

    def __init__(
        self,
        store: ObjectStoreLike,
        *,
        chunk_bytes: int = 128 << 10,
        most_files: int = 900,
        most_bytes: int = 45_000_000,
    ) -> None:
        self._store = ObjectStateStore(store, "audit-")
        self._chunk_bytes = chunk_bytes
        self._most_files, self._most_bytes = most_files, most_bytes
        self._reset()

    def _reset(self) -> None:
        self._sealed: list[tuple[str, int, int]] = []  # key, first, end
        self._sealed_bytes = 0
        self._first = 0
        self._prior = EMPTY_ROOT
        self._root = EMPTY_ROOT
        self._lines: list[bytes] = []
        self._day = ""
        self._turn = 0
        self._kept_names: list[str] = []

    def open(self) -> Opened:
        self._reset()
        slots = [self._slot("open-a"), self._slot("open-b")]
        found = [chunk for chunk in slots if chunk is not None]
        acked = self._acked()
        if not found:
            if acked or any(self._store.read(key) is not None for key in ("open-a", "open-b")):
                raise BrokenLedger("expected the growing chunk of the ledger, was unreadable", 0)
            return Opened(CompactRange(), MemoryNodes())
        newest = max(found, key=lambda chunk: chunk.end)
        if newest.end < acked:
            raise BrokenLedger(
                f"expected {acked} acknowledged records in the object store, found {newest.end}",
                newest.end,
            )
        self._turn = 1 - slots.index(newest)
        self._walk_back(newest)
        nodes, edge = MemoryNodes(), CompactRange()
        for key, first, end in self._sealed:
            chunk = self._read(key)
            self._check(chunk, first, end, edge.root())
            grow(nodes, edge, [sha256(b"\x00" + line).digest() for line in chunk.lines])
        self._check(newest, edge.size, newest.end, edge.root())
        grow(nodes, edge, [sha256(b"\x00" + line).digest() for line in newest.lines])
        if edge.root().hex() != newest.head["root"]:
            raise BrokenLedger(f"expected another root over {edge.size} records", self._first)
        self._root = edge.root()
        names = self._store.read("keptlist")
        self._kept_names = [] if names is None else list(json.loads(names))
        return Opened(edge, nodes)

    def _walk_back(self, newest: _Chunk) -> None:
        head = newest.head
        self._first = int(head["first"])
        self._prior = bytes.fromhex(head["prior"])
        self._lines = list(newest.lines)
        self._day = str(head["day"])
        before, end = head["previous"], self._first
        chain = []
        while before is not None:
            chunk = self._read(before)
            self._sealed_bytes += sum(map(len, chunk.lines)) + len(chunk.lines)
            chain.append((before, int(chunk.head["first"]), end))
            before, end = chunk.head["previous"], int(chunk.head["first"])
        self._sealed = chain[::-1]

    def _check(self, chunk: _Chunk, first: int, end: int, root: bytes) -> None:
        head = chunk.head
        if head["first"] != first or chunk.end != end or head["prior"] != root.hex():
            raise BrokenLedger(
                f"expected records {first} to {end} behind the root {root.hex()}, was "
                f"{head['first']} to {chunk.end} behind {head['prior']}",
                first,
            )

    def _slot(self, key: str) -> _Chunk | None:
        try:
            return self._read(key)
        except RecoverState:
            return None

    def _read(self, key: str) -> _Chunk:
        text = self._store.read(key)
        if text is None:
            raise BrokenLedger(f"expected the entry audit-{key} in the object store, was none", 0)
        head_text, _, body = text.partition("\n")
        try:
            head = json.loads(head_text)
            lines = body.encode("utf-8").split(b"\n")[:-1]
            sound = (
                head["format"] == FORMAT
                and head["count"] == len(lines)
                and head["sha256"] == sha256(body.encode("utf-8")).hexdigest()
            )
        except (ValueError, KeyError, TypeError):
            head, lines, sound = {"first": 0}, [], False
        if not sound:
            raise BrokenLedger(f"expected the chunk audit-{key} whole, was damaged", 0)
        return _Chunk(head, lines)

    def _acked(self) -> int:
        text = self._store.read("acked")
        try:
            return 0 if text is None else int(text)
        except ValueError as error:
            raise BrokenLedger("expected audit-acked to hold a number, was damaged", 0) from error

    # ------------------------------------------------------------------ writing

    def commit(self, payloads: Sequence[bytes], previous: int, size: int, root: bytes) -> None:
        match = _DAY.search(payloads[-1])
        day = b"".join(match.groups()).decode() if match else self._day or "undated"
        volume = sum(map(len, self._lines)) + len(self._lines)
        if self._lines and (day != self._day or volume >= self._chunk_bytes):
            self._seal(volume)
            volume = 0
        fresh = sum(map(len, payloads)) + len(payloads)
        if self._sealed_bytes + 2 * (volume + fresh) > self._most_bytes:
            raise OSError(
                f"the ledger would pass {self._most_bytes} bytes of the object store; "
                "download it and begin a new one"
            )
        lines = [*self._lines, *payloads]
        self._store.write(("open-a", "open-b")[self._turn], self._text(lines, day, root))
        self._store.write("acked", str(size))
        self._turn = 1 - self._turn
        self._lines, self._day, self._root = lines, day, root

    def _seal(self, volume: int) -> None:
        if len(self._sealed) + len(self._kept_names) + 5 > self._most_files:
            raise OSError(
                f"the ledger would pass {self._most_files} files of the object store; "
                "download it and begin a new one"
            )
        key = f"{self._day}-{self._first:012d}"
        self._store.write(key, self._text(self._lines, self._day, self._root))
        self._sealed.append((key, self._first, self._first + len(self._lines)))
        self._sealed_bytes += volume
        self._first += len(self._lines)
        self._prior = self._root
        self._lines = []

    def _text(self, lines: Sequence[bytes], day: str, root: bytes) -> str:
        body = b"".join(line + b"\n" for line in lines)
        head = {
            "count": len(lines),
            "day": day,
            "first": self._first,
            "format": FORMAT,
            "previous": self._sealed[-1][0] if self._sealed else None,
            "prior": self._prior,
            "root": root,
            "sha256": sha256(body).hexdigest(),
        }
        return canonical(head).decode() + "\n" + body.decode("utf-8")

    # ------------------------------------------------------------------ reading

    def payloads(self, start: int, stop: int) -> Iterator[bytes]:
        for key, first, end in list(self._sealed):
            if end > start and first < stop:
                yield from self._read(key).lines[max(0, start - first) : stop - first]
        first = self._first
        if stop > first:
            yield from list(self._lines)[max(0, start - first) : stop - first]

    def keep(self, name: str, text: str) -> None:
        self._store.write(f"kept-{name}", text)
        if name not in self._kept_names:
            names = [*self._kept_names, name]
            self._store.write("keptlist", json.dumps(names))
            self._kept_names = names

    def kept(self) -> dict[str, str]:
        texts = {name: self._store.read(f"kept-{name}") for name in self._kept_names}
        return {name: text for name, text in sorted(texts.items()) if text is not None}

    def close(self) -> None:
        return None
