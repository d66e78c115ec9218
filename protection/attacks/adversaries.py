"""Seeded adversaries: each turns the honest messages of a world into an attacked stream.

Every adversary is a frozen set of parameters with one method, ``apply(world, drafts, rng)``. An
*insider* holds the keys of the sources it has compromised (the last ones of the world); an
*outsider* has none. All of them act through messages only, never on the library's insides.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Protocol

import numpy as np

from protection.admission import Sample
from protection.attacks.world import PERIOD, Draft, Drafts, World
from protection.contracts.records import Quote, Trade


class Adversary(Protocol):
    """Something that tampers with messages."""

    def apply(self, world: World, drafts: Drafts, rng: np.random.Generator) -> Drafts:
        """The attacked stream; the honest one is not changed."""
        ...


def _insiders(world: World, count: int) -> frozenset[str]:
    return frozenset(world.name(world.sources - 1 - k) for k in range(count))


def _moved(record: Sample, step: np.ndarray) -> Sample:
    return replace(
        record, values=tuple(float(v + s) for v, s in zip(record.values, step, strict=True))
    )


def _change_samples(world: World, drafts: Drafts, insiders: int, change: object) -> Drafts:
    """Apply ``change(record, period)`` to the samples of the insiders."""
    names = _insiders(world, insiders)
    return tuple(
        replace(draft, record=change(draft.record, draft.period))  # type: ignore[operator]
        if draft.source in names and isinstance(draft.record, Sample)
        else draft
        for draft in drafts
    )


@dataclass(frozen=True)
class WashTrading:
    """An insider trades with itself at prices of its choice.

    ``intensity`` is the share of wash trades in all trades, ``push`` their distance from the
    market in standard deviations of a period, ``volume`` their size in honest trades.
    """

    intensity: float = 0.05
    push: float = 3.0
    volume: float = 10.0

    def apply(self, world: World, drafts: Drafts, rng: np.random.Generator) -> Drafts:
        """Add wash trades of the last source, right after the honest ones."""
        name = world.name(world.sources - 1)
        honest = [draft for draft in drafts if isinstance(draft.record, Trade)]
        number = round(self.intensity / (1.0 - self.intensity) * len(honest))
        mine = [draft for draft in honest if draft.source == name]
        chosen = rng.choice(len(mine), min(number, len(mine)), replace=False)
        scales = world.scales / 100.0
        added = []
        for place in chosen:
            draft = mine[place]
            record = draft.record
            assert isinstance(record, Trade)
            column = int(record.symbol[5:])
            price = record.price * float(np.exp(self.push * scales[column]))
            wash = Trade(record.symbol, record.time, price, record.size * self.volume)
            added.append(
                replace(draft, record=wash, received=draft.received + timedelta(milliseconds=1))
            )
        return drafts + tuple(added)


@dataclass(frozen=True)
class OffsetPoisoning:
    """Insiders add ``offset`` standard deviations to ``samples`` of their reports."""

    samples: int = 1000
    offset: float = 2.0
    insiders: int = 2

    def apply(self, world: World, drafts: Drafts, rng: np.random.Generator) -> Drafts:
        """Shift the chosen reports in every column."""
        names = _insiders(world, self.insiders)
        mine = [k for k, draft in enumerate(drafts) if draft.source in names]
        chosen = set(rng.choice(mine, min(self.samples, len(mine)), replace=False).tolist())
        step = self.offset * world.scales
        return tuple(
            replace(draft, record=_moved(draft.record, step))
            if k in chosen and isinstance(draft.record, Sample)
            else draft
            for k, draft in enumerate(drafts)
        )


@dataclass(frozen=True)
class VariancePoisoning:
    """Insiders stretch their reports around the mean by ``factor``."""

    factor: float = 3.0
    insiders: int = 2

    def apply(self, world: World, drafts: Drafts, rng: np.random.Generator) -> Drafts:
        """Stretch every report of the insiders."""
        mean = world.anchor.mean(axis=0)

        def change(record: Sample, period: int) -> Sample:
            return _moved(record, (self.factor - 1.0) * (np.array(record.values) - mean))

        return _change_samples(world, drafts, self.insiders, change)


@dataclass(frozen=True)
class SlowDrip:
    """Insiders drift away step by step and stop short of the clip radius.

    ``reach`` is the final shift in standard deviations per column.
    """

    reach: float = 0.5
    insiders: int = 1

    def apply(self, world: World, drafts: Drafts, rng: np.random.Generator) -> Drafts:
        """Shift that grows with time."""

        def change(record: Sample, period: int) -> Sample:
            return _moved(record, self.reach * world.scales * period / world.periods)

        return _change_samples(world, drafts, self.insiders, change)


@dataclass(frozen=True)
class SybilSources:
    """An outsider invents ``count`` sources and reports ``offset`` standard deviations away."""

    count: int = 20
    offset: float = 2.0

    def apply(self, world: World, drafts: Drafts, rng: np.random.Generator) -> Drafts:
        """Add a report of every invented source to every period."""
        step = self.offset * world.scales
        first = world.name(0)
        return drafts + tuple(
            replace(draft, source=f"sybil-{k}", record=_moved(draft.record, step))
            for draft in drafts
            if draft.source == first and isinstance(draft.record, Sample)
            for k in range(self.count)
        )


@dataclass(frozen=True)
class Forgery:
    """An outsider writes the names of honest sources on messages it cannot sign."""

    offset: float = 2.0
    share: float = 0.5

    def apply(self, world: World, drafts: Drafts, rng: np.random.Generator) -> Drafts:
        """Add forged reports."""
        step = self.offset * world.scales
        picked = rng.random(len(drafts)) < self.share
        return drafts + tuple(
            replace(draft, record=_moved(draft.record, step), genuine=False)
            for draft, chosen in zip(drafts, picked, strict=True)
            if chosen and isinstance(draft.record, Sample)
        )


@dataclass(frozen=True)
class Replay:
    """An outsider records genuine messages and sends the best ones again, ``times`` over.

    It picks the reports that lie highest, so that repeating them pulls the mean.
    """

    share: float = 0.1
    times: int = 5

    def apply(self, world: World, drafts: Drafts, rng: np.random.Generator) -> Drafts:
        """Add copies shortly after the originals."""
        height = np.array(
            [sum(d.record.values) if isinstance(d.record, Sample) else 0.0 for d in drafts]
        )
        edge = np.quantile(height, 1.0 - self.share)
        return tuple(
            replace(
                draft,
                copies=tuple(
                    draft.received + timedelta(seconds=1 + number) for number in range(self.times)
                ),
            )
            if tall > edge
            else draft
            for draft, tall in zip(drafts, height, strict=True)
        )


@dataclass(frozen=True)
class DelayedLabels:
    """Insiders report the returns of ``lag`` periods ago as if they were new."""

    lag: int = 5
    insiders: int = 2

    def apply(self, world: World, drafts: Drafts, rng: np.random.Generator) -> Drafts:
        """Replace each report by an old one under today's time."""
        old = {
            (draft.source, draft.period): draft.record
            for draft in drafts
            if isinstance(draft.record, Sample)
        }
        names = _insiders(world, self.insiders)
        return tuple(
            replace(
                draft,
                record=replace(
                    draft.record,
                    values=old[draft.source, max(0, draft.period - self.lag)].values,
                ),
            )
            if draft.source in names and isinstance(draft.record, Sample)
            else draft
            for draft in drafts
        )


