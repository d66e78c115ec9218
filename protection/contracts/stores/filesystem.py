"""The few file operations durable storage needs, behind a seam where tests inject faults."""

from __future__ import annotations

import itertools
import os
from pathlib import Path
from typing import Protocol

PARTIAL = ".partial"
_LIFE = os.urandom(4).hex()  # process ids come again: in a container every life has the same
_SERIAL = itertools.count()
_FLAGS = getattr(os, "O_CLOEXEC", 0) | getattr(os, "O_BINARY", 0)


class FileSystem(Protocol):
    """File operations of the file store; every one may raise OSError."""

    def write_new(self, path: Path, data: bytes, forced: bool = True) -> None:
        """Create ``path`` with ``data`` and force it to the disk, unless told not to."""
        ...

    def replace(self, source: Path, target: Path) -> None:
        """Rename ``source`` over ``target`` in one step."""
        ...

    def sync_folder(self, folder: Path) -> None:
        """Force the folder's entries to the disk, so that a rename outlives a power cut."""
        ...

    def read(self, path: Path) -> bytes | None:
        """Content, or None when there is no such file."""
        ...

    def stamp(self, path: Path) -> tuple[int, int, int] | None:
        """Modification time, size and inode; None when there is no such file."""
        ...

    def remove(self, path: Path) -> None:
        """Delete a file; one that is gone already is no error."""
        ...

    def make_folder(self, folder: Path) -> None:
        """Create the folder and its parents where missing."""
        ...

    def names(self, folder: Path) -> list[str]:
        """Names of the folder's entries."""
        ...

    def open_log(self, path: Path) -> int | None:
        """Handle of an existing file, for reading and writing; None when there is none."""
        ...

    def linked(self, handle: int) -> bool:
        """Whether the open file still has a name: whoever replaced it left it without one."""
        ...

    def read_at(self, handle: int, offset: int, length: int) -> bytes:
        """Bytes at an offset, fewer at the end of the file."""
        ...

    def write_at(self, handle: int, data: bytes, offset: int) -> None:
        """Write all of ``data`` at an offset."""
        ...

    def sync(self, handle: int) -> None:
        """Force what was written to the disk, where it did not change the file's length."""
        ...

    def close(self, handle: int) -> None:
        """Close a handle."""
        ...


def partial(path: Path) -> Path:
    """Name of its own for a file that will be renamed to ``path`` when it is whole."""
    return path.with_name(f"{path.name}.{os.getpid()}-{_LIFE}-{next(_SERIAL)}{PARTIAL}")


def abandoned(name: str) -> bool:
    """Whether a partial file was left by a process that died while writing."""
    if not name.endswith(PARTIAL):
        return False
    pid, _, rest = name.removesuffix(PARTIAL).rpartition(".")[2].partition("-")
    if not pid.isdigit():
        return True
    if int(pid) == os.getpid():
        return not rest.startswith(_LIFE)
    if os.name == "nt":
        return False
    try:
        os.kill(int(pid), 0)
    except ProcessLookupError:
        return True
    except OSError:
        return False  # somebody else's
    return False


class DiskFileSystem:
    """The real one."""

    def write_new(self, path: Path, data: bytes, forced: bool = True) -> None:
        flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | _FLAGS
        handle = os.open(path, flags, 0o644)
        try:
            view = memoryview(data)
            while view:
                view = view[os.write(handle, view) :]
            if forced:
                os.fsync(handle)
        finally:
            os.close(handle)

    def replace(self, source: Path, target: Path) -> None:
        os.replace(source, target)

    def sync_folder(self, folder: Path) -> None:
        if os.name == "nt":  # Windows opens no folders; its rename is journalled
            return
        handle = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)

    def read(self, path: Path) -> bytes | None:
        try:
            return path.read_bytes()
        except FileNotFoundError:
            return None

    def stamp(self, path: Path) -> tuple[int, int, int] | None:
        try:
            status = os.stat(path)
        except FileNotFoundError:
            return None
        return status.st_mtime_ns, status.st_size, status.st_ino

    def remove(self, path: Path) -> None:
        path.unlink(missing_ok=True)

    def make_folder(self, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)

    def names(self, folder: Path) -> list[str]:
        return sorted(os.listdir(folder))

    def open_log(self, path: Path) -> int | None:
        try:
            return os.open(path, os.O_RDWR | _FLAGS)
        except FileNotFoundError:
            return None

    def linked(self, handle: int) -> bool:
        return os.fstat(handle).st_nlink > 0 or os.name == "nt"

    def read_at(self, handle: int, offset: int, length: int) -> bytes:
        if hasattr(os, "pread"):
            return os.pread(handle, length, offset)
        os.lseek(handle, offset, os.SEEK_SET)
        return os.read(handle, length)

    def write_at(self, handle: int, data: bytes, offset: int) -> None:
        write_whole(handle, data, offset)

    def sync(self, handle: int) -> None:
        force_data(handle)

    def close(self, handle: int) -> None:
        os.close(handle)


def write_whole(handle: int, data: bytes, offset: int) -> None:
    """Write all of the data at an offset, or raise OSError."""
    view = memoryview(data)
    while view:
        if hasattr(os, "pwrite"):
            count = os.pwrite(handle, view, offset)
        else:
            os.lseek(handle, offset, os.SEEK_SET)
            count = os.write(handle, view)
        view = view[count:]
        offset += count


def force_data(handle: int) -> None:
    """Force what was written to the disk; without the file's times, where that can be told."""
    if hasattr(os, "fdatasync"):
        os.fdatasync(handle)
    else:
        os.fsync(handle)
