"""Bytes of a segment: frames with a kind, a length, a checksum and a payload.

::

    kind    1 byte   H header (JSON), R record, C commit
    length  4 bytes  of the payload, big-endian
    crc     4 bytes  CRC-32 of kind, length and payload
    payload

A commit closes the records before it: its payload is the size of the tree, the size before the
batch (8 bytes each) and the root (32 bytes). Records without a commit behind them were never
acknowledged. Zeros after the last frame are room reserved ahead.
"""

from __future__ import annotations

import struct
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from zlib import crc32

HEADER, RECORD, COMMIT = b"H"[0], b"R"[0], b"C"[0]
_HEAD = struct.Struct(">BI")
_FRAME = struct.Struct(">BII")
_COMMIT = struct.Struct(">QQ32s")
_MARK = struct.Struct(">4sQ32s")
_MAGIC = b"QMA1"
_COMMIT_START = _HEAD.pack(COMMIT, _COMMIT.size)
MOST_BYTES = 8 << 20
"""Longest payload of a frame."""


@dataclass(frozen=True, slots=True)
class Commit:
    """What a commit frame says: the batch grew the tree from ``previous`` to ``size``."""

    size: int
    previous: int
    root: bytes


def frame(kind: int, payload: bytes) -> bytes:
    """One frame."""
    head = _HEAD.pack(kind, len(payload))
    return head + crc32(payload, crc32(head)).to_bytes(4, "big") + payload


def batch(payloads: Iterable[bytes], commit: Commit) -> bytes:
    """Frames of a batch with its commit."""
    parts: list[bytes] = []
    pack, add = _HEAD.pack, parts.append
    for payload in payloads:
        head = pack(RECORD, len(payload))
        add(head)
        add(crc32(payload, crc32(head)).to_bytes(4, "big"))
        add(payload)
    add(frame(COMMIT, _COMMIT.pack(commit.size, commit.previous, commit.root)))
    return b"".join(parts)


def read_commit(payload: bytes) -> Commit | None:
    """Commit of a payload, None when it is none."""
    if len(payload) != _COMMIT.size:
        return None
    size, previous, root = _COMMIT.unpack(payload)
    return Commit(size, previous, root)


def frames(data: bytes, offset: int = 0) -> Iterator[tuple[int, bytes, int]]:
    """Kind, payload and end of every frame up to the first that is not whole and sound."""
    size, head = len(data), _FRAME.size
    unpack = _FRAME.unpack_from
    while offset + head <= size:
        kind, length, crc = unpack(data, offset)
        start = offset + head
        end = start + length
        if kind not in (HEADER, RECORD, COMMIT) or length > MOST_BYTES or end > size:
            return
        payload = data[start:end]
        if crc32(payload, crc32(data[offset : offset + 5])) != crc:
            return
        yield kind, payload, end
        offset = end


def commits_after(data: bytes, offset: int) -> Iterator[Commit]:
    """Sound commit frames anywhere behind ``offset``, also behind damage."""
    at = data.find(_COMMIT_START, offset)
    while at >= 0:
        for kind, payload, _ in frames(data[at : at + _FRAME.size + _COMMIT.size]):
            commit = read_commit(payload)
            if kind == COMMIT and commit is not None:
                yield commit
        at = data.find(_COMMIT_START, at + 1)


def mark(size: int, root: bytes) -> bytes:
    """Content of the file that says how much was acknowledged."""
    body = _MARK.pack(_MAGIC, size, root)
    return body + crc32(body).to_bytes(4, "big")


def read_mark(data: bytes) -> tuple[int, bytes] | None:
    """Size and root of a mark, None when it is unreadable."""
    if len(data) != _MARK.size + 4 or crc32(data[:-4]) != int.from_bytes(data[-4:], "big"):
        return None
    magic, size, root = _MARK.unpack(data[:-4])
    return (size, root) if magic == _MAGIC else None
