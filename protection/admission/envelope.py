"""What comes to the door and what the door says: tagged envelopes, outcomes, canonical bytes."""

from __future__ import annotations

import struct
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import Enum
from typing import TypeAlias

from protection.contracts.errors import FixInput
from protection.contracts.quick import quick
from protection.contracts.records import Bar, Quote, Trade

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)


@dataclass(frozen=True, slots=True)
class Sample:
    """One observation of several figures at once: returns of a basket, features, a signal.

    ``symbol`` names the set; ``values`` keep their order and their number.
    """

    symbol: str
    time: datetime
    values: tuple[float, ...]


Record: TypeAlias = Bar | Quote | Trade | Sample


@quick
@dataclass(frozen=True, slots=True)
class Envelope:
    """A record with its provenance.

    Attributes
    ----------
    source : name in the registry of who sent it
    record : what was sent
    received : when it arrived here, aware UTC; None means now. Not part of the signature
    sequence : number the source gives its messages, rising by one; needed where it signs
    nonce : bytes never used twice by the source, 1 to 64; needed where it signs
    signature : over :func:`canonical`, by the key named ``key``
    """

    source: str
    record: Record
    received: datetime | None = None
    sequence: int | None = None
    nonce: bytes = b""
    signature: bytes = b""
    key: str = ""


class Cause(Enum):
    """Why an observation was not simply admitted."""

    UNKNOWN_INPUT = "unknown_input"
    UNKNOWN_SOURCE = "unknown_source"
    BANNED = "banned"
    UNSIGNED = "unsigned"
    FORGED = "forged"
    REPLAY = "replay"
    RATE = "rate"
    QUOTA = "quota"
    INVALID = "invalid"
    CROSSED = "crossed"
    FUTURE = "future"
    STALE_EVENT = "stale_event"
    STALE_RECEIPT = "stale_receipt"
    OUT_OF_ORDER = "out_of_order"
    DUPLICATE = "duplicate"
    SILENCE = "silence"
    OUTLIER = "outlier"
    CONSENSUS = "consensus"
    NOISE = "noise"
    SUSPICIOUS = "suspicious"
    CONCENTRATION = "concentration"
    INTERNAL = "internal"

    __hash__ = object.__hash__  # members are single: identity is their hash, and quick


@quick
@dataclass(frozen=True, slots=True)
class Admitted:
    """The observation may be used, with this weight.

    ``notes`` tell what was unusual and allowed: ``gap`` (messages are missing before it),
    ``reordered`` (an older one came late), ``confirmed`` (it confirmed a new price level).
    """

    envelope: Envelope
    weight: float
    notes: tuple[str, ...] = ()


@quick
@dataclass(frozen=True, slots=True)
class Quarantined:
    """The observation is kept apart under ``ticket`` until confirmed, released or dropped."""

    envelope: Envelope
    cause: Cause
    reason: str
    ticket: int


@quick
@dataclass(frozen=True, slots=True)
class Rejected:
    """The observation must not be used."""

    cause: Cause
    reason: str


Outcome: TypeAlias = Admitted | Quarantined | Rejected

_HEAD = b"qmp-envelope-1\0"
# head, kind, sequence, lengths of nonce, source and symbol, time, then the figures of the kind
_BAR = struct.Struct(">15sBQBHHq5dq?").pack
_QUOTE = struct.Struct(">15sBQBHHq4d").pack
_TRADE = struct.Struct(">15sBQBHHq2d").pack


def canonical(envelope: Envelope) -> bytes:
    """Bytes a source signs: source, sequence, nonce, kind and every figure of the record.

    Figures are big-endian doubles, times whole microseconds since 1970, and the lengths of all
    texts stand before them, so two different envelopes never have the same bytes.

    Raises
    ------
    FixInput
        When a part is missing, of the wrong type or too long.
    """
    r = envelope.record
    try:
        nonce, source, symbol = envelope.nonce, envelope.source.encode(), r.symbol.encode()
        span = r.time - EPOCH
        time = (span.days * 86_400 + span.seconds) * 1_000_000 + span.microseconds
        number, n, s, m = envelope.sequence, len(nonce), len(source), len(symbol)
        if isinstance(r, Trade):
            body = _TRADE(_HEAD, 3, number, n, s, m, time, r.price, r.size)
        elif isinstance(r, Quote):
            body = _QUOTE(_HEAD, 2, number, n, s, m, time, r.bid, r.ask, r.bid_size, r.ask_size)
        elif isinstance(r, Sample):
            count = len(r.values)
            body = struct.pack(
                f">15sBQBHHqH{count}d", _HEAD, 4, number, n, s, m, time, count, *r.values
            )
        else:
            body = _BAR(
                _HEAD,
                1,
                number,
                n,
                s,
                m,
                time,
                r.open,
                r.high,
                r.low,
                r.close,
                r.volume,
                r.period // _MICROSECOND,
                r.filled_forward,
            )
        return b"".join((body, nonce, source, symbol))
    except (struct.error, TypeError, AttributeError, ValueError) as error:
        raise FixInput(
            f"expected an envelope with source, record, sequence and nonce, was {envelope!r}: "
            f"{error}"
        ) from error
