"""Replay of a scenario on a portfolio that is held, and on a strategy that reacts."""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from protection.contracts.errors import FixInput
from protection.risk.stress.scenario import MARKET, StressScenario


@dataclass(frozen=True, slots=True)
class Crossing:
    """A level of drawdown that was passed.

    Attributes
    ----------
    level : drawdown, positive
    step : index of the first step at which it was reached
    drawdown : drawdown there: how far beyond the level the step went
    """

    level: float
    step: int
    drawdown: float


@dataclass(frozen=True, slots=True)
class StressResult:
    """Answer of a replay.

    Attributes
    ----------
    scenario : its name
    equity : equity at each step's close, the first 1
    low : lowest equity at each step (every position at its own worst price of the step)
    worst : largest loss against the start, positive
    drawdown : largest fall from a close to a later low, positive
    worst_step : largest fall between two closes, positive
    crossings : the levels asked for that were passed, in order of level
    ruined : whether equity fell to nothing
    """

    scenario: str
    equity: tuple[float, ...]
    low: tuple[float, ...]
    worst: float
    drawdown: float
    worst_step: float
    crossings: tuple[Crossing, ...]
    ruined: bool


def levels_crossed(
    equity: Sequence[float], levels: Sequence[float], low: Sequence[float] | None = None
) -> tuple[Crossing, ...]:
    """Levels of drawdown that a path of equity passes, each at its first step.

    A gap may pass several at one step: all are told, so that the strongest can act at once.

    Parameters
    ----------
    equity : closes
    levels : drawdowns, positive
    low : lowest equity of each step; the closes when None

    Raises
    ------
    FixInput
        For a level that is not above 0.
    """
    if not all(level > 0.0 for level in levels):
        raise FixInput(f"expected levels above 0, was {list(levels)}")
    lows = equity if low is None else low
    peak = -math.inf
    found: dict[float, Crossing] = {}
    for step, (close, bottom) in enumerate(zip(equity, lows, strict=True)):
        peak = max(peak, close) if step == 0 else peak
        fall = 1.0 - bottom / peak if peak > 0.0 else 1.0
        for level in levels:
            if level not in found and fall >= level:
                found[level] = Crossing(level, step, fall)
        peak = max(peak, close)
    return tuple(found[level] for level in sorted(found))


def replay_portfolio(
    scenario: StressScenario,
    exposures: Mapping[str, float],
    *,
    betas: Mapping[str, float] | None = None,
    factors: Mapping[str, str] | None = None,
    levels: Sequence[float] = (),
    scale: float = 1.0,
) -> StressResult:
    """Hold a portfolio through a scenario without touching it.

    Each position follows its factor: its step return is beta times the factor's, never below
    -100%. At a step's low every long position stands at the factor's low and every short at its
    close: the worst moments of single positions are taken together.

    Parameters
    ----------
    scenario : the path
    exposures : signed value over equity by symbol; the rest is cash
    betas : sensitivity by symbol; 1 where none is given
    factors : factor of the scenario by symbol; the market where none is given
    levels : drawdowns to look for
    scale : every step return is multiplied by it (2: twice as bad)

    Raises
    ------
    FixInput
        For figures that are not finite, and factors the scenario does not have.
    """
    _finite("scale", scale)
    count = len(scenario.steps)
    close, low = [1.0] * count, [1.0] * count
    for symbol, exposure in exposures.items():
        _finite(f"exposure of {symbol}", exposure)
        beta = 1.0 if betas is None else betas.get(symbol, 1.0)
        _finite(f"beta of {symbol}", beta)
        closes, lows = scenario.factor(MARKET if factors is None else factors.get(symbol, MARKET))
        level = 1.0
        for step in range(1, count):
            base = closes[step - 1]
            bottom = level * max(0.0, 1.0 + scale * beta * (lows[step] / base - 1.0))
            level *= max(0.0, 1.0 + scale * beta * (closes[step] / base - 1.0))
            close[step] += exposure * (level - 1.0)
            low[step] += min(exposure * (bottom - 1.0), exposure * (level - 1.0))
    return _result(scenario.name, close, low, levels)


def replay_strategy(
    scenario: StressScenario,
    decide: Callable[[Sequence[float], float, float], float],
    *,
    start: float = 1.0,
    levels: Sequence[float] = (),
    cost: float = 0.0,
    scale: float = 1.0,
) -> StressResult:
    """Let a strategy react to a scenario, one step late.

    At each close ``decide(levels so far, equity, exposure)`` gives the exposure that is wanted; it
    is traded at that close, so a fall within a step is always met with the exposure from before
    it.

    Parameters
    ----------
    scenario : the path of the market
    decide : wanted value over equity, given the market's levels up to now, the equity and the
        present exposure
    start : exposure at the first step
    levels : drawdowns to look for
    cost : of one unit traded, a fraction; multiplied by the scenario's spread multiple
    scale : as in :func:`replay_portfolio`

    Raises
    ------
    FixInput
        When a decision is not finite.
    """
    _finite("start", start)
    closes, lows = scenario.closes, scenario.lows
    equity, held = 1.0, start
    close, low = [1.0], [1.0]
    for step in range(1, len(closes)):
        base = closes[step - 1]
        move = max(-1.0, scale * (closes[step] / base - 1.0))
        dip = max(-1.0, scale * (lows[step] / base - 1.0))
        bottom = equity * (1.0 + min(held * dip, held * move))
        value = equity * held * (1.0 + move)
        equity *= 1.0 + held * move
        close.append(equity)
        low.append(bottom)
        if equity <= 0.0:
            held = 0.0
            equity = min(equity, 0.0)
            continue
        held = value / equity
        wanted = decide(closes[: step + 1], equity, held)
        _finite("decision", wanted)
        equity -= abs(wanted - held) * equity * cost * scenario.spread
        held = wanted
    return _result(scenario.name, close, low, levels)


def _result(
    name: str, close: Sequence[float], low: Sequence[float], levels: Sequence[float]
) -> StressResult:
    peak, drawdown = close[0], 0.0
    for value, bottom in zip(close, low, strict=True):
        if peak > 0.0:
            drawdown = max(drawdown, 1.0 - bottom / peak)
        peak = max(peak, value)
    worst_step = 0.0
    for before, after in itertools.pairwise(close):
        if before > 0.0:
            worst_step = max(worst_step, 1.0 - after / before)
    return StressResult(
        name,
        tuple(close),
        tuple(low),
        max(0.0, 1.0 - min(low)),
        drawdown,
        worst_step,
        levels_crossed(close, levels, low),
        min(low) <= 0.0,
    )


def _finite(name: str, value: float) -> None:
    if not math.isfinite(value):
        raise FixInput(f"expected a finite {name}, was {value}")
