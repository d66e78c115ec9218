"""Disks that fail, and a disk whose power is cut: for tests of the audit ledger."""

from __future__ import annotations

import errno
import os
import random
from pathlib import Path

from protection.blockchain.disk import Disk

SECTOR = 512


class UnsyncedDisk(Disk):
    """Flushes nothing: for tests in which no power is cut."""

    def sync(self, handle: int) -> None:
        return None

    def sync_folder(self, folder: Path) -> None:
        return None


class FaultyDisk(UnsyncedDisk):
    """Fails by chance: full disk, input/output errors, writes that stop half-way.

    Parameters
    ----------
    rng : source of chance
    rate : probability that one operation fails; changed at will
    """

    def __init__(self, rng: random.Random, rate: float) -> None:
        self._rng = rng
        self.rate = rate
        self.failures = 0

    def _fail(self, *codes: int) -> None:
        if self._rng.random() < self.rate:
            self.failures += 1
            code = self._rng.choice(codes)
            raise OSError(code, os.strerror(code))

    def open(self, path: Path) -> int:
        self._fail(errno.EIO, errno.ENOSPC, errno.EACCES)
        return super().open(path)

    def write(self, handle: int, data: bytes, offset: int) -> None:
        if self._rng.random() < self.rate:
            self.failures += 1
            part = self._rng.randrange(len(data) + 1)
            super().write(handle, data[:part], offset)
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        super().write(handle, data, offset)

    def reserve(self, handle: int, offset: int, length: int) -> None:
        self._fail(errno.ENOSPC, errno.EOPNOTSUPP)
        super().reserve(handle, offset, length)

    def sync(self, handle: int) -> None:
        self._fail(errno.EIO, errno.ENOSPC)
        super().sync(handle)

    def truncate(self, handle: int, length: int) -> None:
        self._fail(errno.EIO)
        super().truncate(handle, length)

    def sync_folder(self, folder: Path) -> None:
        self._fail(errno.EIO)
        super().sync_folder(folder)

    def rename(self, source: Path, target: Path) -> None:
        self._fail(errno.EIO, errno.ENOSPC)
        super().rename(source, target)


class PowerCut(BaseException):
    """The machine is off."""


class PowerCutDisk(Disk):
    """Remembers what was not flushed, and forgets any part of it when the power is cut.

    A sector of 512 bytes is written as a whole or not at all. Every sector written since the last
    flush of its file is old or new by chance, in no order; a file created, renamed or lengthened
    since may be as before.

    Parameters
    ----------
    rng : source of chance
    fuse : number of operations after which the power is cut
    """

    def __init__(self, rng: random.Random, fuse: int) -> None:
        self._rng = rng
        self._fuse = fuse
        self._paths: dict[int, Path] = {}
        self._handles: set[int] = set()
        self._old: dict[Path, dict[int, bytes]] = {}  # sectors as they were when last flushed
        self._length: dict[Path, int] = {}
        self._born: set[Path] = set()
        self._renamed: list[tuple[Path, Path, bytes | None]] = []

    def _tick(self) -> None:
        self._fuse -= 1
        if self._fuse < 0:
            raise PowerCut

    def open(self, path: Path) -> int:
        self._tick()
        if not path.exists():
            self._born.add(path)
        handle = super().open(path)
        self._paths[handle] = path
        self._handles.add(handle)
        return handle

    def _remember(self, handle: int, start: int, stop: int) -> None:
        path = self._paths[handle]
        size = os.fstat(handle).st_size
        self._length.setdefault(path, size)
        old = self._old.setdefault(path, {})
        for sector in range(start // SECTOR, -(-stop // SECTOR)):
            if sector not in old:
                old[sector] = os.pread(handle, SECTOR, sector * SECTOR)

    def write(self, handle: int, data: bytes, offset: int) -> None:
        self._remember(handle, offset, offset + len(data))
        if self._fuse == 0:  # cut in the middle of it
            end = (offset + self._rng.randrange(len(data) + 1)) // SECTOR * SECTOR
            super().write(handle, data[: max(0, end - offset)], offset)
        self._tick()
        super().write(handle, data, offset)

    def reserve(self, handle: int, offset: int, length: int) -> None:
        self._remember(handle, offset, offset)
        self._tick()
        super().reserve(handle, offset, length)

    def truncate(self, handle: int, length: int) -> None:
        size = os.fstat(handle).st_size
        self._remember(handle, min(length, size), max(length, size))
        self._tick()
        super().truncate(handle, length)

    def sync(self, handle: int) -> None:
        self._tick()
        super().sync(handle)
        path = self._paths[handle]
        self._old.pop(path, None)
        self._length.pop(path, None)

    def sync_folder(self, folder: Path) -> None:
        self._tick()
        super().sync_folder(folder)
        self._born = {path for path in self._born if path.parent != folder}
        self._renamed = [entry for entry in self._renamed if entry[1].parent != folder]

    def rename(self, source: Path, target: Path) -> None:
        self._tick()
        before = target.read_bytes() if target.exists() else None
        super().rename(source, target)
        self._renamed.append((source, target, before))
        if source in self._born:
            self._born.discard(source)
        for table in (self._old, self._length):
            if source in table:
                table[target] = table.pop(source)  # type: ignore[assignment]

    def close(self, handle: int) -> None:
        if handle in self._handles:
            super().close(handle)
            self._handles.discard(handle)

    def cut(self) -> None:
        """Leave on the real disk what a machine might find after the cut."""
        for handle in list(self._handles):
            os.close(handle)
        self._handles.clear()
        rng = self._rng
        for path, sectors in self._old.items():
            if not path.exists():
                continue
            now = path.stat().st_size
            with path.open("r+b") as stream:
                for sector, old in sectors.items():
                    if rng.random() < 0.5:
                        stream.seek(sector * SECTOR)
                        stream.write(old.ljust(SECTOR, b"\0"))
                stream.truncate(rng.choice((now, self._length[path])))
        for source, target, before in reversed(self._renamed):
            if rng.random() < 0.5:
                if before is None:
                    target.rename(source)
                else:
                    target.write_bytes(before)
        for path in self._born:
            if rng.random() < 0.5:
                path.unlink(missing_ok=True)
