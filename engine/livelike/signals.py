"""Signals of the process as .NET shows them: SIGTERM kills at once, unless somebody registered."""

from __future__ import annotations

import sys
from collections.abc import Callable
from enum import IntEnum
from importlib import import_module
from types import ModuleType
from typing import Any, ClassVar

_NAMESPACE = "System.Runtime.InteropServices"


class PosixSignal(IntEnum):
    """The signals that .NET knows by name."""

    SIGHUP = -1
    SIGINT = -2
    SIGQUIT = -3
    SIGTERM = -4


class PosixSignalContext:
    """What a handler gets; ``Cancel = True`` keeps the process alive."""

    def __init__(self, signal: PosixSignal) -> None:
        self.Signal = self.signal = signal
        self.Cancel = False

    @property
    def cancel(self) -> bool:
        return self.Cancel

    @cancel.setter
    def cancel(self, value: bool) -> None:
        self.Cancel = value


class PosixSignalRegistration:
    """A handler that is registered as long as this object is kept."""

    handlers: ClassVar[list[tuple[PosixSignal, PosixSignalRegistration]]] = []

    def __init__(self, handler: Callable[[PosixSignalContext], Any]) -> None:
        self.handler = handler

    @staticmethod
    def Create(
        signal: PosixSignal, handler: Callable[[PosixSignalContext], Any]
    ) -> PosixSignalRegistration:
        made = PosixSignalRegistration(handler)
        PosixSignalRegistration.handlers.append((PosixSignal(signal), made))
        return made

    create = Create

    def Dispose(self) -> None:
        PosixSignalRegistration.handlers[:] = [
            pair for pair in PosixSignalRegistration.handlers if pair[1] is not self
        ]

    dispose = Dispose


class _Delegate:
    """``Action[PosixSignalContext](function)`` is the function."""

    def __class_getitem__(cls, _: Any) -> Callable[[Any], Any]:
        return lambda function: function


def install() -> None:
    """Make .NET's names importable for the algorithm that runs."""
    PosixSignalRegistration.handlers.clear()
    module = ModuleType(_NAMESPACE, "Signals, as .NET shows them.")
    for kind in (PosixSignal, PosixSignalContext, PosixSignalRegistration):
        setattr(module, kind.__name__, kind)
    for name in ("System", "System.Runtime"):
        try:
            import_module(name)
        except ImportError:
            parent = ModuleType(name, "Names of .NET's, for algorithms that ask for a namespace.")
            parent.__path__ = []
            sys.modules[name] = parent
    if not hasattr(sys.modules["System"], "Action"):
        sys.modules["System"].Action = _Delegate  # type: ignore[attr-defined]
    sys.modules[_NAMESPACE] = module


def uninstall() -> None:
    """Forget the names and the handlers."""
    PosixSignalRegistration.handlers.clear()
    for name in (_NAMESPACE, "System.Runtime", "System"):
        sys.modules.pop(name, None)


def registered(signal: PosixSignal) -> list[Callable[[PosixSignalContext], Any]]:
    """Return the handlers of a signal."""
    return [made.handler for known, made in PosixSignalRegistration.handlers if known is signal]
