"""What each drawdown rule delivers on SPY 1999-2021: the figures measured before this was built.

Decision at the close, trade at the next open, 5 basis points per unit traded, no interest on
cash, trades of less than 2% of the equity left out. Factor-adjusted daily prices of LEAN's sample.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, date, datetime

import numpy as np
import pytest

from protection.circuit_breakers.machine import Breaker, BreakerRule
from protection.contracts.actions import Action
from protection.contracts.settings import CushionSettings
from protection.risk.drawdown import DrawdownAccount, DrawdownReading
from protection.risk.policy import CushionPolicy

Bars = list[tuple[date, float, float]]
Rule = Callable[[DrawdownReading, datetime, float], float]
COST = 5e-4
BAND = 0.02


@dataclass(frozen=True)
class Outcome:
    cagr: float
    volatility: float
    lifetime: float
    window: float
    exposure: float


def run(bars: Bars, rule: Rule) -> Outcome:
    account = DrawdownAccount(sessions=252)
    wealth, held, target, last = 1.0, 0.0, 1.0, 0.0
    curve, exposures, readings = [], [], []
    for day, open_, close in bars:
        if last:
            gap = 1.0 + held * (open_ / last - 1.0)
            wealth, held = wealth * gap, held * (open_ / last) / gap
            if abs(target - held) > BAND:
                wealth *= 1.0 - COST * abs(target - held)
                held = target
            move = 1.0 + held * (close / open_ - 1.0)
            wealth, held = wealth * move, held * (close / open_) / move
        last = close
        time = datetime(day.year, day.month, day.day, 21, tzinfo=UTC)
        reading, _ = account.update(time, wealth, day)
        target = rule(reading, time, held)
        readings.append(reading)
        curve.append(wealth)
        exposures.append(target)
    steps = np.diff(np.log(curve))
    simple = np.expm1(steps)
    return Outcome(
        curve[-1] ** (252 / len(curve)) - 1.0,
        float(simple.std() * np.sqrt(252)),
        max(r.lifetime for r in readings),
        max(r.window for r in readings),
        float(np.mean(exposures)),
    )


def cushion(promise: str) -> Rule:
    policy = CushionPolicy(CushionSettings(promise=promise))
    return lambda reading, time, held: policy.apply(reading).multiplier


def reset_at_15() -> Rule:
    """LEAN's stock model: flat at 15% below the peak, and the peak is what is left."""
    peak = 0.0

    def rule(reading: DrawdownReading, time: datetime, held: float) -> float:
        nonlocal peak
        peak = max(peak, reading.equity)
        if reading.equity <= 0.85 * peak:
            peak = reading.equity
            return 0.0
        return 1.0

    return rule


def plain(size: float, budget: float) -> Rule:
    """Flat at 15%, 60 sessions after the decision a probation, full size below 10%."""
    breaker = Breaker(
        BreakerRule(
            "plain",
            "loss",
            Action.LIQUIDATE,
            0.15,
            cooldown_sessions=59,  # counted from the session in which the account was flat
            probation_sessions=1,
            probation_size=size,
            probation_loss=budget,
            release=0.10,
            persistent=True,
        ),
        "portfolio",
    )

    def rule(reading: DrawdownReading, time: datetime, held: float) -> float:
        breaker.step(time, reading.session_index, reading.lifetime, reading.equity, held == 0.0)
        if breaker.demand is Action.ALLOW:
            return 1.0
        return breaker.multiplier if breaker.demand is Action.REDUCE else 0.0

    return rule


@pytest.mark.parametrize(
    ("name", "rule", "expected"),
    [
        ("none", lambda r, t, h: 1.0, (0.074, 0.195, 0.552, 0.514, 1.00)),
        ("reset 15", reset_at_15(), (0.070, 0.191, 0.563, 0.499, 1.00)),
        ("plain", plain(0.5, 0.05), (0.036, 0.119, 0.375, 0.275, 0.64)),
        ("plain tight", plain(0.25, 0.02), (0.028, 0.093, 0.271, 0.177, 0.46)),
        ("cushion 252", cushion("window"), (0.060, 0.136, 0.310, 0.205, 0.84)),
        ("cushion all-time", cushion("lifetime"), (0.0005, 0.064, 0.202, 0.196, 0.17)),
        ("cushion forgiving", cushion("forgiving"), (0.064, 0.134, 0.289, 0.238, 0.83)),
    ],
)
def test_rules_on_spy_deliver_what_was_measured(
    spy: Bars, name: str, rule: Rule, expected: tuple[float, ...]
) -> None:
    outcome = run(spy, rule)

    cagr, volatility, lifetime, window, exposure = expected
    assert outcome.cagr == pytest.approx(cagr, abs=0.0015)
    assert outcome.volatility == pytest.approx(volatility, abs=0.002)
    assert outcome.lifetime == pytest.approx(lifetime, abs=0.004)
    assert outcome.window == pytest.approx(window, abs=0.002)
    assert outcome.exposure == pytest.approx(exposure, abs=0.01)


def test_rearming_at_the_loss_is_worse_than_no_rule(spy: Bars) -> None:
    assert run(spy, reset_at_15()).lifetime > run(spy, lambda r, t, h: 1.0).lifetime
