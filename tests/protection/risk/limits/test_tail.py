"""VaR and ES of the book before an order: limits, the way back, short history, real days."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from protection.contracts import (
    Bar,
    OpenOrder,
    OrderKind,
    OrderRequest,
    Portfolio,
    Position,
    ProtectionSettings,
)
from protection.contracts.limit_settings import TailSettings
from protection.risk.limits import book_kernels, book_twins
from protection.risk.limits.base import Candidate
from protection.risk.limits.history import LEVEL, ScenarioFeed
from protection.risk.limits.tail import TailLimit
from protection.risk.orders import Pending
from protection.risk.tails.empirical import tail_rows
from protection.risk.tails.empirical_twins import largest, tail_of

FLAT = {
    "tail.watch": "true",
    "limits.max_leverage": "none",
    "leverage.limit": "none",
    "cushion.promise": "off",
    "volatility.ratio": "none",
    "flash.move": "none",
}


def watched(make_world, sessions=300, symbols=("A", "B"), volatility=0.02, seed=0, **flat):
    """A system that has seen days of correlated returns; prices end where they end."""
    world = make_world(ProtectionSettings.from_flat(FLAT | flat))
    rng = np.random.default_rng(seed)
    common = rng.standard_t(4, sessions) / np.sqrt(2)
    for symbol in symbols:
        own = rng.standard_t(4, sessions) / np.sqrt(2)
        returns = volatility * (0.9 * common + np.sqrt(1 - 0.81) * own)
        world.prices[symbol] = 100.0
        world.hold(symbol, 0, 100.0)
        setattr(world, symbol, 100 * np.cumprod(1 + returns))
    for day in range(sessions):
        world.clock.advance(timedelta(days=1))
        for symbol in symbols:
            price = float(getattr(world, symbol)[day])
            world.prices[symbol] = price
            bar = Bar(symbol, world.clock.now(), price, price, price, price, 1.0)
            assert world.system.observe(bar).accepted
    world.held.clear()
    world.system.evaluate(world.portfolio())
    return world


def ask(world, number, symbol, value, portfolio=None, kind=OrderKind.MARKET):
    price = world.prices[symbol]
    order = OrderRequest(
        number,
        symbol,
        value / price,
        kind,
        reference_price=price,
        reference_time=world.clock.now(),
    )
    return world.system.authorize(order, portfolio or world.portfolio())


def test_a_position_whose_var_is_too_large_is_refused_with_the_size_that_fits(make_world) -> None:
    world = watched(make_world)
    verdict = ask(world, 1, "A", 1_000_000)
    assert not verdict.allowed
    assert verdict.reasons[0].guard in ("tail_var", "tail_es")
    assert "of equity" in verdict.reason
    room = verdict.max_quantity * world.prices["A"]
    assert 100_000 < room < 500_000  # about 2% a day: 8% VaR is some 2.5 times the equity
    assert not ask(world, 2, "A", room * 1.001).allowed
    assert ask(world, 3, "A", room * 0.999).allowed


def test_what_is_in_flight_counts_and_a_hedge_passes(make_world) -> None:
    world = watched(make_world)
    room = ask(world, 1, "A", 1_000_000).max_quantity * world.prices["A"]
    assert ask(world, 2, "A", 0.9 * room).allowed
    assert not ask(world, 3, "B", 0.5 * room).allowed  # falls with A
    assert ask(world, 4, "B", -0.5 * room).allowed  # lowers VaR and ES, whether it fills or not


def test_above_the_limit_only_what_lowers_the_risk_passes(make_world) -> None:
    world = watched(make_world)
    world.hold("A", 4 * world.equity / world.prices["A"], world.prices["A"])
    before = len(world.transitions("tail"))
    world.day()
    assert world.transitions("tail")[before:] == [("ok", "halt")]
    assert not ask(world, 1, "A", 1000).allowed
    assert not ask(world, 2, "B", 1000).allowed
    assert ask(world, 3, "B", -1000).allowed
    assert ask(world, 4, "A", -1000).allowed


def test_the_warning_is_told_once_and_taken_back(make_world) -> None:
    world = watched(make_world, **{"tail.shortfall": "none"})
    room = ask(world, 1, "A", 1_000_000).max_quantity * world.prices["A"]
    world.hold("A", 0.8 * room / world.prices["A"], world.prices["A"])
    world.day(days=2)
    world.held.clear()
    world.day(days=2)
    assert world.transitions("tail") == [("ok", "warn"), ("warn", "ok")]


def test_a_symbol_without_history_is_judged_as_if_it_were_wild(make_world) -> None:
    world = watched(make_world, volatility=0.005)
    world.prices["NEW"] = 50.0
    long_known = ask(world, 1, "A", 1_000_000)
    fresh = ask(world, 2, "NEW", 1_000_000)
    assert not fresh.allowed
    assert "short history" in fresh.reason
    known = (long_known.max_quantity or 1e4) * world.prices["A"]
    assert fresh.max_quantity * 50.0 < 0.5 * known
    # 3% a day, a t with 3 degrees of freedom: ES 95% is 6.7% of the position
    assert fresh.max_quantity * 50.0 == pytest.approx(world.equity * 0.075 / 0.0671, rel=0.01)


def test_pending_orders_of_others_count_at_their_worst(make_world) -> None:
    world = watched(make_world)
    price = world.prices["A"]
    half = 0.5 * ask(world, 1, "A", 1_000_000).max_quantity * price
    assert ask(world, 2, "B", half).allowed
    world = watched(make_world)
    world.open.append(OpenOrder(9, "A", 2 * half / price, OrderKind.LIMIT, price))
    assert not ask(world, 3, "B", half).allowed  # the limit order of A may fill
    world = watched(make_world)
    world.hold("A", 2 * half / price, price)
    world.open.append(OpenOrder(9, "A", -2 * half / price, OrderKind.LIMIT, price))
    assert not ask(world, 4, "B", half).allowed  # the exit of A may not fill
    world.open[0] = OpenOrder(9, "A", -2 * half / price, OrderKind.MARKET, price)
    assert ask(world, 5, "B", half).allowed  # a rotation


def test_off_by_default_and_then_nothing_is_measured(make_world) -> None:
    world = make_world()
    assert world.system._more.tail is None
    assert not any(line.startswith("tail") for line in world.system.describe())
    on = make_world(ProtectionSettings.from_flat(FLAT))
    assert any("8.0%" in line and line.startswith("tail") for line in on.system.describe())


def test_the_feed_never_looks_at_the_running_session() -> None:
    rng = np.random.default_rng(1)
    start = np.datetime64("2020-01-01")
    returns = rng.normal(0, 0.01, (200, 2))
    prices = 100 * np.cumprod(1 + returns, axis=0)
    whole, garbage = ScenarioFeed(252, 60, 0.03), ScenarioFeed(252, 60, 0.03)
    for day in range(200):
        date = (start + day).item()
        for column, symbol in enumerate("AB"):
            whole.observe(symbol, date, prices[day, column] * 1.5)  # replaced by the close
            whole.observe(symbol, date, prices[day, column])
            garbage.observe(symbol, date, prices[day, column] if day < 199 else 1e-3)
    book = np.array([1.0, 0.5])
    assert whole.tail.var_es(book, LEVEL) == garbage.tail.var_es(book, LEVEL)
    assert whole.tail.bars == 198
    # an earlier session's price is no news
    assert not whole.observe("A", (start + 3).item(), 5.0)


def test_a_missing_day_is_bridged_and_a_new_symbol_keeps_the_old_scenarios() -> None:
    feed = ScenarioFeed(252, 60, 0.03)
    rng = np.random.default_rng(2)
    start, price = np.datetime64("2020-01-01"), 100.0
    for day in range(150):
        price *= 1 + rng.normal(0, 0.01)
        if day != 70:
            feed.observe("A", (start + day).item(), price)
        feed.observe("C", (start + day).item(), 10.0 + 0.01 * (day % 2))
    before = feed.tail.var_es([1.0, 0.0], LEVEL)
    feed.know("NEW")
    after = feed.tail.var_es([1.0, 0.0, 0.0], LEVEL)
    assert after == before
    assert "short" in feed.tail.var_es([1.0, 0.0, 0.1], LEVEL).basis


@settings(max_examples=30, deadline=None)
@given(
    held=st.lists(st.floats(-2, 2), min_size=3, max_size=3),
    order=st.floats(-3, 3).filter(lambda x: abs(x) > 1e-6),
    place=st.integers(0, 2),
)
def test_the_order_check_is_the_difference_of_two_books(held, order, place) -> None:
    limit = TailLimit(TailSettings(watch=True))
    rng = np.random.default_rng(3)
    start = np.datetime64("2020-01-01")
    prices = 100 * np.cumprod(1 + rng.normal(0, 0.02, (120, 3)), axis=0)
    for day in range(120):
        for column, symbol in enumerate("ABC"):
            limit.observe(symbol, (start + day).item(), float(prices[day, column]))
    positions = {s: Position(s, q, 1.0, 1.0) for s, q in zip("ABC", held, strict=True)}
    account = Portfolio(datetime(2020, 6, 1, tzinfo=UTC), 1.0, positions)
    effect = limit.effect(
        Candidate("ABC"[place], order, 1.0, account, (), 1.0, lambda symbol: None)
    )
    after = np.array(held)
    after[place] += order
    tail = limit.feed.tail
    assert effect.before.es == pytest.approx(tail.var_es(held, LEVEL).es, abs=1e-12)
    assert effect.after.es == pytest.approx(tail.var_es(after, LEVEL).es, abs=1e-12)
    assert effect.after.var == pytest.approx(tail.var_es(after, LEVEL).var, abs=1e-12)
    assert limit.read(account).es == pytest.approx(effect.before.es, abs=1e-12)


def test_on_spy_the_limit_covers_the_days_it_should(spy) -> None:
    """SPY 1999-2021, one unit of equity: days on which the loss exceeds the VaR read before."""
    limit = TailLimit(TailSettings(watch=True))
    hits = days = 0
    var = None
    last = None
    for day, _, close in spy:
        if var is not None and last is not None:
            days += 1
            hits += 1 - close / last > var
        limit.observe("SPY", day, close)
        last = close
        account = Portfolio(
            datetime.combine(day, datetime.min.time(), UTC),
            1.0,
            {"SPY": Position("SPY", 1.0, 1.0, 1.0)},
        )
        reading = limit.read(account)
        var = reading.var if "short" not in reading.basis else None
    assert days > 5000
    assert 0.045 < hits / days < 0.055


@settings(max_examples=40, deadline=None)
@given(
    seed=st.integers(0, 999),
    symbols=st.integers(1, 6),
    scenarios=st.sampled_from([0, 1, 19, 20, 60, 252]),
    books=st.integers(1, 3),
)
def test_the_compiled_passes_are_the_plain_ones(seed, symbols, scenarios, books) -> None:
    rng = np.random.default_rng(seed)
    table = rng.standard_t(3, (symbols, scenarios)) * 0.01
    alone = np.where(rng.random(symbols) < 0.3, 0.03, 0.0)
    book = np.where(rng.random((books, symbols)) < 0.2, 0.0, rng.normal(0, 1, (books, symbols)))
    position, count = tail_rows(max(1, scenarios), LEVEL)
    found = []
    for passes in (book_kernels, book_twins):
        losses, apart = passes.books_alone(table, alone, book)
        place, start, change = symbols - 1, float(book[0, -1]), float(seed % 7 - 3) / 3.0
        rest = (table, alone, np.array([1.4, 2.2]), place, start, start / 2, change, position)
        answers = passes.order_answers(losses, apart, *rest, count)
        caps = (float(np.median(answers[:, 2])) + 1e-5, float(np.median(answers[:, 3])) + 1e-5)
        failing = passes.first_failing(losses, apart, *rest, count, *caps, 1.0 + 1e-9)
        found.append((losses, apart, answers, failing))
        for at, each in enumerate(book):  # the difference of two whole books, none left out
            before, after = each.copy(), each.copy()
            before[place] += start / 2 - start
            after[place] += start / 2 - start + change
            for column, whole in ((0, before), (2, after)):
                tail = np.zeros(2)
                if scenarios:
                    tail = np.array(tail_of(largest(-(whole @ table), count), position))
                tail += float(np.abs(whole) @ alone) * np.array([1.4, 2.2])
                if each[place] == start:
                    np.testing.assert_allclose(answers[at, column : column + 2], tail, atol=1e-12)
    for ours, plain in zip(*found, strict=True):
        np.testing.assert_allclose(ours, plain, atol=1e-12)


def test_without_numba_the_plain_pass_judges_the_same() -> None:
    rng, start = np.random.default_rng(8), np.datetime64("2020-01-01")
    limits = [TailLimit(TailSettings(watch=True), compiled=flag) for flag in (True, False)]
    price = 100.0
    for day in range(100):
        price *= 1 + rng.normal(0, 0.02)
        for limit in limits:
            limit.observe("A", (start + day).item(), price)
    account = Portfolio(datetime(2020, 6, 1, tzinfo=UTC), 1.0)
    objections = [
        limit.object(Candidate("A", 9.0, 1.0, account, (), 1.0, lambda symbol: None))
        for limit in limits
    ]
    assert objections[0].guard == objections[1].guard
    assert objections[0].max_quantity == pytest.approx(objections[1].max_quantity, rel=1e-6)


def test_targets_are_scaled_to_a_book_that_passes(make_world) -> None:
    world = watched(make_world)
    units = {symbol: world.prices[symbol] for symbol in "AB"}
    wanted = {"A": 4e5 / units["A"], "B": 2e5 / units["B"]}
    cut = world.system.review(wanted, world.portfolio(), units)
    share = cut["A"] / wanted["A"]
    assert 0.2 < share < 0.9
    assert cut["B"] / wanted["B"] == pytest.approx(share)
    for number, symbol in enumerate("AB"):
        assert ask(world, number, symbol, 0.9999 * cut[symbol] * units[symbol]).allowed
    small = {symbol: 1e4 / units[symbol] for symbol in "AB"}
    assert world.system.review(small, world.portfolio(), units) == small


def test_targets_that_reduce_or_hedge_a_book_beyond_the_limit_are_left_alone(make_world) -> None:
    world = watched(make_world)
    price = world.prices
    world.hold("A", 6e5 / price["A"], price["A"])
    less = {"A": 3e5 / price["A"]}
    assert world.system.review(less, world.portfolio(), price) == less
    hedged = {"A": 6e5 / price["A"], "B": -1e5 / price["B"]}
    assert world.system.review(hedged, world.portfolio(), price) == pytest.approx(hedged)
    more = world.system.review({"A": 7e5 / price["A"]}, world.portfolio(), price)
    assert more["A"] == pytest.approx(6e5 / price["A"])


@settings(max_examples=40, deadline=None)
@given(
    held=st.lists(st.floats(-1, 1), min_size=4, max_size=4),
    waiting=st.lists(st.floats(-1, 1), min_size=3, max_size=3),
    order=st.floats(-2, 2).filter(lambda x: abs(x) > 1e-3),
    shares=st.lists(st.floats(0, 1), min_size=3, max_size=3),
)
def test_an_order_that_passes_passes_however_the_others_fill(held, waiting, order, shares) -> None:
    """ES after the order, for any partial fill of what waits, against the limit."""
    limit = TailLimit(TailSettings(watch=True, halt=None, warn=None))
    rng, start = np.random.default_rng(4), np.datetime64("2020-01-01")
    prices = 100 * np.cumprod(1 + rng.normal(0, 0.03, (120, 4)), axis=0)
    for day in range(120):
        for column, symbol in enumerate("ABCD"):
            limit.observe(symbol, (start + day).item(), float(prices[day, column]))
    positions = {s: Position(s, q, 1.0, 1.0) for s, q in zip("ABCD", held, strict=True)}
    pending = [
        Pending(number, symbol, value, True, 1.0, 1.0)
        for number, (symbol, value) in enumerate(zip("BCD", waiting, strict=True))
        if value
    ]
    account = Portfolio(datetime(2020, 6, 1, tzinfo=UTC), 1.0, positions)
    candidate = Candidate("A", order, 1.0, account, pending, 1.0, lambda symbol: None)
    allowed = limit.object(candidate) is None
    tail = limit.feed.tail
    before = np.array(held)
    before[1:] += np.array(shares) * np.array(waiting)
    after = before + np.array([order, 0.0, 0.0, 0.0])
    old, new = tail.var_es(before, LEVEL), tail.var_es(after, LEVEL)
    if allowed and new.es > 0.075:
        # only as a hedge: somewhere among the combinations it then lowers the risk
        corners = [
            before_es
            for mask in range(8)
            if (
                before_es := tail.order_effect(
                    np.array(held)
                    + np.array([0.0, *[w * (mask >> i & 1) for i, w in enumerate(waiting)]]),
                    0,
                    order,
                    LEVEL,
                )
            ).after.es
            > 0.075
        ]
        assert corners
        assert all(effect.es_change <= 1e-12 for effect in corners)
    assert old.es >= 0
