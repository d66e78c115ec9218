"""State in memory: for backtests, where nothing has to outlive the process."""

from __future__ import annotations

from protection.contracts.stores.base import check_key
from protection.contracts.stores.logs import MemoryLog


class MemoryStateStore:
    """Keeps texts in a dictionary; durable as long as the object lives."""

    def __init__(self) -> None:
        self._texts: dict[str, str] = {}
        self._stamps: dict[str, int] = {}
        self._logs: dict[str, MemoryLog] = {}

    def read(self, key: str) -> str | None:
        return self._texts.get(check_key(key))

    def write(self, key: str, text: str) -> None:
        self._texts[check_key(key)] = text
        self._stamps[key] = self._stamps.get(key, 0) + 1

    def stamp(self, key: str) -> object | None:
        return self._stamps.get(key)

    def log(self, key: str) -> MemoryLog:
        """The log of that key, the same one whoever asks."""
        return self._logs.setdefault(check_key(key), MemoryLog())
