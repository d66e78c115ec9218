"""Memory against replay: a sliding window of sequences and a bounded set of nonces."""

from __future__ import annotations

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
    that is remembered is a replay under any sequence. Memory is bounded: ``window`` bits, and the
    last ``nonces`` nonces at least, twice as many at most.
    """

    __slots__ = (
        "_before",
        "_mask",
        "_nonces",
        "_run",
        "_size",
        "_window",
        "_wrap",
        "highest",
        "missing",
    )

    def __init__(self, window: int, nonces: int) -> None:
        self._window = window
        self._wrap = (1 << window) - 1
        self._size = nonces
        self._mask = 0  # bit k: highest - run - k was seen
        self._run = 0  # messages since, one after the other: their bits are put in when needed
        self._nonces: dict[bytes, None] = {}  # in order; the older half is forgotten at once
        self._before: dict[bytes, None] = {}
        self.highest = -1
        self.missing = 0
        """Sequences skipped and not come late since."""

    def take(self, sequence: int, nonce: bytes) -> Arrival:
        """Judge a message and remember it, whatever becomes of it afterwards.

        A refused message changes nothing.
        """
        nonces = self._nonces
        if nonce and (nonce in nonces or nonce in self._before):
            return Arrival.REPLAY
        ahead = sequence - self.highest
        if ahead == 1:  # the usual case
            self._run += 1
            self.highest = sequence
            arrival = Arrival.NEXT
        elif ahead > 1:
            if self.highest < 0:  # the first one heard of this source
                self._mask, self._run = 1, 0
                arrival = Arrival.NEXT
            else:
                mask = self._settled()
                far = ahead >= self._window
                self._mask = 1 if far else ((mask << ahead) | 1) & self._wrap
                self.missing += ahead - 1
                arrival = Arrival.GAP
            self.highest = sequence
        elif -ahead >= self._window:
            return Arrival.TOO_OLD
        else:
            mask, bit = self._settled(), 1 << -ahead
            if mask & bit:
                return Arrival.REPLAY
            self._mask = mask | bit
            self.missing = max(0, self.missing - 1)
            arrival = Arrival.REORDERED
        if nonce:
            if len(nonces) >= self._size:
                self._before, self._nonces = nonces, {nonce: None}
            else:
                nonces[nonce] = None
        return arrival

    def _settled(self) -> int:
        """The mask with the bits of the present run."""
        run = min(self._run, self._window)
        if run:
            self._mask = ((self._mask << run) | ((1 << run) - 1)) & self._wrap
            self._run = 0
        return self._mask

    def snapshot(self) -> dict[str, Any]:
        """Plain data for :meth:`restore`."""
        return {
            "highest": self.highest,
            "missing": self.missing,
            "mask": f"{self._settled():x}",
            "nonces": [nonce.hex() for nonce in (*self._before, *self._nonces)],
        }

    def restore(self, state: dict[str, Any]) -> None:
        """Take over what :meth:`snapshot` gave."""
        self.highest, self.missing = int(state["highest"]), int(state["missing"])
        self._mask, self._run = int(state["mask"], 16) & self._wrap, 0
        nonces = [bytes.fromhex(text) for text in state["nonces"][-2 * self._size :]]
        full = self._size if len(nonces) > self._size else 0
        self._before = dict.fromkeys(nonces[:full])
        self._nonces = dict.fromkeys(nonces[full:])
