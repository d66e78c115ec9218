"""Targets cut to a verdict."""

from __future__ import annotations

import math
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from protection.contracts import Action, Portfolio, Position, ProtectionSettings, Verdict
from protection.risk.targets import cut_targets, toward_holding

NOW = datetime(2020, 1, 6, tzinfo=UTC)
LIMITS = ProtectionSettings.from_flat({"limits.max_position": "0.5"}).limits
quantities = st.floats(-5000, 5000).filter(lambda q: q == 0 or abs(q) > 1e-3)


def cut(targets, held=None, state=Action.ALLOW, size=1.0, limits=LIMITS, price=100.0, parts=None):
    positions = {s: Position(s, q, 100.0, 100.0) for s, q in (held or {}).items()}
    verdict = Verdict(state, multiplier=size, by_symbol=parts or {})
    portfolio = Portfolio(NOW, 100_000.0, positions)
    return cut_targets(targets, portfolio, verdict, limits, lambda symbol: price)


def test_a_reduced_size_scales_the_target_also_while_halted() -> None:
    assert cut({"SPY": 400}, size=0.25) == {"SPY": 100}
    assert cut({"SPY": 400}, {"SPY": 400}, Action.HALT, 0.25) == {"SPY": 100}
    assert cut({"SPY": 400}, {"SPY": 50}, Action.HALT, 0.25) == {"SPY": 50}


def test_liquidation_wants_nothing_and_a_freeze_nothing_more() -> None:
    assert cut({"SPY": 400}, {"SPY": 200}, Action.LIQUIDATE) == {"SPY": 0}
    assert cut({"SPY": 400, "QQQ": 10}, {"SPY": 200}, Action.FREEZE) == {"SPY": 200, "QQQ": 0}
    assert cut({"SPY": -400}, {"SPY": 200}, Action.FREEZE) == {"SPY": 0}  # no flip


def test_one_symbols_verdict_touches_no_other() -> None:
    parts = {"SPY": Verdict(Action.LIQUIDATE)}
    assert cut({"SPY": 100, "QQQ": 100}, parts=parts) == {"SPY": 0, "QQQ": 100}


@pytest.mark.parametrize("price", [None, 0.0, math.nan, math.inf])
def test_without_a_price_nothing_is_added(price) -> None:
    assert cut({"SPY": 400}, {"SPY": 100}, price=price) == {"SPY": 100}
    assert cut({"SPY": 50}, {"SPY": 100}, price=price) == {"SPY": 50}


def test_a_target_that_is_no_number_keeps_the_holding() -> None:
    assert cut({"SPY": math.nan}, {"SPY": 100}) == {"SPY": 100}


@given(
    st.dictionaries(st.sampled_from("ABCD"), quantities, max_size=4),
    st.dictionaries(st.sampled_from("ABCD"), st.floats(-400, 400), max_size=4),
    st.sampled_from(list(Action)),
    st.floats(0, 1),
)
def test_nothing_grows_beyond_what_was_wanted_nor_beyond_the_limits(targets, held, state, size):
    result = cut(targets, held, state, size)

    assert result.keys() == targets.keys()
    for symbol, quantity in result.items():
        assert abs(quantity) <= max(abs(targets[symbol]), 0.0) + 1e-9
        assert quantity * targets[symbol] >= 0
        if not state.adding_allowed:
            assert abs(quantity) <= abs(held.get(symbol, 0.0)) + 1e-9
        assert abs(quantity) * 100.0 <= 50_000 * (1 + 1e-9) or not state.adding_allowed
    kept = sum(abs(q) for s, q in held.items() if s not in result)
    gross = 100.0 * (kept + sum(abs(q) for q in result.values()))
    reducing = 100.0 * (
        kept + sum(abs(toward_holding(q, held.get(s, 0.0))) for s, q in result.items())
    )
    assert gross <= max(200_000 * (1 + 1e-9), reducing * (1 + 1e-9))
