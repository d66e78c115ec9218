"""What an attack does to the mean, the covariance, the positions and the money."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from protection.admission import AdmissionSettings
from protection.attacks.adversaries import Adversary
from protection.attacks.pipeline import LAYERS, Estimate, rows_of, run
from protection.attacks.world import World, deliver
from protection.gating import GateSettings

Array = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Impact:
    """Change that an attack makes, against the same estimator on the honest messages.

    Attributes
    ----------
    name : layer or estimator
    mean : largest change of a column's mean, in standard errors of the clean mean
    covariance : largest distance from 1 of a generalised eigenvalue, attacked against clean
    weights : change of the mean-variance weights over their gross size
    pnl : change of the backtest's profit over the clean profit, in absolute value
    """

    name: str
    mean: float
    covariance: float
    weights: float
    pnl: float


@dataclass(frozen=True, slots=True)
class ImpactReport:
    """Impacts by layer and by estimator.

    Attributes
    ----------
    layers : ``none``, ``admission``, ``robust``, ``gate``: each with all the layers before it
    peers : other estimators on everything that was sent
    outcomes : what the admission did with the attacked messages
    excluded : sources the gate left out; ``standing`` of the final candidate
    """

    layers: tuple[Impact, ...]
    peers: tuple[Impact, ...]
    outcomes: dict[str, int]
    excluded: tuple[str, ...]
    standing: str

    def __getitem__(self, name: str) -> Impact:
        """Impact of a layer or estimator by name."""
        for impact in (*self.layers, *self.peers):
            if impact.name == name:
                return impact
        raise KeyError(name)

    def table(self) -> str:
        """Lines for people."""
        head = f"{'':12} {'mean, s.e.':>11} {'cov':>8} {'weights':>9} {'P&L':>9}"
        lines = [
            f"{i.name:12} {i.mean:11.3f} {i.covariance:8.3f} {i.weights:9.2%} {i.pnl:9.2%}"
            for i in (*self.layers, *self.peers)
        ]
        return "\n".join([head, *lines])


def positions(estimate: Estimate) -> Array:
    """Mean-variance weights of gross size 1."""
    raw = np.linalg.solve(estimate.covariance, estimate.location)
    weights: Array = raw / np.abs(raw).sum()
    return weights


def compare_estimates(name: str, clean: Estimate, attacked: Estimate, world: World) -> Impact:
    """Impact of going from one estimate to the other."""
    errors = np.sqrt(np.diag(clean.covariance) / world.periods)
    lower = np.linalg.cholesky(clean.covariance)
    white = np.linalg.solve(lower, np.linalg.solve(lower, attacked.covariance).T)
    values = np.linalg.eigvalsh((white + white.T) / 2.0)
    before, after = positions(clean), positions(attacked)
    profits = world.future.sum(axis=0) @ np.array([before, after]).T
    return Impact(
        name,
        float(np.abs((attacked.location - clean.location) / errors).max()),
        float(np.abs(values - 1.0).max()),
        float(np.abs(after - before).sum()),
        float(abs(profits[1] - profits[0]) / abs(profits[0])),
    )


def measure_impact(
    world: World,
    adversary: Adversary,
    *,
    seed: int = 0,
    admission: AdmissionSettings | None = None,
    gate: GateSettings | None = None,
    peers: bool = True,
) -> ImpactReport:
    """Send honest and attacked messages through the same layers and compare.

    Parameters
    ----------
    world : truth and honest sources
    adversary : what is done to their messages
    seed : of the adversary
    admission, gate : settings of the layers; the defaults when None
    peers : whether to add Ledoit-Wolf and the minimum covariance determinant of scikit-learn,
        where it is installed, on everything that was sent
    """
    honest = world.drafts()
    rng = np.random.default_rng([world.seed, seed, 3])
    clean = deliver(honest)
    dirty = deliver(adversary.apply(world, honest, rng))
    before, after = run(world, clean, admission, gate), run(world, dirty, admission, gate)
    layers = tuple(
        compare_estimates(name, before.estimates[name], after.estimates[name], world)
        for name in LAYERS
    )
    others: tuple[Impact, ...] = ()
    if peers:
        rows, spoiled = rows_of(world, clean), rows_of(world, dirty)
        others = tuple(
            compare_estimates(name, estimator(rows), estimator(spoiled), world)
            for name, estimator in peer_estimators().items()
        )
    return ImpactReport(layers, others, dict(after.outcomes), after.excluded, after.standing)


def peer_estimators() -> dict[str, Callable[[Array], Estimate]]:
    """Estimators of scikit-learn by name; empty without it."""
    try:
        from sklearn.covariance import LedoitWolf, MinCovDet
    except ImportError:
        return {}

    def shrunk(rows: Array) -> Estimate:
        found = LedoitWolf().fit(rows)
        return Estimate(found.location_, found.covariance_)

    def determinant(rows: Array) -> Estimate:
        found = MinCovDet(random_state=0).fit(rows)
        return Estimate(found.location_, found.covariance_)

    return {"LedoitWolf": shrunk, "MinCovDet": determinant}
