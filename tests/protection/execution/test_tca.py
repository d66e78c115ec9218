"""Implementation shortfall: parts that add up exactly, against the paper portfolio's gain."""

from __future__ import annotations

import math
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from protection.contracts import Action, FixInput, FixSettings
from protection.execution import (
    CostSettings,
    CostWatch,
    Execution,
    grade_cost,
    implementation_shortfall,
    vwap_slippage,
)

PRICE = st.floats(0.01, 1e5)
FILL = st.builds(
    Execution, st.floats(0.001, 1e4), PRICE, st.floats(-10, 10), st.one_of(st.none(), PRICE)
)


def test_perolds_parts_of_a_plain_purchase() -> None:
    """1,000 wanted at 50.00, sent at 50.10, 800 filled, 51.00 at the end, worked by hand."""
    answer = implementation_shortfall(
        1,
        1000,
        50.0,
        [Execution(500, 50.25, 2.0, mid=50.2), Execution(300, 50.5, 1.0, mid=50.4)],
        arrival_price=50.1,
        end_price=51.0,
    )
    assert answer.delay == pytest.approx(80)
    assert answer.spread == pytest.approx(25 + 30)
    assert answer.drift == pytest.approx(50 + 90)
    assert answer.opportunity == pytest.approx(200)
    assert answer.fees == 3
    assert answer.total == pytest.approx(478)
    assert answer.bps == pytest.approx(95.6)
    assert answer.filled == 0.8
    assert sum(answer.parts().values()) == pytest.approx(answer.bps)


@given(
    side=st.sampled_from([1, -1]),
    fills=st.lists(FILL, max_size=8),
    rest=st.floats(0.0, 1e4),
    decision=PRICE,
    arrival=st.one_of(st.none(), PRICE),
    end=PRICE,
    multiplier=st.sampled_from([1.0, 50.0, 0.1]),
)
def test_the_parts_are_the_paper_gain_less_the_real_one(
    side, fills, rest, decision, arrival, end, multiplier
) -> None:
    quantity = math.fsum(fill.quantity for fill in fills) * (1 + 1e-15) + rest
    if quantity <= 0:
        return
    try:
        answer = implementation_shortfall(
            side,
            quantity,
            decision,
            fills,
            arrival_price=arrival,
            end_price=end,
            multiplier=multiplier,
        )
    except FixInput:
        assert rest == 0.0  # a rounding of the sum left less than was filled
        return
    # independent of the parts: both portfolios valued at the end price, in exact arithmetic
    m, final = Fraction(multiplier), Fraction(end)
    done = sum((Fraction(f.quantity) for f in fills), Fraction(0))
    wanted = Fraction(quantity)
    if abs(wanted - done) <= wanted * Fraction(1, 10**9):
        wanted = done
    paper = side * wanted * (final - Fraction(decision)) * m
    real = side * m * sum(
        (Fraction(f.quantity) * (final - Fraction(f.price)) for f in fills), Fraction(0)
    ) - sum((Fraction(f.fee) for f in fills), Fraction(0))
    assert answer.total == float(paper - real)
    parts = [answer.delay, answer.spread, answer.drift, answer.opportunity, answer.fees]
    size = max(map(abs, parts))
    assert abs(math.fsum(parts) - answer.total) <= 4e-16 * size * len(parts)


def test_a_sale_is_the_mirror_of_a_purchase() -> None:
    bought = implementation_shortfall(1, 10, 100.0, [(10, 101.0, 0.5)])
    sold = implementation_shortfall(-1, 10, 100.0, [(10, 99.0, 0.5)])
    assert bought.total == sold.total == 10.5
    assert bought.opportunity == 0.0


@pytest.mark.parametrize(
    "call",
    [
        lambda: implementation_shortfall(0, 10, 100.0, []),
        lambda: implementation_shortfall(1, 10, 100.0, []),
        lambda: implementation_shortfall(1, 0, 100.0, []),
        lambda: implementation_shortfall(1, 10, math.nan, [(10, 100.0)]),
        lambda: implementation_shortfall(1, 10, 100.0, [(11, 100.0)]),
        lambda: implementation_shortfall(1, 10, 100.0, [(-1, 100.0)], end_price=1.0),
        lambda: implementation_shortfall(1, 10, 0.0, [(10, 100.0)]),
    ],
)
def test_impossible_orders_are_refused(call) -> None:
    with pytest.raises(FixInput):
        call()


def test_own_volume_is_taken_out_of_the_vwap_when_it_is_much_of_it() -> None:
    # 100 of 1,000 is not above 10%: the market's VWAP as it is
    assert vwap_slippage(1, [(100, 101.0)], 100.0, 1000) == pytest.approx(0.01)
    # half of the volume: the others paid 99
    assert vwap_slippage(1, [(500, 101.0)], 100.0, 1000) == pytest.approx(101 / 99 - 1)
    assert vwap_slippage(-1, [(500, 99.0)], 100.0, 1000) == pytest.approx(-(99 / 101 - 1))
    assert math.isnan(vwap_slippage(1, [(1000, 100.0)], 100.0, 1000))
    assert math.isnan(vwap_slippage(1, [], 100.0, 1000))


@pytest.mark.parametrize(
    ("bps", "action"),
    [
        (-5, Action.ALLOW),
        (19.99, Action.ALLOW),
        (20, Action.REDUCE),
        (49.99, Action.REDUCE),
        (50, Action.FREEZE),
        (math.nan, Action.FREEZE),
    ],
)
def test_twenty_basis_points_warn_and_fifty_stop(bps, action) -> None:
    assert grade_cost(bps) is action


def order(bps: float, notional: float = 1000.0):
    return implementation_shortfall(1, notional / 100, 100.0, [(notional / 100, 100 + bps / 100)])


def test_the_watch_judges_a_mean_of_orders_and_recovers() -> None:
    watch = CostWatch(CostSettings(orders=4))
    assert watch.add("SPY", order(500)).state is Action.ALLOW  # one order proves nothing
    assert watch.add("SPY", order(0)).state is Action.ALLOW
    verdict = watch.add("SPY", order(0))
    assert verdict.state is Action.FREEZE
    assert verdict.evidence["bps"] == pytest.approx(500 / 3)
    assert "limit 50" in verdict.reason
    watch.add("SPY", order(0))
    verdict = watch.add("SPY", order(100))
    assert verdict.state is Action.REDUCE
    assert verdict.multiplier == 0.5
    assert watch.add("SPY", order(0)).state is Action.REDUCE
    for _ in range(3):
        verdict = watch.add("SPY", order(0))
    assert verdict.state is Action.ALLOW
    assert watch.verdict("QQQ").state is Action.ALLOW
    assert "50" in watch.describe()


def test_the_mean_is_weighted_by_notional() -> None:
    watch = CostWatch()
    watch.add("SPY", order(100, 1000))
    watch.add("SPY", order(0, 9000))
    assert watch.mean_bps("SPY") == pytest.approx(10)
    with pytest.raises(FixSettings, match="warn"):
        CostSettings(warn=60.0)
