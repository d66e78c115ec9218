"""Candidate against anchor: four figures, their limits, and what noise alone would do."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from typing import Any

import numpy as np

from protection.contracts.errors import FixInput
from protection.contracts.gating_settings import GateSettings
from protection.gating.anchor import Anchor, Model, as_rows
from protection.gating.gauss import compare, noise_of
from protection.gating.null import (
    NAMES,
    Draws,
    Estimator,
    chances,
    figures_of,
    imagined,
    model_by,
    permuted,
)


class Standing(Enum):
    """Where a candidate stands."""

    PASS = "pass"  # noqa: S105
    WARN = "warn"
    REJECT = "reject"
    INSUFFICIENT = "insufficient data"


@dataclass(frozen=True, slots=True)
class Check:
    """One figure of the corridor.

    Attributes
    ----------
    name : ``drift``, ``spectrum``, ``divergence`` or ``anomaly``
    value, limit : figure and configured limit; for ``anomaly`` the share of anchor rows
    quantile : what clean data exceed with the configured false-alarm rate, for this figure alone;
        NaN for ``anomaly``, whose null is that of the largest distance
    chance : probability of such a figure from clean data, adjusted for the four questions
    beyond : over the limit
    significant : ``chance`` at most the false-alarm rate
    """

    name: str
    value: float
    limit: float
    quantile: float
    chance: float
    beyond: bool
    significant: bool

    @property
    def alarm(self) -> bool:
        """Over the limit, and not explained by noise."""
        return self.beyond and self.significant

    def __str__(self) -> str:
        state = "alarm" if self.alarm else "within noise" if self.beyond else "ok"
        figure = f"{self.name} {self.value:.4g} (limit {self.limit:g}"
        return f"{figure}, chance {self.chance:.3f}): {state}"


@dataclass(frozen=True, slots=True)
class Corridor:
    """Verdict on one candidate.

    Attributes
    ----------
    standing : PASS, WARN (only the divergence, between its two limits), REJECT, INSUFFICIENT
    checks : the four figures; empty when there is too little data
    eigenvalues : smallest and largest generalised eigenvalue
    corrected : divergence less what independent Gaussian rows show on average
    overall : chance that clean data look as unusual in any of the four; 1 without checks
    reason : one sentence
    rows, anchor_rows, p : sizes the null distribution was taken at
    """

    standing: Standing
    checks: tuple[Check, ...]
    eigenvalues: tuple[float, float]
    corrected: float
    overall: float
    reason: str
    rows: float
    anchor_rows: int
    p: int

    @property
    def passed(self) -> bool:
        """Whether the candidate may become the model: PASS or WARN."""
        return self.standing in (Standing.PASS, Standing.WARN)

    def check(self, name: str) -> Check:
        """The check of this name.

        Raises
        ------
        FixInput
            When there is none.
        """
        for check in self.checks:
            if check.name == name:
                return check
        raise FixInput(f"expected one of {', '.join(NAMES)}, was {name!r}: {self.reason}")


def minimum_rows(p: int, settings: GateSettings) -> int:
    """Rows below which neither anchor nor candidate is judged."""
    return max(settings.minimum_rows, settings.rows_per_column * p)


def corridor(
    candidate: Any,
    anchor: Anchor | Any,
    settings: GateSettings | None = None,
    *,
    seed: int = 0,
    estimator: Estimator | None = None,
    null: Draws | None = None,
) -> Corridor:
    """Hold a candidate against an anchor.

    A check alarms when its figure is over its limit **and** larger than noise makes it: the
    chance of it under the null distribution at the actual p and n, adjusted for asking four
    questions, is at most ``settings.false_alarm``.

    Parameters
    ----------
    candidate : rows (n, p) in time order, or a :class:`~protection.gating.Model`. With rows the
        null distribution is that of the rows themselves (permutation, serial dependence put
        back); with a model only it is simulated from the anchor's radii
    anchor : :class:`~protection.gating.Anchor`, or rows for one
    settings : limits; the defaults when None
    seed : of the simulation
    estimator : rows to (location, covariance), where sample moments are not what is published;
        used for anchor, candidate and every draw
    null : draws made before for the same anchor and number of rows (model candidates)

    Raises
    ------
    FixInput
        For impossible rows, another number of columns, or a singular anchor.
    """
    settings = settings if settings is not None else GateSettings()
    if not isinstance(anchor, Anchor):
        anchor = Anchor(anchor, rate=settings.anomaly)
    p = anchor.p
    rows = None if isinstance(candidate, Model) else as_rows(candidate, p)
    if rows is None and candidate.p != p:
        raise FixInput(f"expected {p} columns as in the anchor, was {candidate.p}")
    count = float(candidate.rows) if rows is None else float(len(rows))
    need = minimum_rows(p, settings)
    if min(count, anchor.n) < need:
        return Corridor(
            Standing.INSUFFICIENT,
            (),
            (np.nan, np.nan),
            np.nan,
            1.0,
            f"insufficient data: {min(count, anchor.n):g} rows, {need} needed for {p} columns",
            count,
            anchor.n,
            p,
        )
    if rows is None:
        model, reference = candidate, anchor.model
        if null is None:
            null = imagined(anchor.rows, int(count), settings.draws, seed)
    else:
        model = model_by(estimator, rows)
        reference = model_by(estimator, anchor.rows)
        null = permuted(anchor.rows, rows, settings.draws, seed, estimator)
    return _judge(model, reference, anchor, settings, null, count)


def _judge(
    model: Model,
    reference: Model,
    anchor: Anchor,
    settings: GateSettings,
    null: Draws,
    count: float,
) -> Corridor:
    p, alpha = anchor.p, settings.false_alarm
    drift, values, divergence = compare(
        model.location, model.covariance, reference.location, reference.covariance
    )
    figures = figures_of(anchor.rows, model, reference)
    single, overall = chances(figures, null.figures)
    share = _anomalies(anchor, model) if values.min() > 0.0 else 1.0
    shown = (drift, figures[1], divergence, share)
    limits = (settings.drift, settings.spectrum, settings.divergence_warn, settings.anomaly)
    checks = []
    for place, name in enumerate(NAMES):
        quantile = (
            float("nan")
            if name == "anomaly"
            else float(np.quantile(null.figures[place], 1.0 - alpha, method="higher"))
        )
        checks.append(
            Check(
                name,
                shown[place],
                limits[place],
                quantile,
                single[place],
                shown[place] > limits[place],
                single[place] <= alpha,
            )
        )
    alarms = [check for check in checks if check.alarm]
    hard = [
        check for check in alarms if check.name != "divergence" or check.value > settings.divergence
    ]
    standing = Standing.REJECT if hard else Standing.WARN if alarms else Standing.PASS
    told = alarms or [check for check in checks if check.beyond]
    reason = "; ".join(str(check) for check in told) or "inside every limit"
    return Corridor(
        standing,
        tuple(checks),
        (float(values[0]), float(values[-1])),
        divergence - noise_of(p, count, anchor.n),
        overall,
        reason,
        count,
        anchor.n,
        p,
    )


def _anomalies(anchor: Anchor, model: Model) -> float:
    """Share of the anchor's rows that the candidate places beyond the anchor's radius."""
    lower = np.linalg.cholesky(model.covariance)
    solved = np.linalg.solve(lower, (anchor.rows - model.location).T)
    return float(((solved * solved).sum(axis=0) > anchor.radius**2).mean())
