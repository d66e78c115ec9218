"""Records and envelopes as plain data and back, for what has to outlive a restart."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from protection.admission.envelope import Envelope, Record, Sample
from protection.contracts.records import Bar, Quote, Trade

_FIGURES: dict[str, tuple[type, tuple[str, ...]]] = {
    "bar": (Bar, ("open", "high", "low", "close", "volume")),
    "quote": (Quote, ("bid", "ask", "bid_size", "ask_size")),
    "trade": (Trade, ("price", "size")),
}
_NAMES: dict[type, str] = {Bar: "bar", Quote: "quote", Trade: "trade", Sample: "sample"}


def plain_record(record: Record) -> dict[str, Any]:
    """A record as plain data."""
    name = _NAMES[type(record)]
    plain: dict[str, Any] = {
        "kind": name,
        "symbol": record.symbol,
        "time": record.time.isoformat(),
    }
    if isinstance(record, Sample):
        plain["values"] = [float(value) for value in record.values]
        return plain
    for figure in _FIGURES[name][1]:
        plain[figure] = float(getattr(record, figure))
    if isinstance(record, Bar):
        plain["period"] = record.period.total_seconds()
        plain["filled_forward"] = bool(record.filled_forward)
    return plain


def read_record(plain: Mapping[str, Any]) -> Record:
    """The record of :func:`plain_record`."""
    name, symbol = plain["kind"], str(plain["symbol"])
    time = datetime.fromisoformat(plain["time"])
    if name == "sample":
        return Sample(symbol, time, tuple(float(value) for value in plain["values"]))
    kind, figures = _FIGURES[name]
    values = {figure: float(plain[figure]) for figure in figures}
    if kind is Bar:
        return Bar(
            symbol,
            time,
            **values,
            period=timedelta(seconds=plain["period"]),
            filled_forward=bool(plain["filled_forward"]),
        )
    if kind is Quote:
        return Quote(symbol, time, **values)
    return Trade(symbol, time, **values)


def plain_envelope(envelope: Envelope) -> dict[str, Any]:
    """An envelope as plain data."""
    received = envelope.received
    return {
        "source": envelope.source,
        "record": plain_record(envelope.record),
        "received": None if received is None else received.isoformat(),
        "sequence": envelope.sequence,
        "nonce": envelope.nonce.hex(),
        "signature": envelope.signature.hex(),
        "key": envelope.key,
    }


def read_envelope(plain: Mapping[str, Any]) -> Envelope:
    """The envelope of :func:`plain_envelope`."""
    received, sequence = plain["received"], plain["sequence"]
    return Envelope(
        str(plain["source"]),
        read_record(plain["record"]),
        None if received is None else datetime.fromisoformat(received),
        None if sequence is None else int(sequence),
        bytes.fromhex(plain["nonce"]),
        bytes.fromhex(plain["signature"]),
        str(plain["key"]),
    )
