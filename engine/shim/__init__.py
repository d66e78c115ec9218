"""What ``from AlgorithmImports import *`` gives while an algorithm runs.

The folder is put on ``sys.path`` only for the time of a run: ``AlgorithmImports.py`` must never be
importable otherwise, or it would shadow LEAN's own.
"""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Any

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


class _RefusingType(type):
    """Refuses every use of a name of LEAN's that the engine lacks, with a sentence that says so."""

    def __new__(mcs, name: str, bases: tuple[type, ...], members: dict[str, Any]) -> Any:
        """Refuse to derive a class; stand-ins are made without this."""
        raise next(base for base in bases if isinstance(base, mcs))._refuse()

    def _refuse(cls) -> EngineUnsupported:
        return EngineUnsupported(f"engine does not implement {cls.__name__}; use lean backtest")

    def __call__(cls, *args: Any, **kwargs: Any) -> Any:
        raise cls._refuse()

    def __getattr__(cls, name: str) -> Any:
        if name.startswith("_"):
            raise AttributeError(name)
        raise cls._refuse()

    def __getitem__(cls, key: Any) -> Any:
        raise cls._refuse()


def refusing(name: str) -> type:
    """Make the stand-in of a class that the engine lacks; deriving from it raises too."""
    # two thousand of them at every start: nobody makes instances, so they have no places for any
    made: type = type.__new__(_RefusingType, name, (), {"__module__": __name__, "__slots__": ()})
    return made


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
