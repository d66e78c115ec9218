"""Errors of the engine, named by what the reader does next."""

from __future__ import annotations


class EngineError(Exception):
    """The engine cannot go on; the message is one sentence for the user."""


class DataError(EngineError):
    """A data file is broken or absent: repair or replace the file that the message names."""


class EngineUnsupported(EngineError, NotImplementedError):
    """The algorithm asks for a part of LEAN that the engine lacks: use ``lean backtest``."""


class AlgorithmError(EngineError):
    """The algorithm raised; ``__cause__`` holds its exception."""


class ArgumentException(ValueError):
    """LEAN refuses the arguments of a call (``System.ArgumentException``)."""


class InvalidOperationException(RuntimeError):
    """LEAN refuses the call in this state (``System.InvalidOperationException``)."""


class KeyNotFoundException(KeyError):
    """A dictionary of LEAN's has no such key (``System.Collections.Generic``)."""

    def __str__(self) -> str:
        return str(self.args[0]) if self.args else ""
