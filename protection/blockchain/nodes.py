"""Nodes of the tree, kept so that proofs need no record to be read again.

One file a level, each the hashes of the complete subtrees of that level one after the other. A
tile of C2SP's tlog-tiles (256 hashes of level 8L) is the slice ``[8192 * N, 8192 * (N + 1)]`` of
file ``8L``. The files are a cache: they are not flushed, they are rebuilt from the records when
they do not lead to the root a segment states, and :func:`protection.blockchain.verifier` compares
them with the records.
"""

from __future__ import annotations

import os
import threading
from pathlib import Path

from protection.blockchain.disk import Disk
from protection.blockchain.merkle import HASH_BYTES, CompactRange

_FLUSH = 4096 * HASH_BYTES


class MemoryNodes:
    """Nodes in memory: 64 bytes a record."""

    def __init__(self) -> None:
        self.levels: list[bytearray] = []

    def node(self, level: int, index: int) -> bytes:
        """Root of a complete subtree."""
        return bytes(self.levels[level][index * HASH_BYTES : (index + 1) * HASH_BYTES])

    def absorb(self, sink: list[bytearray]) -> None:
        """Take in the nodes that a growing edge completed."""
        for level, fresh in enumerate(sink):
            if level == len(self.levels):
                self.levels.append(bytearray())
            self.levels[level] += fresh

    def find(self, leaf: bytes) -> int | None:
        """Number of the record with that leaf hash."""
        return _find(self.levels[0], leaf) if self.levels else None

    def close(self) -> None:
        """Nothing to close."""


class FileNodes:
    """Nodes in files of one folder, the newest still in memory.

    Parameters
    ----------
    folder : created where missing, unless ``readonly``
    size : records whose nodes may be believed; what lies beyond is cut off
    """

    def __init__(self, folder: Path, disk: Disk, size: int, readonly: bool = False) -> None:
        self._folder, self._disk, self._readonly = folder, disk, readonly
        self._handles: list[int] = []
        self._written: list[int] = []
        self._fresh: list[bytearray] = []
        self.error = ""
        self._lock = threading.RLock()  # proofs are made while a writer adds
        if not readonly:
            folder.mkdir(parents=True, exist_ok=True)
        lengths: list[int] = []
        while (path := self._path(len(lengths))).is_file():
            lengths.append(path.stat().st_size // HASH_BYTES)
        for level, count in enumerate(lengths):
            size = min(size, ((count + 1) << level) - 1)
        while size >> len(lengths):
            size = (1 << len(lengths)) - 1 if lengths else 0
        self.size = size
        for level in range(len(lengths)):
            self._add_level(level, (size >> level) * HASH_BYTES)

    def _path(self, level: int) -> Path:
        return self._folder / f"{level:02d}"

    def _add_level(self, level: int, length: int) -> None:
        if self._readonly:
            handle = os.open(self._path(level), os.O_RDONLY | getattr(os, "O_BINARY", 0))
        else:
            handle = self._disk.open(self._path(level))
            if os.fstat(handle).st_size > length:
                self._disk.truncate(handle, length)
        self._handles.append(handle)
        self._written.append(length)
        self._fresh.append(bytearray())

    def node(self, level: int, index: int) -> bytes:
        """Root of a complete subtree."""
        with self._lock:
            at = index * HASH_BYTES - self._written[level]
            if at >= 0:
                return bytes(self._fresh[level][at : at + HASH_BYTES])
            return _read(self._handles[level], HASH_BYTES, index * HASH_BYTES)

    def absorb(self, sink: list[bytearray]) -> None:
        """Take in the nodes that a growing edge completed."""
        with self._lock:
            while len(self._fresh) < len(sink):
                self._handles.append(-1)  # its file is made when it is first written
                self._written.append(0)
                self._fresh.append(bytearray())
            for mine, fresh in zip(self._fresh, sink, strict=False):
                mine += fresh
            if self._fresh and len(self._fresh[0]) >= _FLUSH:
                self.flush()

    def reset(self) -> None:
        """Forget every node, to build them anew."""
        for level, handle in enumerate(self._handles):
            if not self._readonly and handle >= 0:
                self._disk.truncate(handle, 0)
            self._written[level] = 0
            self._fresh[level].clear()
        self.size = 0

    def flush(self) -> None:
        """Write the newest nodes; a failure leaves them in memory and is told by ``error``."""
        if self._readonly:
            return
        with self._lock:
            try:
                for level, fresh in enumerate(self._fresh):
                    if fresh:
                        if self._handles[level] < 0:
                            self._handles[level] = self._disk.open(self._path(level))
                        self._disk.write(self._handles[level], bytes(fresh), self._written[level])
                        self._written[level] += len(fresh)
                        fresh.clear()
                self.error = ""
            except OSError as error:
                self.error = f"proof nodes stay in memory: {error}"

    def find(self, leaf: bytes) -> int | None:
        """Number of the record with that leaf hash."""
        if not self._handles:
            return None
        with self._lock:
            written = self._written[0]
            fresh = bytes(self._fresh[0])
        start, block = 0, 1 << 20
        while start < written:
            length = min(block, written - start)
            found = _find(_read(self._handles[0], length, start), leaf)
            if found is not None:
                return start // HASH_BYTES + found
            start += length
        found = _find(fresh, leaf)
        return None if found is None else written // HASH_BYTES + found

    def close(self) -> None:
        """Write what is in memory and close the files."""
        self.flush()
        for handle in self._handles:
            if handle >= 0:
                self._disk.close(handle)
        self._handles, self._written, self._fresh = [], [], []


def _read(handle: int, length: int, offset: int) -> bytes:
    if hasattr(os, "pread"):
        return os.pread(handle, length, offset)
    os.lseek(handle, offset, os.SEEK_SET)
    return os.read(handle, length)


def _find(hashes: bytes | bytearray, leaf: bytes) -> int | None:
    at = hashes.find(leaf)
    while at >= 0 and at % HASH_BYTES:
        at = hashes.find(leaf, at + 1)
    return None if at < 0 else at // HASH_BYTES


Nodes = MemoryNodes | FileNodes


def grow(nodes: Nodes, edge: CompactRange, leaves: list[bytes]) -> None:
    """Push leaf hashes into the edge and the completed nodes into the store."""
    sink: list[bytearray] = []
    edge.extend(leaves, sink)
    nodes.absorb(sink)
