"""Log, debug and error lines of a run in the order in which LEAN writes them."""

from __future__ import annotations


class MessageLog:
    """Queues of debug, error and log lines, emptied in this order when the equity is sampled.

    Attributes
    ----------
    lines : list of str
        Every line, stamped with the algorithm's local time.
    debug, error : list of str
        The same, apart.
    """

    def __init__(self) -> None:
        self.lines: list[str] = []
        self.debug: list[str] = []
        self.error: list[str] = []
        self._debug: list[str] = []
        self._error: list[str] = []
        self._log: list[str] = []

    def add_debug(self, text: str) -> None:
        """Queue a debug line."""
        self._debug.append(text)

    def add_error(self, text: str) -> None:
        """Queue an error line."""
        self._error.append(text)

    def add_log(self, text: str) -> None:
        """Queue a log line."""
        self._log.append(text)

    def add_now(self, text: str, kind: str = "debug") -> None:
        """Write a line of the engine itself; kinds are ``debug``, ``error`` and ``log``."""
        self.lines.append(text)
        if kind == "debug":
            self.debug.append(text)
        elif kind == "error":
            self.error.append(text)

    def flush(self) -> None:
        """Empty the queues in LEAN's order."""
        if self._debug:
            self.debug += self._debug
            self.lines += self._debug
            self._debug.clear()
        if self._error:
            self.error += self._error
            self.lines += self._error
            self._error.clear()
        if self._log:
            self.lines += self._log
            self._log.clear()
