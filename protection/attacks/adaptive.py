"""Adversaries that know everything: the configuration, the golden set, even the seeds."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from protection.admission import Sample
from protection.attacks.pipeline import panel_of, vetted
from protection.attacks.world import Drafts, World, deliver
from protection.gating import Anchor, GateSettings

Array = NDArray[np.float64]


@dataclass(frozen=True)
class AdaptiveInsider:
    """Moves its reports as far as the gate lets it, found by bisection against the real gate.

    Parameters
    ----------
    insiders : compromised sources
    farthest : largest shift considered, in standard deviations per column
    steps : halvings of the search
    """

    insiders: int = 1
    farthest: float = 2.0
    steps: int = 7

    def shift(self, world: World, drafts: Drafts) -> float:
        """Largest shift found with which no compromised source is left out."""
        anchor, settings = Anchor(world.anchor, {"world": world.seed}), GateSettings()
        honest = panel_of(world, deliver(drafts))
        mine = range(world.sources - self.insiders, world.sources)
        names = {world.name(source) for source in mine}
        low, high = 0.0, self.farthest
        for _ in range(self.steps):
            middle = (low + high) / 2.0
            panel = honest.copy()
            for source in mine:
                panel[source] += middle * world.scales
            if names & set(vetted(world, panel, anchor, settings)):
                high = middle
            else:
                low = middle
        return low

    def apply(self, world: World, drafts: Drafts, rng: np.random.Generator) -> Drafts:
        """Shift every report of the insiders by what was found."""
        step = self.shift(world, drafts) * world.scales
        names = {world.name(world.sources - 1 - k) for k in range(self.insiders)}
        return tuple(
            replace(
                draft,
                record=replace(
                    draft.record,
                    values=tuple(
                        float(v + s) for v, s in zip(draft.record.values, step, strict=True)
                    ),
                ),
            )
            if draft.source in names and isinstance(draft.record, Sample)
            else draft
            for draft in drafts
        )


@dataclass(frozen=True, slots=True)
class SearchResult:
    """Outcome of an adversarial search.

    Attributes
    ----------
    tries : behaviours tried
    location, covariance : largest moves found, each over its bound: above 1 would break law 10
    """

    tries: int
    location: float
    covariance: float


def search_influence(
    make: Callable[[], Any],
    honest: Array,
    sources: list[str],
    *,
    tries: int = 10_000,
    seed: int = 0,
) -> SearchResult:
    """Look for behaviour of one source that moves a bounded estimate beyond its bound.

    Half of the tries are drawn at random (directions, sizes up to 1e12, weights, times, numbers
    of messages, alternating poles), half vary the best one found so far. A move is measured
    between the tried behaviour and the most distant one before it.

    Parameters
    ----------
    make : gives a fresh estimator: ``extend(rows, times=, weights=, sources=)``, ``location``,
        ``covariance``, ``frame`` and ``influence_bound()``, as ``StreamingMoments``
    honest : (n, p) observations of the other sources
    sources : (n,) who sent them
    tries, seed : of the search
    """
    rng = np.random.default_rng(seed)
    n, p = honest.shape
    white = np.linalg.inv(np.linalg.cholesky(make().frame[1]))
    quiet = _estimate(make, honest, sources, np.zeros((0, p)), np.zeros(0), np.zeros(0))
    poles = [quiet]
    worst = [0.0, 0.0]
    best: tuple[Array, Array, Array] | None = None
    for number in range(tries):
        if best is None or number % 2 == 0:
            move = _behaviour(rng, n, p)
        else:
            move = _variation(rng, best)
        found = _estimate(make, honest, sources, *move)
        for other in poles:
            gap = float(np.linalg.norm(white @ (found[0] - other[0]))) / found[2]
            change = white @ (found[1] - other[1]) @ white.T
            spread = float(np.abs(np.linalg.eigvalsh((change + change.T) / 2.0)).max()) / found[3]
            if gap > worst[0]:
                worst[0], best = gap, move
                if len(poles) < 4:
                    poles.append(found)
                else:
                    poles[1 + number % 3] = found
            worst[1] = max(worst[1], spread)
    return SearchResult(tries, worst[0], worst[1])


def _estimate(
    make: Callable[[], Any],
    honest: Array,
    sources: list[str],
    rows: Array,
    weights: Array,
    times: Array,
) -> tuple[Array, Array, float, float]:
    stream = make()
    count = len(rows)
    stream.extend(
        np.vstack([honest, rows]),
        times=np.concatenate([np.arange(len(honest), dtype=float), times]),
        weights=np.concatenate([np.ones(len(honest)), weights]),
        sources=[*sources, *(["adversary"] * count)],
    )
    bound = stream.influence_bound()
    return stream.location, stream.covariance, bound.location, bound.covariance


def _behaviour(rng: np.random.Generator, n: int, p: int) -> tuple[Array, Array, Array]:
    count = int(rng.integers(1, 40))
    along = rng.standard_normal(p)
    rows = np.tile(along / np.linalg.norm(along), (count, 1))
    if rng.random() < 0.3:
        rows[:: int(rng.integers(2, 4))] *= -1.0
    if rng.random() < 0.3:
        rows += rng.standard_normal((count, p)) * rng.random()
    rows *= 10.0 ** rng.uniform(-1, 12)
    weights = 10.0 ** rng.uniform(-6, 6, count)
    times = rng.uniform(-n, 3 * n, count)
    return rows, weights, times


def _variation(
    rng: np.random.Generator, best: tuple[Array, Array, Array]
) -> tuple[Array, Array, Array]:
    rows, weights, times = best
    size = float(np.abs(rows).max())
    return (
        rows + rng.standard_normal(rows.shape) * size * 10.0 ** rng.uniform(-4, 0),
        weights * 10.0 ** rng.uniform(-1, 1, weights.shape),
        times + rng.standard_normal(times.shape) * 10.0 ** rng.uniform(-1, 2),
    )
