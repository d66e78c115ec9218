"""The few file operations durable storage needs, behind a seam where tests inject faults."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Protocol


class FileSystem(Protocol):
    """File operations of the file store; every one may raise OSError."""

    def write_new(self, path: Path, data: bytes) -> None:
        """Create ``path`` with ``data`` and force it to the disk."""
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


class DiskFileSystem:
    """The real one."""

    def write_new(self, path: Path, data: bytes) -> None:
        flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_CLOEXEC", 0)
        handle = os.open(path, flags, 0o644)
        try:
            view = memoryview(data)
            while view:
                view = view[os.write(handle, view) :]
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
