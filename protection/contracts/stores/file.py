"""State in files of one folder: temporary file, fsync, rename, fsync of the folder."""

from __future__ import annotations

import itertools
import os
import threading
from pathlib import Path

from protection.contracts.errors import RecoverState, RetryWrite
from protection.contracts.stores.base import check_key
from protection.contracts.stores.filesystem import DiskFileSystem, FileSystem

_PARTIAL = ".partial"


class FileStateStore:
    """One file per key in ``folder``.

    A reader sees the old or the new content, never a mix; ``write`` returns only when the new
    content outlives a crash of the process and of the machine (as far as the disk keeps its
    promise on fsync). One process writes; others may read.

    Parameters
    ----------
    folder : created where missing
    files : file operations; the real ones by default

    Raises
    ------
    RetryWrite
        When the folder cannot be created or listed.
    """

    def __init__(self, folder: str | os.PathLike[str], files: FileSystem | None = None) -> None:
        self._folder = Path(folder)
        self._files: FileSystem = files if files is not None else DiskFileSystem()
        self._lock = threading.Lock()
        self._serial = itertools.count()
        try:
            self._files.make_folder(self._folder)
            for name in self._files.names(self._folder):
                if name.endswith(_PARTIAL):  # left by a process that died while writing
                    self._files.remove(self._folder / name)
        except OSError as error:
            raise RetryWrite(
                f"expected a writable folder for protection's state, {self._folder} was not: "
                f"{error}"
            ) from error

    @property
    def folder(self) -> Path:
        """Folder that holds the files."""
        return self._folder

    def path(self, key: str) -> Path:
        """File of a key."""
        return self._folder / check_key(key)

    def read(self, key: str) -> str | None:
        path = self.path(key)
        try:
            data = self._files.read(path)
            return None if data is None else data.decode("utf-8")
        except (OSError, UnicodeDecodeError) as error:
            raise RecoverState(
                f"expected {path} to be readable text, was not: {error}; "
                "inspect it, then resume with actor and reason"
            ) from error

    def write(self, key: str, text: str) -> None:
        path = self.path(key)
        partial = self._folder / f"{key}.{os.getpid()}-{next(self._serial)}{_PARTIAL}"
        with self._lock:
            try:
                self._files.write_new(partial, text.encode("utf-8"))
                self._files.replace(partial, path)
                self._files.sync_folder(self._folder)
            except OSError as error:
                self._discard(partial)
                raise RetryWrite(
                    f"expected {path} to be written durably, was not: {error}; "
                    "free the disk or mend its permissions, then repeat"
                ) from error

    def stamp(self, key: str) -> object | None:
        return self._files.stamp(self.path(key))

    def _discard(self, partial: Path) -> None:
        """Tidy up after a failed write; the error that matters is the write's own."""
        try:
            self._files.remove(partial)
        except OSError:
            return  # the next start removes it
