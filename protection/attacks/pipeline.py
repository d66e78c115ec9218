"""The way from messages to an estimate, with the layers of the defence one after the other."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from protection.admission import Admission, AdmissionSettings, Admitted, Envelope, Sample
from protection.attacks.world import World, figure
from protection.contracts.clock import ManualClock
from protection.estimation import StreamingMoments
from protection.gating import Anchor, GateSettings, Standing, corridor

Array = NDArray[np.float64]
Messages = Sequence[tuple[Envelope, int]]

LAYERS = ("none", "admission", "robust", "gate")
"""Each layer works on what the one before it lets through."""


@dataclass(frozen=True, slots=True)
class Estimate:
    """Mean and covariance of one period's returns, in percent."""

    location: Array
    covariance: Array


@dataclass(slots=True)
class Passage:
    """What happened on the way.

    Attributes
    ----------
    estimates : by layer
    outcomes : of the admission
    excluded : sources that the gate left out
    standing : of the final candidate
    """

    estimates: dict[str, Estimate] = field(default_factory=dict)
    outcomes: Counter[str] = field(default_factory=Counter)
    excluded: tuple[str, ...] = ()
    standing: str = ""


def admit(
    world: World, messages: Messages, settings: AdmissionSettings | None = None
) -> tuple[list[tuple[Envelope, int]], Counter[str]]:
    """Messages that pass the door (freed ones included), and the door's counts."""
    clock = ManualClock(world.time(-2))
    door = Admission(world.registry(), settings, clock=clock)
    passed: list[tuple[Envelope, int]] = []
    periods: dict[int, int] = {}
    for envelope, period in messages:
        if envelope.received is not None and envelope.received > clock.now():
            clock.set(envelope.received)
        outcome = door.decide(envelope)
        if isinstance(outcome, Admitted):
            passed.append((envelope, period))
            passed += [(freed.envelope, periods[id(freed.envelope)]) for freed in door.drain()]
        else:
            periods[id(envelope)] = period
    return passed, Counter(door.counters)


def rows_of(world: World, messages: Messages) -> Array:
    """What somebody sees who trusts everything: one row a report, or returns of average prices.

    Returns
    -------
    array
        (m, p) in percent. Prices are averaged over all messages of a period by their size, and
        carried over where nothing came.
    """
    if world.kind == "samples":
        return np.array(
            [e.record.values for e, _ in messages if isinstance(e.record, Sample)], dtype=float
        )
    total = np.zeros((2, world.periods, world.columns))
    for envelope, period in messages:
        price, size = figure(envelope.record)
        column = int(envelope.record.symbol[5:])
        total[0, period, column] += price * size
        total[1, period, column] += size
    with np.errstate(invalid="ignore", divide="ignore"):
        return _returns(total[0] / total[1])


def panel_of(world: World, messages: Messages) -> Array:
    """Every source's own report: (sources, periods, p), NaN where it said nothing.

    The last message of a source about a period counts.
    """
    panel = np.full((world.sources, world.periods, world.columns), np.nan)
    for envelope, period in messages:
        source = int(envelope.source.rpartition("-")[2])
        record = envelope.record
        if isinstance(record, Sample):
            panel[source, period] = record.values
        else:
            middle = record.price if hasattr(record, "price") else 0.5 * (record.bid + record.ask)  # type: ignore[union-attr]
            panel[source, period, int(record.symbol[5:])] = middle
    return panel


def _returns(prices: Array) -> Array:
    """Returns in percent from the second period on; missing prices are carried over."""
    filled = prices.copy()
    for t in range(1, len(filled)):
        gap = np.isnan(filled[t])
        filled[t, gap] = filled[t - 1, gap]
    steps = np.diff(np.log(filled), axis=0) * 100.0
    kept: Array = steps[np.isfinite(steps).all(axis=1)]
    return kept


def consensus_of(world: World, panel: Array) -> Array:
    """Rows that most sources agree on: the median over the sources, column by column."""
    heard = ~np.isnan(panel).all(axis=0).any(axis=1)
    middle = np.full(panel.shape[1:], np.nan)
    middle[heard] = np.nanmedian(panel[:, heard], axis=0)
    if world.kind == "samples":
        rows: Array = middle[heard]
        return rows
    return _returns(middle)


def bounded(rows: Array, anchor: Anchor) -> Estimate:
    """Streaming mean and covariance with bounded influence, in the frame of the anchor."""
    stream = StreamingMoments(anchor.model.location, anchor.model.covariance)
    stream.extend(rows)
    return Estimate(stream.location, stream.covariance)


def vetted(world: World, panel: Array, anchor: Anchor, settings: GateSettings) -> tuple[str, ...]:
    """Sources whose own reports leave the corridor, the false-alarm rate shared among them."""
    chance = settings.false_alarm / world.sources
    each = GateSettings.from_dict(
        {
            **settings.to_dict(),
            "false_alarm": chance,
            "draws": max(settings.draws, int(np.ceil(1.0 / chance))),
        }
    )
    left_out = []
    for source in range(world.sources):
        own = panel[source]
        rows = own[~np.isnan(own).any(axis=1)] if world.kind == "samples" else _returns(own)
        if len(rows) < 2 or (rows.std(axis=0) == 0.0).any():
            left_out.append(world.name(source))
            continue
        if corridor(rows, anchor, each, seed=source).standing is Standing.REJECT:
            left_out.append(world.name(source))
    return tuple(left_out)


def run(
    world: World,
    messages: Messages,
    admission: AdmissionSettings | None = None,
    gate: GateSettings | None = None,
) -> Passage:
    """Take messages through all layers; an estimate after each."""
    settings = gate if gate is not None else GateSettings()
    anchor = Anchor(world.anchor, {"world": world.seed})
    passage = Passage()
    passage.estimates["none"] = moments(rows_of(world, messages))
    passed, passage.outcomes = admit(world, messages, admission)
    passage.estimates["admission"] = moments(rows_of(world, passed))
    panel = panel_of(world, passed)
    passage.estimates["robust"] = bounded(consensus_of(world, panel), anchor)
    passage.excluded = vetted(world, panel, anchor, settings)
    kept = [s for s in range(world.sources) if world.name(s) not in passage.excluded]
    final = Estimate(anchor.model.location, anchor.model.covariance)
    if kept:
        rows = consensus_of(world, panel[kept])
        found = corridor(rows, anchor, settings)
        passage.standing = found.standing.value
        if found.passed:
            final = bounded(rows, anchor)
    passage.estimates["gate"] = final
    return passage


def moments(rows: Array) -> Estimate:
    """Sample mean and covariance."""
    return Estimate(rows.mean(axis=0), np.atleast_2d(np.cov(rows.T)))
