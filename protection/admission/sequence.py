"""Memory against replay: a sliding window of sequences and a bounded set of nonces."""

from __future__ import annotations

from collections import deque
from enum import Enum
from typing import Any


class Arrival(Enum):
    """What a sequence number says about the message."""

    NEXT = "next"
    GAP = "gap"
    REORDERED = "reordered"
    REPLAY = "replay"
    TOO_OLD = "too_old"


class ReplayWindow:
    """Which messages of one source were seen already.

    A sequence is new (the next, or after a gap), late but unseen within ``window``, seen, or
    older than the window; the last two are refused, because they cannot be told apart. A nonce
    that is remembered is a replay under any sequence. Memory is bounded: ``window`` bits and
    ``nonces`` entries.
    """

    __slots__ = ("_mask", "_nonces", "_order", "_size", "_window", "_wrap", "highest", "missing")

    def __init__(self, window: int, nonces: int) -> None:
        self._window = window
        self._wrap = (1 << window) - 1
        self._size = nonces
        self._mask = 0  # bit k: highest - k was seen
        self._nonces: set[bytes] = set()
        self._order: deque[bytes] = deque()
        self.highest = -1
        self.missing = 0
        """Sequences skipped and not come late since."""

    def take(self, sequence: int, nonce: bytes) -> Arrival:
        """Judge a message and remember it, whatever becomes of it afterwards.

        A refused message changes nothing.
        """
        if nonce and nonce in self._nonces:
            return Arrival.REPLAY
        ahead = sequence - self.highest
        if ahead > 0:
            if ahead == 1:
                self._mask = ((self._mask << 1) | 1) & self._wrap
                arrival = Arrival.NEXT
            elif self.highest < 0:  # the first one heard of this source
                self._mask = 1
                arrival = Arrival.NEXT
            else:
                far = ahead >= self._window
                self._mask = 1 if far else ((self._mask << ahead) | 1) & self._wrap
                self.missing += ahead - 1
                arrival = Arrival.GAP
            self.highest = sequence
        elif -ahead >= self._window:
            return Arrival.TOO_OLD
        else:
            bit = 1 << -ahead
            if self._mask & bit:
                return Arrival.REPLAY
            self._mask |= bit
            self.missing = max(0, self.missing - 1)
            arrival = Arrival.REORDERED
        if nonce:
            self._nonces.add(nonce)
            self._order.append(nonce)
            if len(self._order) > self._size:
                self._nonces.discard(self._order.popleft())
        return arrival

    def snapshot(self) -> dict[str, Any]:
        """Plain data for :meth:`restore`."""
        return {
            "highest": self.highest,
            "missing": self.missing,
            "mask": f"{self._mask:x}",
            "nonces": [nonce.hex() for nonce in self._order],
        }

    def restore(self, state: dict[str, Any]) -> None:
        """Take over what :meth:`snapshot` gave."""
        self.highest, self.missing = int(state["highest"]), int(state["missing"])
        self._mask = int(state["mask"], 16) & self._wrap
        self._order = deque(bytes.fromhex(text) for text in state["nonces"][-self._size :])
        self._nonces = set(self._order)
