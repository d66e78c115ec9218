"""What goes into a ledger and what comes out of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from hashlib import sha256
from typing import Any

from protection.blockchain.canonical import canonical, read
from protection.blockchain.merkle import verify_inclusion
from protection.contracts.errors import FixInput, RecoverState, RetryWrite


class StalledWrite(RetryWrite):
    """Not durable in time, but still on its way to the disk: do not repeat, do not add risk."""


class FullQueue(RetryWrite):
    """Too many entries wait for the disk; this one was not taken: wait, then repeat the call."""


class BrokenLedger(RecoverState):
    """Acknowledged records are damaged or missing; nothing was changed: restore them from a copy.

    Attributes
    ----------
    seq : first record concerned
    """

    def __init__(self, message: str, seq: int) -> None:
        super().__init__(message)
        self.seq = seq


class Record:
    """One numbered entry as it lies in the ledger.

    Attributes
    ----------
    seq : number, from 0; also the index of the leaf
    payload : canonical bytes of ``{"entry": ..., "seq": ...}``
    """

    __slots__ = ("_entry", "_leaf", "payload", "seq")

    def __init__(self, seq: int, payload: bytes) -> None:
        self.seq = seq
        self.payload = payload
        self._entry: dict[str, Any] | None = None
        self._leaf: bytes | None = None

    @property
    def entry(self) -> dict[str, Any]:
        """The entry; parsed once.

        Raises
        ------
        RecoverState
            When the bytes hold no entry of this number.
        """
        if self._entry is None:
            try:
                content = read(self.payload)
                entry = content["entry"]
                seq = content["seq"]
            except (ValueError, KeyError, TypeError) as error:
                raise BrokenLedger(
                    f"expected record {self.seq} to hold an entry, was {self.payload[:60]!r}",
                    self.seq,
                ) from error
            if seq != self.seq or not isinstance(entry, dict):
                raise BrokenLedger(f"expected record {self.seq}, was numbered {seq}", self.seq)
            self._entry = entry
        return self._entry

    @property
    def type(self) -> str:
        """Word that says what the entry is, see the vocabulary of the package."""
        return str(self.entry.get("type", ""))

    @property
    def time(self) -> datetime | None:
        """When, aware UTC; None for entries without a time."""
        text = self.entry.get("time")
        if not isinstance(text, str):
            return None
        return datetime.fromisoformat(text)

    @property
    def actor(self) -> str:
        """Who, or an empty string."""
        return str(self.entry.get("actor", ""))

    @property
    def leaf(self) -> bytes:
        """Merkle leaf hash of the payload."""
        if self._leaf is None:
            self._leaf = sha256(b"\x00" + self.payload).digest()
        return self._leaf

    @property
    def hash(self) -> str:
        """The leaf hash as hex."""
        return self.leaf.hex()

    def __repr__(self) -> str:
        return f"Record({self.seq}, {self.payload[:60]!r})"


@dataclass(frozen=True, slots=True)
class Receipt:
    """Promise that a record is on the disk.

    Attributes
    ----------
    seq : number of the record
    leaf : its leaf hash
    size, root : the tree it was committed with
    """

    seq: int
    leaf: bytes
    size: int
    root: bytes

    @property
    def hash(self) -> str:
        """The leaf hash as hex."""
        return self.leaf.hex()


@dataclass(frozen=True, slots=True)
class Health:
    """Whether the ledger keeps up; anything but ``ok`` must stop adding risk.

    Attributes
    ----------
    reason : one sentence; empty when all is well
    queued : entries that are not durable yet
    waiting : seconds the oldest of them has waited
    size : durable records
    """

    ok: bool
    reason: str
    queued: int
    waiting: float
    size: int


@dataclass(frozen=True, slots=True)
class Proof:
    """Proof that a record stands in the tree of a given size and root."""

    seq: int
    size: int
    leaf: bytes
    path: tuple[bytes, ...]
    root: bytes

    def holds(self, payload: bytes | None = None) -> bool:
        """Whether the path leads from the leaf (of ``payload`` where given) to the root."""
        if payload is not None and sha256(b"\x00" + payload).digest() != self.leaf:
            return False
        return verify_inclusion(self.leaf, self.seq, self.size, self.path, self.root)

    def as_dict(self) -> dict[str, Any]:
        """Plain dictionary with hashes as hex."""
        return {
            "seq": self.seq,
            "size": self.size,
            "leaf": self.leaf.hex(),
            "path": [node.hex() for node in self.path],
            "root": self.root.hex(),
        }

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> Proof:
        """Proof of its dictionary.

        Raises
        ------
        FixInput
            When something is missing or malformed.
        """
        try:
            return cls(
                int(values["seq"]),
                int(values["size"]),
                bytes.fromhex(values["leaf"]),
                tuple(bytes.fromhex(node) for node in values["path"]),
                bytes.fromhex(values["root"]),
            )
        except (KeyError, TypeError, ValueError) as error:
            raise FixInput(f"expected a proof (seq, size, leaf, path, root), was {error!r}") from (
                error
            )


def encode_entry(entry: Mapping[str, Any]) -> bytes:
    """Canonical bytes of an entry.

    Raises
    ------
    FixInput
        Without a ``type``, or when something in it has no canonical form.
    """
    if not isinstance(entry, Mapping):
        raise FixInput(f"expected a mapping as entry, was {type(entry).__name__}")
    kind = entry.get("type")
    if not isinstance(kind, str) or not kind:
        raise FixInput(f'expected an entry with a "type" (a non-empty word), was {kind!r}')
    return canonical(entry)


def number(body: bytes, seq: int) -> bytes:
    """Payload of record ``seq`` over an encoded entry."""
    return b'{"entry":%b,"seq":%d}' % (body, seq)
