"""``self.object_store``: texts and bytes by key, in files of one folder."""

from __future__ import annotations

import os
import re
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from engine.types.dotnet import KeyValuePair, LeanObject
from engine.types.errors import ArgumentException, KeyNotFoundException

_KEY = re.compile(r"^\.?[a-zA-Z0-9\\/_#\-\$= ]+\.?[a-zA-Z0-9]*$")


class ObjectStore(LeanObject):
    """Local object store with LEAN's keys and quotas.

    Values are kept in memory and written to ``root`` when :meth:`get_file_path` asks for a file and
    at the end of the run, as LEAN does; files are replaced whole, so a reader never sees half of
    one.
    """

    max_size = 10 * 1024**3
    max_files = 10_000

    def __init__(self, root: Path) -> None:
        self._root = root
        self._cache: dict[str, bytes] = {}
        self._dirty: set[str] = set()

    def _key(self, key: str) -> str:
        if not key or ".." in key or not _KEY.match(key):
            raise ArgumentException(
                f"expected a key of letters, digits and / _ - # $ = with one dot at most, "
                f"was {key!r}"
            )
        key = key.replace("\\", "/").lstrip("./")
        return key

    def _path(self, key: str) -> Path:
        return self._root / key

    def save(self, path: str, text: str | None = None, encoding: Any = None) -> bool:
        """Keep a text (or flush the file of a key, when no text is given)."""
        if text is None:
            return self.save_bytes(path, self._path(self._key(path)).read_bytes())
        return self.save_bytes(path, text.encode("utf-8"))

    def save_string(self, path: str, text: str, encoding: Any = None) -> bool:
        return self.save(path, text)

    def save_bytes(self, path: str, contents: bytes) -> bool:
        """Keep bytes; False when the store is over its quota."""
        key = self._key(path)
        data = bytes(contents)
        known = set(self._all_keys())
        if key not in known and len(known) >= self.max_files:
            return False
        if sum(self._size(k) for k in known if k != key) + len(data) > self.max_size:
            return False
        self._cache[key] = data
        self._dirty.add(key)
        return True

    def _size(self, key: str) -> int:
        if key in self._cache:
            return len(self._cache[key])
        return self._path(key).stat().st_size

    def _all_keys(self) -> Iterator[str]:
        yield from self._cache
        if self._root.is_dir():
            for path in sorted(self._root.rglob("*")):
                if path.is_file() and not path.name.startswith(".tmp-"):
                    key = path.relative_to(self._root).as_posix()
                    if key not in self._cache:
                        yield key

    def contains_key(self, path: str) -> bool:
        key = self._key(path)
        return key in self._cache or self._path(key).is_file()

    def read_bytes(self, path: str) -> bytes:
        """Return the bytes of a key.

        Raises
        ------
        KeyNotFoundException
            When there is no such key.
        """
        key = self._key(path)
        if key not in self._cache:
            file = self._path(key)
            if not file.is_file():
                raise KeyNotFoundException(
                    f"expected a key of the object store, was {key!r}: "
                    "no object of that name was saved"
                )
            self._cache[key] = file.read_bytes()
        return self._cache[key]

    def read(self, path: str, encoding: Any = None) -> str:
        """Return the text of a key."""
        return self.read_bytes(path).decode("utf-8")

    def read_string(self, path: str, encoding: Any = None) -> str:
        return self.read(path)

    def delete(self, path: str) -> bool:
        """Forget a key; False when there was none."""
        key = self._key(path)
        found = self._cache.pop(key, None) is not None
        self._dirty.discard(key)
        file = self._path(key)
        if file.is_file():
            file.unlink()
            found = True
        return found

    def get_file_path(self, path: str) -> str:
        """Write everything to disk and return the path of a key's file."""
        key = self._key(path)
        self._persist()
        return str(self._path(key).absolute())

    def _persist(self) -> None:
        for key in sorted(self._dirty):
            path = self._path(key)
            path.parent.mkdir(parents=True, exist_ok=True)
            handle, name = tempfile.mkstemp(prefix=".tmp-", dir=path.parent)
            with os.fdopen(handle, "wb") as file:
                file.write(self._cache[key])
                file.flush()
                os.fsync(file.fileno())
            os.replace(name, path)
        self._dirty.clear()

    @property
    def keys(self) -> list[str]:
        return list(self._all_keys())

    def clear(self) -> None:
        """Drop what is cached, so that the next read looks at the files."""
        self._persist()
        self._cache.clear()

    def __iter__(self) -> Iterator[KeyValuePair[str, bytes]]:
        for key in self.keys:
            yield KeyValuePair(key, self.read_bytes(key))