@dataclass(frozen=True)
class Spoofing:
    """An insider shows ``size`` times the honest size on the bid, ``away`` spreads from it."""

    size: float = 50.0
    away: float = 20.0
    share: float = 0.5

    def apply(self, world: World, drafts: Drafts, rng: np.random.Generator) -> Drafts:
        """Replace a share of the last source's quotes."""
        name = world.name(world.sources - 1)
        picked = rng.random(len(drafts)) < self.share
        made = []
        for draft, chosen in zip(drafts, picked, strict=True):
            record = draft.record
            if chosen and draft.source == name and isinstance(record, Quote):
                ask = record.ask + self.away * (record.ask - record.bid)
                record = replace(record, ask=ask, bid_size=record.bid_size * self.size)
            made.append(replace(draft, record=record))
        return tuple(made)


@dataclass(frozen=True)
class QuoteStuffing:
    """An insider sends ``burst`` quotes at once in a share of the periods, pushed a little."""

    burst: int = 200
    push: float = 1.0
    share: float = 0.1

    def apply(self, world: World, drafts: Drafts, rng: np.random.Generator) -> Drafts:
        """Add bursts of the last source."""
        name = world.name(world.sources - 1)
        scales = world.scales / 100.0
        busy = rng.random(world.periods) < self.share
        added: list[Draft] = []
        for draft in drafts:
            record = draft.record
            if not (draft.source == name and busy[draft.period] and isinstance(record, Quote)):
                continue
            column = int(record.symbol[5:])
            for number in range(self.burst):
                factor = float(np.exp(self.push * scales[column] * (number + 1) / self.burst))
                added.append(
                    replace(
                        draft,
                        record=replace(
                            record,
                            time=record.time + timedelta(microseconds=number + 1),
                            bid=record.bid * factor,
                            ask=record.ask * factor,
                        ),
                        received=draft.received + timedelta(microseconds=number + 1),
                    )
                )
        return drafts + tuple(added)


@dataclass(frozen=True)
class StaleFeed:
    """Insiders freeze: they repeat their last report, with its old time or, lying, the new one."""

    insiders: int = 2
    after: float = 0.5
    lying: bool = False

    def apply(self, world: World, drafts: Drafts, rng: np.random.Generator) -> Drafts:
        """Replace everything after the freeze."""
        stop = int(self.after * world.periods)
        names = _insiders(world, self.insiders)
        last = {
            (draft.source, draft.record.symbol): draft.record
            for draft in drafts
            if draft.source in names and draft.period == stop
        }
        made = []
        for draft in drafts:
            if draft.source in names and draft.period > stop:
                record = last[draft.source, draft.record.symbol]
                if self.lying:
                    record = replace(record, time=draft.record.time)
                draft = replace(draft, record=record)
            made.append(draft)
        return tuple(made)


@dataclass(frozen=True)
class TimestampGames:
    """Insiders date their shifted reports ``ahead`` into the future or the past at random."""

    ahead: timedelta = 30 * PERIOD
    offset: float = 2.0
    insiders: int = 2

    def apply(self, world: World, drafts: Drafts, rng: np.random.Generator) -> Drafts:
        """Change times and values of every report of the insiders."""
        sign = rng.choice([-1, 1], world.periods)
        step = self.offset * world.scales

        def change(record: Sample, period: int) -> Sample:
            moved = _moved(record, step)
            return replace(moved, time=record.time + int(sign[period]) * self.ahead)

        return _change_samples(world, drafts, self.insiders, change)
