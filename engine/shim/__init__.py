"""What ``from AlgorithmImports import *`` gives while an algorithm runs.

The folder is put on ``sys.path`` only for the time of a run: ``AlgorithmImports.py`` must never be
importable otherwise, or it would shadow LEAN's own.
"""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Any, Union

from engine.types.errors import EngineUnsupported

HERE = Path(__file__).parent


@cache
def lean_names() -> frozenset[str]:
    """Return the names that LEAN's own ``AlgorithmImports`` exports."""
    return frozenset(" ".join(p.read_text() for p in HERE.glob("lean_names_*.txt")).split())


@cache
def lean_members() -> dict[str, frozenset[str]]:
    """Return the public members of LEAN's classes by class name."""
    found = {}
    for line in (HERE / "lean_members.txt").read_text().splitlines():
        name, _, members = line.partition(":")
        found[name] = frozenset(members.split())
    return found


class Refusing:
    """Stands for a class of LEAN's that the engine lacks and refuses every use of it, with a
    sentence that says so.

    An object and no class: two thousand of them are made at every start, and a class costs a
    hundred times as much. Type hints may name it, and nothing is an instance of it.
    """

    __slots__ = ("__name__",)

    def __init__(self, name: str) -> None:
        self.__name__ = name

    def _refuse(self) -> EngineUnsupported:
        return EngineUnsupported(f"engine does not implement {self.__name__}; use lean backtest")

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        raise self._refuse()

    def __getattr__(self, name: str) -> Any:
        if name.startswith("_"):
            raise AttributeError(name)
        raise self._refuse()

    def __getitem__(self, key: Any) -> Any:
        raise self._refuse()

    def __mro_entries__(self, bases: tuple[Any, ...]) -> Any:
        """Refuse to be derived from."""
        raise self._refuse()

    def __instancecheck__(self, instance: object) -> bool:
        return False

    def __subclasscheck__(self, subclass: type) -> bool:
        return False

    def __or__(self, other: Any) -> Any:
        return Union[self, other]  # noqa: UP007 - a "|" would come back to this line

    def __ror__(self, other: Any) -> Any:
        return Union[other, self]  # noqa: UP007

    def __repr__(self) -> str:
        return f"<{self.__name__}: not in the engine>"


class LazyModule:
    """A library that is imported at its first use: pandas and matplotlib cost a second."""

    def __init__(self, name: str) -> None:
        self._name = name
        self._module: Any = None

    def __getattr__(self, name: str) -> Any:
        if self._module is None:
            import importlib

            self._module = importlib.import_module(self._name)
        return getattr(self._module, name)
