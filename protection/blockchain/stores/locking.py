"""One process writes: a lock on a file that the system releases when the process ends."""

from __future__ import annotations

import os
from pathlib import Path

from protection.contracts.errors import RetryWrite

try:
    import fcntl
except ImportError:  # Windows
    fcntl = None  # type: ignore[assignment]


class FolderLock:
    """Exclusive lock on a file.

    Raises
    ------
    RetryWrite
        When another process (or another ledger of this one) holds it.
    """

    def __init__(self, path: Path) -> None:
        self._handle = os.open(path, os.O_RDWR | os.O_CREAT | getattr(os, "O_CLOEXEC", 0), 0o644)
        try:
            if fcntl is not None:
                fcntl.flock(self._handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
            else:
                import msvcrt

                msvcrt.locking(self._handle, msvcrt.LK_NBLCK, 1)
        except OSError as error:
            os.close(self._handle)
            raise RetryWrite(
                f"expected to be the only writer of {path.parent}, another one holds {path.name}; "
                "read with open_reader, or end the other process"
            ) from error

    def release(self) -> None:
        """Let others write."""
        os.close(self._handle)
