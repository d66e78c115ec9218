"""State in files of one folder: temporary file, fsync, rename, fsync of the folder."""

from __future__ import annotations

import os
import threading
from pathlib import Path

from protection.contracts.errors import RecoverState, RetryWrite
from protection.contracts.stores.base import check_key
from protection.contracts.stores.file_log import FileLog
from protection.contracts.stores.filesystem import DiskFileSystem, FileSystem, abandoned, partial


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
        When the folder cannot be created.
    """

    def __init__(self, folder: str | os.PathLike[str], files: FileSystem | None = None) -> None:
        self._folder = Path(folder)
        self._files: FileSystem = files if files is not None else DiskFileSystem()
        self._lock = threading.Lock()
        self._tidied = False
        try:
            self._files.make_folder(self._folder)
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
        self._put(key, text, True)

    def lay(self, key: str, text: str) -> None:
        """Put ``text`` under ``key`` for everybody to see, durable when the system gets to it.

        It outlives a crash of the process at once, one of the machine some seconds later.

        Raises
        ------
        RetryWrite
            When it could not be written.
        """
        self._put(key, text, False)

    def _put(self, key: str, text: str, forced: bool) -> None:
        path = self.path(key)
        fresh = partial(path)
        with self._lock:
            try:
                self._tidy()
                self._files.write_new(fresh, text.encode("utf-8"), forced)
                self._files.replace(fresh, path)
                if forced:
                    self._files.sync_folder(self._folder)
            except OSError as error:
                self._discard(fresh)
                raise RetryWrite(
                    f"expected {path} to be written durably, was not: {error}; "
                    "free the disk or mend its permissions, then repeat"
                ) from error

    def log(self, key: str) -> FileLog:
        """Log in a file of its own."""
        return FileLog(self.path(key), self._files)

    def stamp(self, key: str) -> object | None:
        return self._files.stamp(self.path(key))

    def _discard(self, fresh: Path) -> None:
        """Tidy up after a failed write; the error that matters is the write's own."""
        try:
            self._files.remove(fresh)
        except OSError:
            return  # the next start removes it

    def _tidy(self) -> None:
        """Before the first write: remove what processes left that died while writing."""
        if self._tidied:
            return
        for name in self._files.names(self._folder):
            if abandoned(name):
                self._files.remove(self._folder / name)
        self._tidied = True
