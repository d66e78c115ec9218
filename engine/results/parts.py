"""Large parts of a result, which are made when they are asked for: as objects, or as text.

A run of the command line writes files and looks at no list of ten thousand events: the text is made
of the events themselves then. A caller of the library gets dictionaries and lists.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from engine.types.jsontext import json_text

#: parts are looked for so deep in dictionaries
_DEPTH = 5


class Part:
    """A value and its JSON, each made once, when it is asked for first.

    Parameters
    ----------
    make : callable
        Returns the value.
    write : callable, optional
        Returns exactly the text that :func:`json_text` makes of that value, in less time.
    """

    __slots__ = ("_make", "_text", "_value", "_write")

    def __init__(self, make: Callable[[], Any], write: Callable[[], str] | None = None) -> None:
        self._make = make
        self._write = write
        self._value: list[Any] = []
        self._text: str | None = None

    def value(self) -> Any:
        if not self._value:
            self._value.append(self._make())
        return self._value[0]

    def text(self) -> str:
        """Return the JSON.

        Raises
        ------
        ValueError
            For a number that JSON does not know.
        """
        if self._text is None:
            # a value that somebody holds is what counts: what it was made of may have changed
            write = None if self._value else self._write
            self._text = json_text(self.value()) if write is None else write()
        return self._text


def whole(content: Any, depth: int = _DEPTH) -> Any:
    """Return content with the values of its parts in their places."""
    if type(content) is Part:
        return content.value()
    if not depth or type(content) is not dict:
        return content
    return {name: whole(value, depth - 1) for name, value in content.items()}


def pieces_of(content: Any) -> list[str]:
    """Return content with parts as :func:`json_text` does ``whole(content)``, in pieces.

    Nobody needs the whole: it may have 20 MB.

    Raises
    ------
    ValueError
        For a number that JSON does not know.
    """
    pieces: list[str] = []
    _write(content, _DEPTH, pieces)
    return pieces


def _write(content: Any, depth: int, out: list[str]) -> None:
    if type(content) is Part:
        out.append(content.text())
    elif not depth or type(content) is not dict or any(type(name) is not str for name in content):
        out.append(json_text(whole(content, depth)))
    else:
        before = "{"
        for name, value in content.items():
            out.append(f"{before}{json_text(name)}: ")
            _write(value, depth - 1, out)
            before = ", "
        out.append("}" if content else "{}")
