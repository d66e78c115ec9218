"""The file operations of the ledger's folder, behind a seam where tests inject faults."""

from __future__ import annotations

import os
from pathlib import Path

from protection.contracts.stores.filesystem import force_data, write_whole

_ZEROS = 1 << 20


class Disk:
    """The real disk. Every method may raise OSError; ``write`` writes all or raises."""

    def open(self, path: Path) -> int:
        """Open for reading and writing, created where missing."""
        flags = os.O_RDWR | os.O_CREAT | getattr(os, "O_BINARY", 0) | getattr(os, "O_CLOEXEC", 0)
        return os.open(path, flags, 0o644)

    def write(self, handle: int, data: bytes, offset: int) -> None:
        """Write at an offset."""
        write_whole(handle, data, offset)

    def reserve(self, handle: int, offset: int, length: int) -> None:
        """Make room ahead, so that a flush need not lengthen the file; zeros are read there.

        The zeros are written out: room that was only allotted would have to be marked as used in
        the file system's journal at each flush. A lot of it is filled soon and is only allotted.
        """
        if length <= _ZEROS or not hasattr(os, "posix_fallocate"):
            Disk.write(self, handle, bytes(length), offset)
        else:
            os.posix_fallocate(handle, offset, length)

    def sync(self, handle: int) -> None:
        """Force what was written to the disk."""
        force_data(handle)

    def truncate(self, handle: int, length: int) -> None:
        """Cut or lengthen the file."""
        os.ftruncate(handle, length)

    def close(self, handle: int) -> None:
        """Close the file."""
        os.close(handle)

    def sync_folder(self, folder: Path) -> None:
        """Force the folder's entries to the disk."""
        if os.name == "nt":  # Windows opens no folders; its creations are journalled
            return
        handle = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)

    def rename(self, source: Path, target: Path) -> None:
        """Rename over what may be there."""
        os.replace(source, target)
