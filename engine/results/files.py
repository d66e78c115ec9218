"""Files that appear whole or not at all."""

from __future__ import annotations

import json
import os
import tempfile
import threading
from collections.abc import Callable, Iterable
from decimal import Decimal
from pathlib import Path
from typing import Any


def write_text(path: Path, text: str) -> None:
    """Write a file beside its place, flush it to the disk and move it there.

    Raises
    ------
    OSError
        If the folder cannot be made or written; the old file is untouched then.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    try:
        with os.fdopen(handle, "wb") as stream:
            stream.write(text.encode())
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

    def text(self, path: Path, text: str) -> None:
        """Begin to write a file as :func:`write_text` does."""
        thread = threading.Thread(target=self._write, args=(path, text))
        self._threads.append(thread)
        thread.start()

    def _write(self, path: Path, text: str) -> None:
        try:
            write_text(path, text)
        except BaseException as error:
            self._errors.append(error)


def write_json(path: Path, content: Any) -> None:
    """Write JSON; a number that JSON does not know raises ``ValueError``."""
    write_text(path, json_text(content))


class JsonParts:
    """JSON of several files that hold the same large objects: each of those is encoded once.

    Parameters
    ----------
    parts : iterable
        The shared objects, known by their identity; they must not change any more.
    rows : iterable
        More of them: lists of rows ``[whole number, number or None]``, which take less time.
    """

    def __init__(self, parts: Iterable[Any], rows: Iterable[list[Any]] = ()) -> None:
        self._parts: dict[int, tuple[Any, Callable[[Any], str]]] = {}
        for parts_of_one_kind, encoded in ((parts, json_text), (rows, rows_text)):
            self._parts.update((id(part), (part, encoded)) for part in parts_of_one_kind)
        self._texts: dict[int, str] = {}

    def text(self, content: Any, depth: int = 5) -> str:
        """Return content as :func:`json_text` does; parts are looked for so deep in dictionaries.

        Raises
        ------
        ValueError
            For a number that JSON does not know.
        """
        pieces: list[str] = []
        self._write(content, depth, pieces)
        return "".join(pieces)

    def _write(self, content: Any, depth: int, out: list[str]) -> None:
        key = id(content)
        part = self._parts.get(key)
        if part is not None:
            found = self._texts.get(key)
            if found is None:
                found = self._texts[key] = part[1](content)
            out.append(found)
        elif not depth or type(content) is not dict or any(type(n) is not str for n in content):
            out.append(json_text(content))
        else:
            before = "{"
            for name, value in content.items():
                out.append(f"{before}{json_text(name)}: ")
                self._write(value, depth - 1, out)
                before = ", "
            out.append("}" if content else "{}")


def rows_text(rows: list[Any]) -> str:
    """Return rows ``[whole number, number or None]`` as :func:`json_text` does.

    Raises
    ------
    ValueError
        For a number that JSON does not know.
    """
    known: Any = None
    shown = "null"
    texts = []
    for x, y in rows:
        if y is not known:  # days without trading share their number
            # what is not finite less itself is no number
            known, shown = y, repr(y) if type(y) is float and y - y == 0 else json_text(y)
        texts.append(f"[{x}, {shown}]")
    return f"[{', '.join(texts)}]"


def json_text(content: Any) -> str:
    """Return content as JSON."""
    return _encode(content)


def _plain(value: Any) -> Any:
    """Show an exact number as a JSON number."""
    if isinstance(value, Decimal):
        return float(value)
    raise TypeError(f"expected a value that JSON knows, was {type(value).__name__}: {value!r}")


# one for all, which does not look for objects that hold themselves: results have none
_encode = json.JSONEncoder(
    ensure_ascii=False, allow_nan=False, check_circular=False, default=_plain
).encode
