"""A verdict that was worked out before stands as long as nothing tells otherwise."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from hypothesis import example, given, settings
from hypothesis import strategies as st

from protection.contracts import (
    Bar,
    ManualClock,
    Portfolio,
    Position,
    ProtectionSettings,
    Statistic,
    Verdict,
)
from protection.system import ProtectionSystem

START = datetime(2020, 1, 6, 21, tzinfo=UTC)
SETTINGS = ProtectionSettings.from_flat(
    {
        "drawdown.sessions": "4",
        "volatility.fast_sessions": "1",
        "volatility.slow_sessions": "2",
        "volatility.cooldown_sessions": "3",
        "session.days": "all",
        "position.stop": "0.05",
        "cushion.promise": "off",
        "gauges.kl": "> 0.5 freeze sessions=3",
    }
)
STEPS = st.lists(
    st.tuples(
        st.sampled_from([3600, 86_400, 86_400, 172_800]),
        st.sampled_from([1.0, 1.0, 1.01, 0.99, 0.97, 0.9, 0.8, 1.3]),
        st.sampled_from([None, None, 1.0, 1.002, 0.998, 0.9, 1.1]),
        st.sampled_from([None] * 6 + [0.1, 0.9]),
    ),
    min_size=5,
    max_size=30,
)


def verdicts(steps: list[tuple[Any, ...]], forgetful: bool) -> list[Verdict]:
    """Verdict after each step; the forgetful system works out each anew."""
    clock = ManualClock(START)
    system = ProtectionSystem(SETTINGS, clock=clock)
    equity = price = 100.0
    found = []
    for seconds, growth, move, figure in steps:
        clock.advance(timedelta(seconds=seconds))
        now = clock.now()
        equity *= growth
        if move is not None:
            price *= move
            system.observe_all([Bar("A", now, price, price, price, price)])
        if figure is not None:
            system.observe(Statistic("model:m", now, "kl", figure))
        if forgetful:
            system._board.touch()
        found.append(system.evaluate(Portfolio(now, equity, {"A": Position("A", 0.1, 100, price)})))
        if forgetful:
            system._board.touch()
        found.append(system.verdict)
    return found


DAY = 86_400
STORM = [*[(DAY, 1.0, 1.002, None)] * 4, (DAY, 1.0, 1.03, None), (DAY, 1.0, 1.001, None)]
REST = [(DAY, 1.0, None, None)] * 5


@settings(max_examples=150, deadline=None)
@given(steps=STEPS)
@example(steps=STORM + REST)
@example(steps=[(DAY, 1.0, None, 0.9), (DAY, 1.0, None, 0.1), *REST])
def test_a_remembered_verdict_is_the_one_that_would_be_worked_out_now(steps: list[Any]) -> None:
    assert verdicts(steps, False) == verdicts(steps, True)
