"""A small honest market that adversaries are let loose on: truth, sources, signed messages."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from protection.admission import Envelope, HmacKey, Sample, Source, SourceRegistry, seal
from protection.admission.envelope import Record
from protection.contracts.checks import above, count, one_of
from protection.contracts.records import Quote, Trade

Array = NDArray[np.float64]
START = datetime(2024, 1, 2, 15, 0, tzinfo=UTC)
PERIOD = timedelta(minutes=1)


@dataclass(frozen=True, slots=True)
class Draft:
    """A message before it is sealed.

    Attributes
    ----------
    source, record, received : as in an envelope
    period : index of the period it is about
    genuine : whether the sender has the source's key; without it the signature is made up
    copies : later receipts of the very same sealed message
    """

    source: str
    record: Record
    received: datetime
    period: int
    genuine: bool = True
    copies: tuple[datetime, ...] = ()


Drafts: TypeAlias = tuple[Draft, ...]


@dataclass(frozen=True)
class World:
    """Sources that all report the same market, with small errors of their own.

    Parameters
    ----------
    seed : of everything random
    kind : ``samples`` (rows of returns), ``trades`` or ``quotes`` (one a period and column)
    periods, columns, sources : sizes
    noise : error of one source's report, in standard deviations of a period's return
    """

    seed: int = 0
    kind: str = "samples"
    periods: int = 500
    columns: int = 4
    sources: int = 10
    noise: float = 0.05
    returns: Array = field(init=False, repr=False)
    """(periods, columns) true returns in percent."""
    future: Array = field(init=False, repr=False)
    """(periods, columns) returns after them, for the backtest."""
    anchor: Array = field(init=False, repr=False)
    """(2 periods, columns) returns before them, the golden set."""

    def __post_init__(self) -> None:
        one_of("samples", "trades", "quotes").check("world.kind", self.kind)
        for name, least in (("periods", 60), ("columns", 1), ("sources", 3)):
            count(least).check(f"world.{name}", getattr(self, name))
        above(0.0).check("world.noise", self.noise)
        rng = np.random.default_rng([self.seed, 1])
        p = self.columns
        scales = np.linspace(0.6, 1.4, p)
        correlation = np.full((p, p), 0.3) + 0.7 * np.eye(p)
        lower = np.linalg.cholesky(correlation * np.outer(scales, scales))
        mean = 0.15 * scales * np.where(np.arange(p) % 2 == 0, 1.0, 0.5)
        total = 4 * self.periods
        radial = np.sqrt(4.0 / rng.chisquare(6, (total, 1)))  # t with 6 degrees, unit covariance
        rows = mean + (rng.standard_normal((total, p)) * radial) @ lower.T
        n = self.periods
        for name, part in (
            ("anchor", rows[: 2 * n]),
            ("returns", rows[2 * n : 3 * n]),
            ("future", rows[3 * n :]),
        ):
            part.flags.writeable = False
            object.__setattr__(self, name, part)

    @property
    def scales(self) -> Array:
        """Standard deviation of each column in the golden set."""
        scales: Array = self.anchor.std(axis=0)
        return scales

    def name(self, source: int) -> str:
        """Name of a source."""
        return f"source-{source}"

    def symbol(self, column: int) -> str:
        """Symbol of a column."""
        return f"ASSET{column}"

    def time(self, period: int) -> datetime:
        """End of a period."""
        return START + (period + 1) * PERIOD

    def registry(self, extra: Iterable[Source] = ()) -> SourceRegistry:
        """A fresh registry of the honest sources, and of others."""
        cadence = PERIOD.total_seconds()
        return SourceRegistry(
            *(
                Source(self.name(s), {"": _key(self.name(s))}, cadence_seconds=cadence)
                for s in range(self.sources)
            ),
            *extra,
        )

    def prices(self) -> Array:
        """(periods + 1, columns) true prices from 100."""
        path = np.vstack([np.zeros(self.columns), np.cumsum(self.returns / 100.0, axis=0)])
        prices: Array = 100.0 * np.exp(path)
        return prices

    def drafts(self) -> Drafts:
        """What the sources send when nobody is dishonest, by time of receipt."""
        rng = np.random.default_rng([self.seed, 2])
        errors = rng.standard_normal((self.periods, self.sources, self.columns)) * (
            self.noise * self.scales
        )
        prices = self.prices()[1:]
        made: list[Draft] = []
        for t in range(self.periods):
            at = self.time(t)
            for s in range(self.sources):
                received = at + timedelta(milliseconds=10 * (s + 1))
                made += [
                    Draft(self.name(s), record, received, t)
                    for record in self._records(t, at, errors[t, s], prices[t])
                ]
        return tuple(made)

    def _records(self, t: int, at: datetime, errors: Array, prices: Array) -> Iterable[Record]:
        if self.kind == "samples":
            row = self.returns[t] + errors
            return (Sample("returns", at, tuple(float(value) for value in row)),)
        seen = prices * np.exp(errors / 100.0)
        if self.kind == "trades":
            return tuple(
                Trade(self.symbol(j), at, float(seen[j]), 100.0) for j in range(self.columns)
            )
        return tuple(
            Quote(self.symbol(j), at, float(seen[j]) - 0.01, float(seen[j]) + 0.01, 100.0, 100.0)
            for j in range(self.columns)
        )


def _key(name: str) -> HmacKey:
    return HmacKey(f"the secret of {name} in the world".encode())


def deliver(drafts: Iterable[Draft]) -> list[tuple[Envelope, int]]:
    """Seal drafts in order of receipt and repeat copies: envelopes with their period."""
    ordered = sorted(enumerate(drafts), key=lambda item: (item[1].received, item[0]))
    numbers: dict[str, int] = {}
    keys: dict[str, HmacKey] = {}
    sent: list[tuple[datetime, int, Envelope, int]] = []
    for place, draft in ordered:
        number = numbers.get(draft.source, 0)
        envelope = Envelope(
            draft.source, draft.record, draft.received, number, number.to_bytes(8, "big")
        )
        if draft.genuine:
            numbers[draft.source] = number + 1
            key = keys.get(draft.source)
            if key is None:
                key = keys[draft.source] = _key(draft.source)
            envelope = seal(envelope, key)
        else:
            envelope = replace(envelope, signature=b"\x5a" * 32)
        sent.append((draft.received, place, envelope, draft.period))
        sent += [
            (received, place, replace(envelope, received=received), draft.period)
            for received in draft.copies
        ]
    sent.sort(key=lambda item: (item[0], item[1]))
    return [(envelope, period) for _, _, envelope, period in sent]


def figure(record: Record) -> tuple[float, float]:
    """Price and size a naive reader takes from a trade or quote.

    The price of a quote is weighted by the sizes shown, which is what spoofing aims at.
    """
    if isinstance(record, Trade):
        return record.price, record.size
    if isinstance(record, Quote):
        total = record.bid_size + record.ask_size
        if not (math.isfinite(total) and total > 0.0):
            return 0.5 * (record.bid + record.ask), 1.0
        return (record.bid * record.ask_size + record.ask * record.bid_size) / total, 1.0
    return math.nan, 0.0
