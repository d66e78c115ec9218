"""The value of an account that is kept between prices, and the quick look at its margin."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st
from securities_kit import Account

from engine.securities.buying_power import SecurityMarginModel
from engine.securities.parameters import MaintenanceMargin
from engine.securities.positions import maintenance_margin_of
from engine.types.bars import TradeBar
from engine.types.enums import SecurityType

_TICKERS = ("SPY", "IBM", "AAPL")
_PRICES = st.decimals(min_value="0.01", max_value="900", places=4, allow_nan=False)
_QUANTITIES = st.integers(-3000, 3000)
_CHANGES = st.lists(st.tuples(st.integers(0, 2), _PRICES), min_size=1, max_size=6)


def _account(quantities: list[int], cash: int) -> tuple[Account, list[Any]]:
    account = Account(cash=cash)
    held = [account.add(ticker, SecurityType.EQUITY, price=100) for ticker in _TICKERS]
    for security, quantity in zip(held, quantities, strict=True):
        security.holdings.set_holdings(100, quantity)
    return account, held


def _arrive(account: Account, security: Any, price: Decimal) -> None:
    """Let a bar arrive as the step lets it."""
    number = float(price)
    end = account.keeper.utc
    bar = TradeBar(end, security.symbol, number, number, number, number, 1)
    security.cache._store_trade(bar)


@settings(max_examples=60, deadline=None)
@given(st.lists(_QUANTITIES, min_size=3, max_size=3), _CHANGES)
def test_a_value_that_follows_prices_is_the_value_computed_anew(
    quantities: list[int], changes: list[tuple[int, Decimal]]
) -> None:
    account, held = _account(quantities, 100_000)
    portfolio = account.portfolio
    assert portfolio._total_portfolio_value == portfolio._value
    for index, price in changes:
        _arrive(account, held[index], price)
        portfolio._follow_prices()
        followed = portfolio._total_portfolio_value
        portfolio._invalidate()
        portfolio._known_parts.clear()
        assert str(portfolio._total_portfolio_value) == str(followed)


_EVENTS = st.one_of(
    st.tuples(st.just("price"), st.integers(0, 2), _PRICES),
    st.tuples(st.just("set price"), st.integers(0, 2), _PRICES),
    st.tuples(st.just("hold"), st.integers(0, 2), _QUANTITIES),
    st.tuples(st.just("fill"), st.integers(0, 2), _QUANTITIES),
    st.tuples(st.just("multiplier"), st.integers(0, 2), st.integers(1, 3)),
    st.tuples(st.just("cash"), st.just(0), _PRICES),
    st.tuples(st.just("set cash"), st.just(0), _PRICES),
    st.tuples(st.just("euros"), st.just(0), _PRICES),
    st.tuples(st.just("rate"), st.just(0), _PRICES),
    st.tuples(st.just("look"), st.just(0), st.just(0)),
    st.tuples(st.just("leave"), st.integers(0, 2), st.just(0)),
)


@settings(max_examples=150, deadline=None)
@given(st.lists(_EVENTS, min_size=1, max_size=12))
def test_what_is_kept_of_a_position_never_outlives_what_it_was_made_of(
    events: list[tuple[str, int, Any]],
) -> None:
    account, held = _account([10, -20, 0], 100_000)
    portfolio = account.portfolio
    for what, index, number in events:
        security = held[index]
        if what == "price":
            _arrive(account, security, number)
        elif what == "set price":
            security.holdings.update_market_price(number)
        elif what == "hold":
            security.holdings.set_holdings(100, number)
        elif what == "fill" and number:
            account.fill(security, number, 101, 1)
        elif what == "multiplier":
            security.symbol_properties._contract_multiplier = Decimal(number)
            portfolio._invalidate()
        elif what == "cash":
            portfolio.cash_book["USD"].add_amount(number)
        elif what == "set cash":
            portfolio.cash_book["USD"].set_amount(number)
        elif what == "euros":
            portfolio.cash_book.add("EUR", number, Decimal("1.25"))
        elif what == "rate" and "EUR" in portfolio.cash_book:
            portfolio.cash_book["EUR"]._conversion_rate = number
        elif what == "leave":
            portfolio.securities.remove(security.symbol)
            portfolio.securities.add(security)
        cash = portfolio.cash_book._total_value_in_account_currency
        assert str(portfolio._cash) == str(cash)
        assert portfolio.cash == float(cash)
        portfolio._follow_prices()
        worth = [s.holdings._holdings_value for s in portfolio.securities.values()]
        assert portfolio._total_portfolio_value == cash + sum(worth)
        assert portfolio.total_portfolio_value == float(portfolio._total_portfolio_value)
        assert str(portfolio._cash) == str(cash)
        assert portfolio.cash == float(cash)
        kept = {part.security: part for part in portfolio._parts}
        for one in portfolio._invested_securities():
            assert str(kept[one].worth) == str(one.holdings._holdings_value)
            assert str(kept[one].size) == str(abs(one.holdings._holdings_value))
            assert one.holdings.quantity == float(one.holdings._quantity)
        invested = portfolio._invested_securities()
        used = sum((maintenance_margin_of(s, s.holdings._quantity) for s in invested), Decimal(0))
        assert portfolio._total_margin_used == used
        waiting = portfolio.unsettled_cash_book._total_value_in_account_currency
        assert portfolio._get_margin_remaining(cash) == cash - waiting - used


@settings(max_examples=80, deadline=None)
@given(st.lists(_QUANTITIES, min_size=3, max_size=3), _CHANGES, st.integers(0, 400_000))
def test_no_margin_call_and_no_warning_where_the_quick_look_sees_none(
    quantities: list[int], changes: list[tuple[int, Decimal]], cash: int
) -> None:
    account, held = _account(quantities, cash)
    portfolio = account.portfolio
    for index, price in changes:
        _arrive(account, held[index], price)
        portfolio._follow_prices()
        value = portfolio._total_portfolio_value
        if portfolio.positions._is_margin_far():
            remaining = portfolio._get_margin_remaining(value)
            assert remaining > value * Decimal("0.05")
            assert portfolio._total_margin_used <= value


def test_the_quick_look_gives_up_near_the_limit_and_with_pairs_in_the_cash_book() -> None:
    account, _ = _account([1000, 0, 0], 0)
    assert account.portfolio._total_portfolio_value == 100_000
    assert account.portfolio.positions._is_margin_far()
    account, _ = _account([2000, 0, 0], -100_000)
    assert account.portfolio._total_portfolio_value == 100_000
    assert not account.portfolio.positions._is_margin_far()
    account, _ = _account([10, 0, 0], 100_000)
    pair = account.add("EURUSD", SecurityType.FOREX, "oanda", price=1)
    pair.holdings.set_holdings(1, 1000)
    assert account.portfolio._total_portfolio_value
    assert not account.portfolio.positions._is_margin_far()


def test_the_quick_look_sees_new_rates_prices_and_cash_of_an_account_it_knows() -> None:
    account, held = _account([1000, 0, 0], 0)
    portfolio = account.portfolio
    positions = portfolio.positions
    assert positions._is_margin_far()
    assert positions._is_margin_far()
    held[0].set_leverage(1)
    assert not positions._is_margin_far()
    held[0].set_leverage(2)
    assert positions._is_margin_far()
    portfolio.cash_book["USD"].add_amount(-50_000)
    assert not positions._is_margin_far()
    portfolio.cash_book["USD"].add_amount(50_000)
    assert positions._is_margin_far()
    held[0].holdings.set_holdings(100, 2000)
    portfolio.cash_book["USD"].add_amount(-100_000)
    assert not positions._is_margin_far()
    _arrive(account, held[0], Decimal(900))
    portfolio._follow_prices()
    assert positions._is_margin_far()


def test_a_holding_put_in_the_place_of_another_is_counted() -> None:
    account, held = _account([10, 0, 0], 0)
    assert account.portfolio._total_portfolio_value == 1000
    other = type(held[0].holdings)(held[0].holdings)
    other.set_holdings(100, 30)
    held[0].holdings = other
    account.portfolio._invalidate()
    assert account.portfolio._total_portfolio_value == 3000


_PLACES = st.integers(0, 2)
_TOUCHES = st.one_of(
    st.tuples(st.just("leverage"), _PLACES, st.integers(1, 4)),
    st.tuples(st.just("model"), _PLACES, st.integers(1, 4)),
    st.tuples(st.just("method"), _PLACES, st.integers(0, 400_000)),
    st.tuples(st.just("bar"), _PLACES, _PRICES),
    st.tuples(st.just("by hand"), _PLACES, _PRICES),
    st.tuples(st.just("point"), _PLACES, _PRICES),
    st.tuples(st.just("hold"), _PLACES, _QUANTITIES),
    st.tuples(st.just("cash"), st.just(0), st.integers(-90_000, 90_000)),
    st.tuples(st.just("split"), _PLACES, st.sampled_from([Decimal("0.5"), Decimal(3)])),
    st.tuples(st.just("forget"), _PLACES, st.just(0)),
)


@settings(max_examples=250, deadline=None)
@given(st.lists(_TOUCHES, min_size=1, max_size=10), st.booleans())
def test_a_kept_answer_about_the_margin_is_the_answer_asked_anew(
    touches: list[tuple[str, int, Any]], follows: bool
) -> None:
    account, held = _account([900, -300, 0], 20_000)
    portfolio, positions = account.portfolio, account.portfolio.positions
    models = {leverage: SecurityMarginModel(leverage) for leverage in range(1, 5)}
    for what, index, number in touches:
        security = held[index]
        if what == "leverage":
            security.set_leverage(number)
        elif what == "model":
            security.buying_power_model = models[number]
        elif what == "method":
            answer = MaintenanceMargin(Decimal(number))
            security.buying_power_model.get_maintenance_margin = lambda _, kept=answer: kept
        elif what == "bar":
            _arrive(account, security, number)
            portfolio._follow_prices()  # as every step does when there was data
        elif what == "by hand":
            security.holdings.update_market_price(number)
        elif what == "point":
            end = account.keeper.utc
            price = float(number)
            security.set_market_price(TradeBar(end, security.symbol, *[price] * 4, 1))
        elif what == "hold":
            security.holdings.set_holdings(100, number)
        elif what == "cash":
            portfolio.cash_book["USD"].add_amount(number)
        elif what == "split":
            security.cache._apply_split(number)
        else:
            security.cache.reset()
        if follows:
            portfolio._follow_prices()
        quick = positions._is_margin_far()
        positions._judged, positions._judged_at = None, -1
        assert quick == positions._is_margin_far()
        needs = [
            maintenance_margin_of(one, one.holdings._quantity)
            for one in portfolio._invested_securities()
        ]
        assert portfolio._total_margin_used == sum(needs)
