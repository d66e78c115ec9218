"""Walk-forward forecasts of EWMA, HAR and graph network, each made from the past alone.

At every refit the models see rows whose target was known by then: with a period of h observations
the last h rows are left out (purged). Between refits the coefficients stand still.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from protection.circuit_breakers.tuning.conformal import AdaptiveConformal
from protection.circuit_breakers.tuning.features import Floats, HarTable, har_table
from protection.circuit_breakers.tuning.graph import RegimeFilter, listening, node_features
from protection.circuit_breakers.tuning.har import LEVELS, HarQuantile
from protection.circuit_breakers.tuning.inference import forward
from protection.circuit_breakers.tuning.network import Panel, Training, train
from protection.risk.backtest.quantile import pinball

_DECAY = 0.94
_MARKET_FIELDS = 7


@dataclass(frozen=True, slots=True)
class Walk:
    """When models are fitted.

    Attributes
    ----------
    start : first observation that is forecast
    refit : observations between fits
    period : observations in the period that is forecast
    residuals : past residuals behind the quantiles of the EWMA model
    """

    start: int
    refit: int
    period: int
    residuals: int = 1000


def aligned(tables: Sequence[HarTable]) -> tuple[Floats, Floats, Floats]:
    """Stack tables of equal length: rows (T, N, 4), base (T, N), target (T, N)."""
    return (
        np.stack([table.features for table in tables], axis=1),
        np.stack([table.base for table in tables], axis=1),
        np.stack([table.target for table in tables], axis=1),
    )


def ewma_quantiles(table: HarTable, variance: Floats, walk: Walk) -> Floats:
    """Return (T, 3) quantiles: EWMA volatility plus quantiles of its own known residuals."""
    smooth = np.empty(len(variance))
    level = float(variance[: walk.period * 22].mean()) if len(variance) else 0.0
    for index, value in enumerate(variance):
        level = _DECAY * level + (1.0 - _DECAY) * float(value)
        smooth[index] = 0.5 * np.log(max(level, 1e-12))
    residual = table.target + table.base - smooth
    answer = np.full((len(variance), len(LEVELS)), np.nan)
    for now in range(walk.start, len(variance)):
        known = residual[max(now - walk.period - walk.residuals, 0) : now - walk.period + 1]
        known = known[np.isfinite(known)]
        answer[now] = smooth[now] - table.base[now] + np.quantile(known, LEVELS)
    return answer


def har_quantiles(table: HarTable, walk: Walk) -> Floats:
    """Return (T, 3) quantiles of the HAR regression, fitted again every ``walk.refit`` rows."""
    count = len(table.base)
    answer = np.full((count, len(LEVELS)), np.nan)
    for begin in range(walk.start, count, walk.refit):
        known = begin - walk.period + 1
        past = HarTable(table.features[:known], table.base[:known], table.target[:known])
        model = HarQuantile.fit([past])
        end = min(begin + walk.refit, count)
        answer[begin:end] = model.forecast(table.features[begin:end])
    return answer


def pooled_quantiles(tables: Sequence[HarTable], walk: Walk) -> Floats:
    """Return (T, N, 3) quantiles of one HAR regression for all assets of a class."""
    rows, _, target = aligned(tables)
    answer = np.full((*target.shape, len(LEVELS)), np.nan)
    for begin in range(walk.start, len(target), walk.refit):
        known = begin - walk.period + 1
        past = [
            HarTable(table.features[:known], table.base[:known], table.target[:known])
            for table in tables
        ]
        end = min(begin + walk.refit, len(target))
        answer[begin:end] = HarQuantile.fit(past).forecast(rows[begin:end])
    return answer


def market_states(base: Floats, rows: Floats, train_until: int) -> Floats:
    """Return (T, 7) market node states: the filtered regime; the book is not known here."""
    level = (base + rows[..., 1]).mean(axis=1)
    finite = np.isfinite(level)
    past = level[:train_until][finite[:train_until]]
    states = np.zeros((len(level), _MARKET_FIELDS))
    if len(past) > 1:
        regime = RegimeFilter.fit(past)
        states[finite, 4] = regime.filtered(level[finite])
        states[finite, 6] = 1.0
    return states


def graph_panel(
    returns: Floats, rows: Floats, base: Floats, target: Floats, until: int, window: int = 1000
) -> Panel:
    """Return the panel; edges and regime parameters come from observations before ``until``."""
    past = returns[max(until - window, 0) : until]
    with np.errstate(invalid="ignore", divide="ignore"):
        edges = listening(np.atleast_2d(np.corrcoef(past.T)))
    nodes = node_features(rows, market_states(base, rows, until))
    unknown = np.full(len(rows), np.nan)
    return Panel(nodes, rows, edges, target, unknown, unknown)


def graph_quantiles(
    returns: Floats, tables: Sequence[HarTable], walk: Walk, training: Training
) -> Floats:
    """Return (T, N, 3) quantiles of the graph network, trained anew at every refit."""
    rows, base, target = aligned(tables)
    answer = np.full((*target.shape, len(LEVELS)), np.nan)
    for begin in range(walk.start, len(target), walk.refit):
        known = begin - walk.period + 1
        panel = graph_panel(returns, rows, base, target, known)
        past = Panel(
            panel.nodes[:known],
            panel.rows[:known],
            panel.edges,
            panel.volatility[:known],
            panel.latency[:known],
            panel.imbalance[:known],
        )
        weights = train(past, training)
        for now in range(begin, min(begin + walk.refit, len(target))):
            answer[now] = forward(weights, panel.nodes[now], panel.edges, rows[now])["volatility"]
    return answer


def losses(target: Floats, quantiles: Floats) -> Floats:
    """Return (..., 3) pinball losses of forecasts (..., 3) of targets (...)."""
    rest = target[..., None] - quantiles
    return np.stack([pinball(rest[..., k], level) for k, level in enumerate(LEVELS)], axis=-1)


def false_alarms(
    target: Floats, quantile: Floats, alpha: float, period: int, gamma: float = 0.005
) -> Floats:
    """Return for each forecast whether its calibrated threshold was crossed; NaN where none was.

    Parameters
    ----------
    target : (T,) outcomes
    quantile : (T,) forecasts of the quantile at ``1 - alpha`` or near it
    alpha : wanted share of crossings
    period : observations until an outcome is known
    gamma : step of the adaptive level
    """
    calibration = AdaptiveConformal(alpha, gamma)
    thresholds = np.full(len(target), np.nan)
    crossed = np.full(len(target), np.nan)
    for now in range(len(target)):
        known = now - period
        if known >= 0 and np.isfinite(thresholds[known]) and np.isfinite(target[known]):
            counted = calibration.calibrated
            hit = calibration.update(target[known] - quantile[known], thresholds[known])
            if counted:
                crossed[known] = hit
        if np.isfinite(quantile[now]):
            score = calibration.threshold()
            thresholds[now] = score if np.isfinite(score) else np.finfo(float).max
    return crossed


def daily_tables(returns: Floats, period: int) -> list[HarTable]:
    """Return one table per column of (T, N) returns."""
    return [har_table(returns[:, asset], period=period) for asset in range(returns.shape[1])]
