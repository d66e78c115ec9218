"""Net, sector, number and concentration, with everything that may still fill."""

from __future__ import annotations

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from protection.contracts import FixSettings, OpenOrder, OrderKind, OrderRequest, ProtectionSettings

WIDE = {"limits.max_leverage": "none", "leverage.limit": "none", "cushion.promise": "off"}


def opened(make_world, **flat):
    world = make_world(ProtectionSettings.from_flat(WIDE | flat))
    world.prices = dict.fromkeys("ABCDE", 100.0)
    return world


def ask(world, number, symbol, quantity, portfolio=None):
    order = OrderRequest(
        number, symbol, quantity, reference_price=100.0, reference_time=world.clock.now()
    )
    return world.system.authorize(order, portfolio or world.portfolio())


def resting(number, symbol, quantity):
    return OpenOrder(number, symbol, quantity, OrderKind.LIMIT, 100.0)


def guard_of(verdict):
    return verdict.reasons[0].guard


def test_net_counts_shorts_against_longs_and_pending_orders_in_full(make_world) -> None:
    world = opened(make_world, **{"exposure.max_net": "0.5"})
    world.hold("A", 400, 100)
    world.hold("B", -300, 100)
    verdict = ask(world, 1, "C", 500)
    assert not verdict.allowed
    assert guard_of(verdict) == "max_net"
    assert verdict.max_quantity == pytest.approx(400)
    assert ask(world, 2, "C", 400).allowed  # in flight now
    assert not ask(world, 3, "D", 10).allowed
    assert ask(world, 4, "D", -500).allowed  # lowers the net
    world.open.append(resting(9, "E", -700))
    assert not ask(world, 5, "D", -10).allowed  # the short side at its worst


def test_a_sector_is_bounded_by_ticker_or_key_and_others_are_not(make_world) -> None:
    flat = {"exposure.max_sector": "0.3", "exposure.sectors": "A=tech; B=tech; C=oil"}
    world = opened(make_world, **flat)
    world.hold("A R735QTJ8XC9X", 200, 100)
    verdict = ask(world, 1, "B", 150)
    assert guard_of(verdict) == "max_sector"
    assert "tech" in verdict.reason
    assert verdict.max_quantity == pytest.approx(100)
    assert not ask(world, 2, "B", -150).allowed  # shorts add to the gross of a sector
    assert ask(world, 3, "C", 300).allowed
    assert ask(world, 4, "D", 300).allowed  # no sector: one of its own
    assert not ask(world, 5, "D", 1).allowed


def test_the_number_of_positions_counts_what_is_on_its_way(make_world) -> None:
    world = opened(make_world, **{"exposure.max_positions": "2"})
    world.hold("A", 10, 100)
    assert ask(world, 1, "B", 10).allowed
    verdict = ask(world, 2, "C", 10)
    assert guard_of(verdict) == "max_positions"
    assert verdict.max_quantity == 0
    assert ask(world, 3, "A", 10).allowed  # more of what is held
    assert ask(world, 4, "A", -10).allowed


def test_concentration_is_the_sum_of_squared_shares(make_world) -> None:
    world = opened(make_world, **{"exposure.max_concentration": "0.1"})
    world.hold("A", 200, 100)
    verdict = ask(world, 1, "B", 300)
    assert guard_of(verdict) == "max_concentration"
    assert verdict.max_quantity == pytest.approx(1000 * 0.06**0.5)
    assert ask(world, 2, "B", 1000 * 0.06**0.5).allowed


def test_an_order_that_reduces_passes_every_limit(make_world) -> None:
    flat = {
        "exposure.max_net": "0.01",
        "exposure.max_sector": "0.01",
        "exposure.max_positions": "1",
        "exposure.max_concentration": "0.0001",
    }
    world = opened(make_world, **flat)
    for symbol in "ABC":
        world.hold(symbol, 300, 100)
    assert not ask(world, 1, "A", 1).allowed
    assert ask(world, 2, "A", -300).allowed
    assert ask(world, 3, "B", -1).allowed


@settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(
    orders=st.lists(
        st.tuples(st.sampled_from("ABCD"), st.integers(-600, 600)), min_size=1, max_size=12
    )
)
def test_no_sequence_of_orders_fills_beyond_net_or_sector(make_world, orders) -> None:
    """Any subset of what was let through may fill: the worst one is judged here."""
    flat = {
        "exposure.max_net": "0.5",
        "exposure.max_sector": "0.4",
        "exposure.sectors": "A=x; B=x; C=y; D=y",
    }
    world = opened(make_world, **flat)
    passed = []
    for number, (symbol, quantity) in enumerate(orders):
        verdict = ask(world, number, symbol, quantity)
        if verdict.allowed and quantity:
            passed.append((symbol, 100.0 * quantity))
        elif verdict.max_quantity:
            again = ask(world, 1000 + number, symbol, verdict.max_quantity * (1 - 1e-9))
            assert again.allowed
            passed.append((symbol, 100.0 * verdict.max_quantity))
    up = sum(v for _, v in passed if v > 0)
    down = -sum(v for _, v in passed if v < 0)
    assert max(up, down) <= 50_000 * (1 + 1e-6)
    for sector in ("AB", "CD"):
        worst = 0.0
        for symbol in sector:
            bought = sum(v for s, v in passed if s == symbol and v > 0)
            sold = -sum(v for s, v in passed if s == symbol and v < 0)
            worst += max(bought, sold)
        assert worst <= 40_000 * (1 + 1e-6)


def test_settings_of_the_limits_refuse_what_cannot_be(make_world) -> None:
    for key, text in (
        ("exposure.sectors", "A"),
        ("exposure.sectors", "A=x; A=y"),
        ("exposure.max_net", "-1"),
        ("exposure.max_positions", "0"),
        ("tail.warn", "0.09"),
        ("tail.minimum", "300"),
        ("tail.halt", "8"),
    ):
        with pytest.raises(FixSettings, match=key.replace(".", r"\.")):
            ProtectionSettings.from_flat({key: text})
    world = opened(make_world, **{"exposure.max_net": "0.5", "exposure.max_positions": "7"})
    assert any("net 0.5" in line and "7 positions" in line for line in world.system.describe())
    assert not any("exposure limits" in line for line in make_world().system.describe())
