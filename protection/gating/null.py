"""What the corridor's figures look like when nothing has changed, at the very p and n."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from protection.gating.anchor import Model
from protection.gating.dynamics import Dynamics, fit
from protection.gating.dynamics_kernel import path, simulate
from protection.gating.gauss import compare

Array = NDArray[np.float64]
Estimator: TypeAlias = Callable[[Array], tuple[Any, Any]]

NAMES = ("drift", "spectrum", "divergence", "anomaly")
_BURN = 150
_POOL = 16


@dataclass(frozen=True, slots=True)
class Draws:
    """Simulated figures under "nothing has changed".

    Attributes
    ----------
    figures : (4, draws) drift, largest distance of an eigenvalue from 1, divergence, and largest
        distance of an anchor row under the candidate over the same under the anchor, squared
    dynamics : serial dependence they were drawn with
    """

    figures: Array
    dynamics: Dynamics


def permuted(
    anchor: Array, candidate: Array, draws: int, seed: int, estimator: Estimator | None = None
) -> Draws:
    """Null draws from the rows themselves.

    The rows of both samples, freed of their serial dependence (:func:`~.dynamics.fit`), change
    places at random, get the dependence back, and are split and compared as the real ones are.
    For independent rows this is the permutation test: exact in level whatever the distribution,
    p and n. Under dependence it is as good as the fitted AR(1)-GARCH(1,1).
    """
    rows = np.ascontiguousarray(np.vstack([anchor, candidate]))
    split, count = len(anchor), len(rows)
    dynamics = fit(rows, split)
    rng = np.random.default_rng(seed)
    order = rng.permuted(np.tile(np.arange(count), (draws, 1)), axis=1)
    burn = 0 if dynamics.independent else _BURN
    warm = rng.integers(0, count, (draws, 2 * burn))
    first = np.ascontiguousarray(np.hstack([warm[:, :burn], order[:, :split]]))
    second = np.ascontiguousarray(np.hstack([warm[:, burn:], order[:, split:]]))
    return Draws(_run(dynamics, dynamics.shocks, first, second, burn, estimator), dynamics)


def imagined(anchor: Array, candidate_rows: int, draws: int, seed: int) -> Draws:
    """Null draws for a candidate of which only the model and the number of rows are known.

    New rows are drawn as elliptical: radii of the anchor's own residuals, directions at random,
    with the anchor's serial dependence. Good for sample moments and for what is close to them.
    """
    count, p = anchor.shape
    dynamics = fit(anchor, count)
    shocks = dynamics.shocks
    centred = shocks - shocks.mean(axis=0)
    lower = np.linalg.cholesky(np.atleast_2d(np.cov(centred.T)))
    white = np.linalg.solve(lower, centred.T).T
    radii = np.sqrt((white * white).sum(axis=1))
    radii *= math.sqrt(p) / math.sqrt(float((radii * radii).mean()))
    rng = np.random.default_rng(seed)
    size = _POOL * (count + candidate_rows)
    pool = rng.standard_normal((size, p))
    pool *= (rng.choice(radii, size) / np.sqrt((pool * pool).sum(axis=1)))[:, None]
    burn = 0 if dynamics.independent else _BURN
    starts = rng.integers(0, size, (draws, 1))
    first = (starts + np.arange(burn + count)) % size
    second = (starts + burn + count + np.arange(burn + candidate_rows)) % size
    return Draws(_run(dynamics, np.ascontiguousarray(pool), first, second, burn, None), dynamics)


def _run(
    dynamics: Dynamics,
    shocks: Array,
    first: Any,
    second: Any,
    burn: int,
    estimator: Estimator | None,
) -> Array:
    draws, p = len(first), shocks.shape[1]
    own, common, keep = dynamics.own, dynamics.common, dynamics.keep
    if estimator is None:
        drift, anomaly = np.empty(draws), np.empty(draws)
        whitened = np.empty((draws, p, p))
        simulate(
            shocks, first, second, burn, dynamics.carry, own, common, keep, drift, whitened, anomaly
        )
        good = np.isfinite(drift)
        values = np.linalg.eigvalsh(whitened[good])
        return np.array(
            [
                np.sqrt(drift[good]),
                np.abs(values - 1.0).max(axis=1),
                0.5 * ((values - 1.0 - np.log(values)).sum(axis=1) + drift[good]),
                anomaly[good],
            ]
        )
    figures = np.empty((4, draws))
    before, after = (
        np.empty((first.shape[1] - burn, p)),
        np.empty((second.shape[1] - burn, p)),
    )
    for b in range(draws):
        path(shocks, first[b], burn, dynamics.carry, own, common, keep, before)
        path(shocks, second[b], burn, dynamics.carry, own, common, keep, after)
        figures[:, b] = figures_of(before, model_by(estimator, after), model_by(estimator, before))
    return figures


def model_by(estimator: Estimator | None, rows: Array) -> Model:
    """Model of rows by an estimator, or sample moments."""
    if estimator is None:
        return Model.of(rows)
    location, covariance = estimator(rows)
    return Model(location, covariance, float(len(rows)))


def figures_of(anchor_rows: Array, candidate: Model, anchor: Model) -> tuple[float, ...]:
    """The four figures of a candidate model, as in :class:`Draws`."""
    drift, values, divergence = compare(
        candidate.location, candidate.covariance, anchor.location, anchor.covariance
    )
    spectrum = float(np.abs(values - 1.0).max())
    own = _largest(anchor_rows, anchor)
    other = _largest(anchor_rows, candidate) if values.min() > 0.0 else math.inf
    return drift, spectrum, divergence, other / own


def _largest(rows: Array, model: Model) -> float:
    lower = np.linalg.cholesky(model.covariance)
    solved = np.linalg.solve(lower, (rows - model.location).T)
    return float((solved * solved).sum(axis=0).max())


def chances(figures: tuple[float, ...], draws: Array) -> tuple[list[float], float]:
    """Chance of a figure at least as large, adjusted for asking several questions at once.

    Returns
    -------
    list, float
        One adjusted chance per figure, and the chance that any figure of a clean candidate is as
        unusual as the most unusual one here (step-down of the smallest rank, Westfall and Young
        1993; ties are told apart by the next smallest).
    """
    table = np.hstack([np.array(figures)[:, None], draws])
    ranks = np.array(
        [np.searchsorted(np.sort(-row), -row, side="right") / table.shape[1] for row in table]
    )
    raw = ranks[:, 0]
    ordered = np.sort(ranks, axis=0)
    key = sum(10.0 ** (-4 * level) * ordered[level] for level in range(min(3, len(ordered))))
    overall = float((key <= key[0] + 1e-15).mean())
    single = [float((ordered[0] <= value).mean()) for value in raw]
    single[int(np.argmin(raw))] = overall
    return single, overall
