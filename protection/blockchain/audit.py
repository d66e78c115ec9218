"""The ledger as one object with four calls.

::

    audit = BlockchainAudit()
    receipt = audit.log_event({"timestamp": 1700000000, "type": "trade", "symbol": "BTCUSD",
                               "price": 37000.0, "size": 0.5, "side": "buy"})
    audit.verify()            # true when everything holds; says what does not
    audit.prove(receipt)      # inclusion proof, checked offline with the root alone
    audit.merkle_root()
"""

from __future__ import annotations

import difflib
import math
import os
import threading
from collections.abc import Collection, Iterable, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from weakref import WeakValueDictionary

from protection.blockchain.canonical import utc_text
from protection.blockchain.ledger import Ledger
from protection.blockchain.privacy import redact
from protection.blockchain.records import Proof
from protection.blockchain.verifier import Report
from protection.contracts.errors import FixInput

_TRADE = {
    "timestamp": "seconds since 1970, UTC",
    "type": 'a word, "trade"',
    "symbol": 'text, for example "BTCUSD"',
    "price": "a number above 0, in quote currency",
    "size": "a number above 0, in units",
    "side": '"buy" or "sell"',
}
_LATEST = 253402300799  # 9999-12-31
_OPEN: WeakValueDictionary[Path, Ledger] = WeakValueDictionary()
_OPENING = threading.Lock()


class BlockchainAudit:
    """Append-only, tamper-evident record of events in a folder.

    Parameters
    ----------
    place : folder or ``.sqlite`` file, made at the first event; objects at the same place in one
        process share it. Or a :class:`~protection.blockchain.ledger.Ledger` of your own.
    secret_names : further field names whose values are blacked out
    """

    def __init__(
        self,
        place: str | os.PathLike[str] | Ledger = "audit",
        *,
        secret_names: Collection[str] = (),
    ) -> None:
        self._secrets = tuple(secret_names)
        self._place = place
        self._opened: Ledger | None = place if isinstance(place, Ledger) else None

    @property
    def ledger(self) -> Ledger:
        """The ledger behind it; opened at the first use.

        Raises
        ------
        BrokenLedger
            When acknowledged records are damaged or missing.
        RetryWrite
            When another process writes there, or the place cannot be written.
        """
        if self._opened is None or self._opened.closed:
            if isinstance(self._place, Ledger):
                return self._place
            path = Path(self._place).resolve()
            with _OPENING:
                ledger = _OPEN.get(path)
                if ledger is None or ledger.closed:
                    ledger = _OPEN[path] = Ledger(path)
            self._opened = ledger
        return self._opened

    def log_event(self, event: Mapping[str, Any]) -> str:
        """Record an event; durable when this returns.

        Parameters
        ----------
        event : ``timestamp`` (unix seconds) and ``type``; a trade also ``symbol``, ``price``,
            ``size``, ``side``; events of other types whatever they like

        Returns
        -------
        str
            Hash of the record, hexadecimal; what :meth:`prove` takes.

        Raises
        ------
        FixInput
            When a key is missing, unknown or impossible; nothing was recorded.
        RetryWrite
            When it could not be written; nothing was recorded.
        """
        if not isinstance(event, Mapping):
            raise FixInput(f"expected an event as a mapping, was {type(event).__name__}")
        for key in ("timestamp", "type"):
            if key not in event:
                raise FixInput(f"expected {key} ({_TRADE[key]}) in the event, was missing")
        moment = _timestamp(event["timestamp"])
        if event["type"] == "trade":
            _check_trade(event)
        entry = {**redact(event, self._secrets), "time": utc_text(moment)}
        return self.ledger.append(entry).hash

    def verify(self, *, against: Iterable[str] = (), keys: Iterable[str] = ()) -> Report:
        """Rebuild the tree from the records on disk and compare; true when everything holds.

        Parameters
        ----------
        against : signed heads that were kept elsewhere; without one a ledger that was cut back or
            written anew as a whole cannot be told
        keys : verifier keys to trust
        """
        return self.ledger.verify(against=against, keys=keys)

    def prove(self, event_hash: str) -> Proof:
        """Proof that the record with that hash stands in the ledger.

        Raises
        ------
        FixInput
            When no record has it.
        """
        return self.ledger.prove(event_hash)

    def merkle_root(self) -> str:
        """Root over all durable records, hexadecimal."""
        return self.ledger.root().hex()

    def close(self) -> None:
        """Write what is queued and let go of the place, for every object that shares it."""
        if self._opened is not None:
            self._opened.close()


def _number(value: Any) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool) and math.isfinite(value)


def _timestamp(value: Any) -> datetime:
    if not _number(value) or value < 0:
        raise FixInput(f"expected timestamp in {_TRADE['timestamp']}, was {value!r}")
    if value > _LATEST / 10:
        hint = "divide milliseconds by 1000" if value > 10**11 else "a year after 2700"
        raise FixInput(f"expected timestamp in {_TRADE['timestamp']}, was {value!r}; {hint}")
    return datetime.fromtimestamp(float(value), UTC)


def _check_trade(event: Mapping[str, Any]) -> None:
    for key, meaning in _TRADE.items():
        if key not in event:
            raise FixInput(f"expected {key} ({meaning}) in a trade, was missing")
    for key in event:
        if key not in _TRADE:
            near = difflib.get_close_matches(str(key), _TRADE, n=1)
            hint = f"did you mean {near[0]}?" if near else f"known: {', '.join(_TRADE)}"
            raise FixInput(f"expected known keys in a trade, was {key!r}; {hint}")
    for key in ("price", "size"):
        if not _number(event[key]) or event[key] <= 0:
            raise FixInput(f"expected {key} ({_TRADE[key]}), was {event[key]!r}")
    if event["side"] not in ("buy", "sell"):
        raise FixInput(f"expected side ({_TRADE['side']}), was {event['side']!r}")
    if not isinstance(event["symbol"], str) or not event["symbol"]:
        raise FixInput(f"expected symbol ({_TRADE['symbol']}), was {event['symbol']!r}")
