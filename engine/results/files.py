"""Files that appear whole or not at all."""

from __future__ import annotations

import os
import tempfile
import threading
from pathlib import Path
from typing import Any

from engine.types.jsontext import json_text


def write_text(path: Path, *pieces: str) -> None:
    """Write a file beside its place, flush it to the disk and move it there.

    Of a text in pieces nobody needs the whole.

    Raises
    ------
    OSError
        If the folder cannot be made or written; the old file is untouched then.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    try:
        with os.fdopen(handle, "wb") as stream:
            stream.writelines(map(str.encode, pieces))
            stream.flush()
            os.fsync(stream.fileno())
        os.chmod(name, 0o644)
        os.replace(name, path)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise
    _sync_folder(path.parent)


def _sync_folder(folder: Path) -> None:
    """Make the move itself durable, where folders can be opened (not on Windows)."""
    if os.name == "nt":
        return
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


class Writing:
    """Writes files while the caller goes on to make the next one: disks are waited for at the end.

    >>> with Writing() as out:
    ...     out.text(Path("first.json"), "{}")  # doctest: +SKIP
    """

    def __init__(self) -> None:
        self._threads: list[threading.Thread] = []
        self._errors: list[BaseException] = []

    def __enter__(self) -> Writing:
        return self

    def __exit__(self, kind: Any, error: Any, trace: Any) -> None:
        """Wait for the files.

        Raises
        ------
        OSError
            What :func:`write_text` raised for the first that could not be written.
        """
        for thread in self._threads:
            thread.join()
        if error is None and self._errors:
            raise self._errors[0]

    def text(self, path: Path, *pieces: str) -> None:
        """Begin to write a file as :func:`write_text` does."""
        thread = threading.Thread(target=self._write, args=(path, *pieces))
        self._threads.append(thread)
        thread.start()

    def _write(self, path: Path, *pieces: str) -> None:
        try:
            write_text(path, *pieces)
        except BaseException as error:
            self._errors.append(error)


def write_json(path: Path, content: Any) -> None:
    """Write JSON; a number that JSON does not know raises ``ValueError``."""
    write_text(path, json_text(content))
