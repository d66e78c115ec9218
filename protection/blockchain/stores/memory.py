"""Records in memory: for backtests and replays, where nothing has to outlive the process."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from protection.blockchain.merkle import CompactRange
from protection.blockchain.nodes import MemoryNodes
from protection.blockchain.stores.base import Opened


class MemoryStore:
    """Payloads in a list."""

    readonly = False
    origin = "qmp-overrider"

    def __init__(self) -> None:
        self._payloads: list[bytes] = []
        self._kept: dict[str, str] = {}

    def open(self) -> Opened:
        return Opened(CompactRange(), MemoryNodes())

    def commit(self, payloads: Sequence[bytes], previous: int, size: int, root: bytes) -> None:
        self._payloads += payloads

    def payloads(self, start: int, stop: int) -> Iterator[bytes]:
        yield from self._payloads[start:stop]

    def keep(self, name: str, text: str) -> None:
        self._kept[name] = text

    def kept(self) -> dict[str, str]:
        return dict(self._kept)

    def close(self) -> None:
        return None
