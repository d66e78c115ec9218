"""Files that appear whole or not at all."""

from __future__ import annotations

import json
import os
import tempfile
from collections.abc import Iterable
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
        with os.fdopen(handle, "w", encoding="utf-8", newline="\n") as stream:
            stream.write(text)
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


def write_json(path: Path, content: Any) -> None:
    """Write JSON; a number that JSON does not know raises ``ValueError``."""
    write_text(path, json_text(content))


class JsonParts:
    """JSON of several files that hold the same large objects: each of those is encoded once.

    Parameters
    ----------
    parts : iterable
        The shared objects, known by their identity; they must not change any more.
    """

    def __init__(self, parts: Iterable[Any]) -> None:
        self._parts = {id(part): part for part in parts}
        self._texts: dict[int, str] = {}

    def text(self, content: Any, depth: int = 5) -> str:
        """Return content as :func:`json_text` does; parts are looked for so deep in dictionaries.

        Raises
        ------
        ValueError
            For a number that JSON does not know.
        """
        key = id(content)
        if key in self._parts:
            found = self._texts.get(key)
            if found is None:
                found = self._texts[key] = json_text(content)
            return found
        if not depth or type(content) is not dict or any(type(n) is not str for n in content):
            return json_text(content)
        rows = [f"{json_text(name)}: {self.text(v, depth - 1)}" for name, v in content.items()]
        return "{" + ", ".join(rows) + "}"


def json_text(content: Any) -> str:
    """Return content as JSON."""
    return json.dumps(content, ensure_ascii=False, allow_nan=False, default=_plain)


def _plain(value: Any) -> Any:
    """Show an exact number as a JSON number."""
    if isinstance(value, Decimal):
        return float(value)
    raise TypeError(f"expected a value that JSON knows, was {type(value).__name__}: {value!r}")
