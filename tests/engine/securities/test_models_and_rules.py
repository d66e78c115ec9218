"""Hand-worked cases of fees, settlement, brokerage rules, user models and accounting invariants."""

from __future__ import annotations

import sys
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from functools import cache
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

sys.path.insert(0, str(Path(__file__).parent))

import securities_kit as kit

from engine.orders.kinds import LimitOrder, MarketOnCloseOrder, MarketOrder
from engine.securities.brokerages import get_brokerage_name, wrap_brokerage_model
from engine.securities.brokerages.default import DefaultBrokerageModel
from engine.securities.brokerages.messages import BrokerageMessageEvent
from engine.securities.buying_power import (
    BuyingPowerModel,
    PatternDayTradingMarginModel,
    SecurityMarginModel,
    initial_margin_requirement,
)
from engine.securities.fees.base import ConstantFeeModel, OrderFee, OrderFeeParameters, fee
from engine.securities.fees.interactive_brokers import InteractiveBrokersFeeModel, fee_at_market
from engine.securities.parameters import (
    GetMaximumOrderQuantityForTargetBuyingPowerParameters,
    InitialMargin,
    InitialMarginParameters,
    InitialMarginRequiredForOrderParameters,
    MaintenanceMarginParameters,
)
from engine.securities.settlement import DelayedSettlementModel, ImmediateSettlementModel
from engine.types.bars import Dividend, Split
from engine.types.enums import (
    AccountType,
    BrokerageMessageType,
    BrokerageName,
    DataNormalizationMode,
    SecurityType,
)
from engine.types.errors import ArgumentException


@pytest.fixture
def account() -> kit.Account:
    return kit.Account()


@pytest.mark.parametrize(
    ("quantity", "price", "fee"),
    [(1, 100, "1"), (300, 100, "1.5"), (1000, "0.1", "0.5"), (100, "0.1", "1")],
)
def test_interactive_brokers_charges_half_a_cent_a_share_within_its_bounds(
    account: kit.Account, quantity: int, price: str, fee: str
) -> None:
    spy = account.add("SPY", price=price)

    charged = spy.fee_model.get_order_fee(
        OrderFeeParameters(spy, MarketOrder(spy.symbol, quantity, kit.START))
    )

    assert charged.value._amount == Decimal(fee)
    assert charged.value.currency == "USD"


@cache
def _charged() -> tuple[kit.Account, Any]:
    account = kit.Account()
    return account, account.add("SPY")


@settings(max_examples=100, deadline=None)
@given(
    st.integers(-10_000_000, 10_000_000) | st.integers(-300, 300),
    st.integers(1, 10**7) | st.integers(1, 1000),
)
def test_the_fee_of_an_order_that_nobody_sends_is_that_of_the_order(
    quantity: int, ten_thousandths: int
) -> None:
    account, spy = _charged()
    account.price(spy, Decimal(ten_thousandths) / 10_000)
    size = Decimal(quantity)

    told = fee_at_market(spy, size)

    order = MarketOrder(spy.symbol, size, kit.START)
    charged = spy.fee_model.get_order_fee(OrderFeeParameters(spy, order)).value
    assert told is not None
    assert (str(told[0]), told[1]) == (str(charged._amount), charged.currency)


def test_fees_of_other_models_are_asked_of_them(account: kit.Account) -> None:
    class Own(InteractiveBrokersFeeModel):
        def GetOrderFee(self, parameters: OrderFeeParameters) -> OrderFee:
            asked.append(type(parameters.order))
            return fee(Decimal(7))

    asked: list[type] = []
    spy = account.add("SPY", price=100)
    euro = account.add("EURUSD", SecurityType.FOREX, "oanda", price=1)
    patched = InteractiveBrokersFeeModel()
    patched.get_order_fee = Own().GetOrderFee  # type: ignore[method-assign]
    assert fee_at_market(spy, Decimal(100)) == (1, "USD")
    assert fee_at_market(euro, Decimal(100)) is None
    for model in (
        Own(),
        ConstantFeeModel(2),
        patched,
        SimpleNamespace(GetOrderFee=Own.GetOrderFee),
    ):
        spy.set_fee_model(model)
        assert fee_at_market(spy, Decimal(100)) is None
    spy.set_fee_model(patched)
    parameters = GetMaximumOrderQuantityForTargetBuyingPowerParameters(
        account.portfolio, spy, Decimal("0.5"), Decimal(0)
    )
    asked.clear()
    spy.buying_power_model.get_maximum_order_quantity_for_target_buying_power(parameters)
    assert set(asked) == {MarketOrder}


def test_a_round_trip_books_average_price_profit_fees_and_cash(account: kit.Account) -> None:
    spy = account.add("SPY", price=100)
    account.fill(spy, 10, 100, 1)
    account.fill(spy, 30, 104, 1)
    assert spy.holdings._average_price == 103
    account.fill(spy, -60, 110, 1)

    held = spy.holdings
    assert (held._quantity, held._average_price) == (-20, 110)
    assert held.profit == 40 * 7
    assert held.total_fees == 3
    assert account.portfolio.cash == 100_000 - 1000 - 3120 + 6600 - 3
    assert [(p, win) for _, p, win in account.transactions.records] == [(278, True)]


@settings(max_examples=50, deadline=None)
@given(
    st.lists(
        st.tuples(st.integers(-500, 500).filter(bool), st.integers(1, 50_000)),
        min_size=1,
        max_size=12,
    )
)
def test_value_is_cash_plus_shares_whatever_the_fills(fills: list[tuple[int, int]]) -> None:
    account = ACCOUNT
    account.portfolio.set_cash(100_000)
    spy = account.securities["SPY"]
    spy.holdings.set_holdings(0, 0)
    spent = Decimal(0)
    for quantity, cents in fills:
        price = Decimal(cents) / 100
        account.fill(spy, quantity, price, "0.25")
        spent += quantity * price + Decimal("0.25")
    held = sum(quantity for quantity, _ in fills)

    assert spy.holdings._quantity == held
    assert account.portfolio._cash == 100_000 - spent
    assert account.portfolio._total_portfolio_value == 100_000 - spent + held * spy._price


ACCOUNT = kit.Account()
ACCOUNT.add("SPY", price=100)


def test_proceeds_of_a_cash_account_wait_for_the_next_trading_day() -> None:
    friday = datetime(2014, 1, 17, 15)
    account = kit.Account(account_type=AccountType.CASH, utc=friday)
    spy = account.add("SPY", price=100)
    assert isinstance(spy.settlement_model, DelayedSettlementModel)
    account.fill(spy, 100, 100)
    account.fill(spy, -100, 100)
    assert account.portfolio.unsettled_cash == 10_000
    assert account.portfolio.cash == 90_000

    # Monday 2014-01-20 is a holiday: the money comes on Tuesday at six in New York
    spy._scan_settlement(account.portfolio, datetime(2014, 1, 21, 10, 59))
    assert account.portfolio.unsettled_cash == 10_000
    spy._scan_settlement(account.portfolio, datetime(2014, 1, 21, 11))

    assert account.portfolio.unsettled_cash == 0
    assert account.portfolio.cash == 100_000


def test_raw_dividends_and_splits_move_cash_and_holdings(account: kit.Account) -> None:
    aapl = account.add("AAPL", price=600)
    account.fill(aapl, 11, 600)
    raw = DataNormalizationMode.RAW
    account.portfolio.apply_dividend(
        Dividend(aapl.symbol, kit.START, Decimal("3.29"), 600), False, raw
    )
    assert account.portfolio.cash == 100_000 - 6600 + 11 * 3.29
    before = account.portfolio._total_portfolio_value

    # one share for two: 11 become 5, half a new share is paid out at the new price
    account.portfolio.apply_split(Split(aapl.symbol, kit.START, 600, 2), aapl, False, raw)

    assert (aapl.holdings._quantity, aapl.holdings._average_price) == (5, 1200)
    assert aapl.price == 1200
    assert account.portfolio._total_portfolio_value == before


class _Gate(DefaultBrokerageModel):
    answer: object = (True, None)

    def can_submit_order(self, security, order, message):
        accepted, reason = super().can_submit_order(security, order, message)
        assert accepted
        assert reason is None
        return self.answer


REASON = BrokerageMessageEvent(BrokerageMessageType.WARNING, "GATE", "not today")


@pytest.mark.parametrize("answer", [(True, None), (False, None), (False, REASON), (True, None, 1)])
def test_a_gate_may_answer_with_a_bool_and_a_reason(account: kit.Account, answer) -> None:
    gate = _Gate()
    gate.answer = answer
    model = wrap_brokerage_model(gate)
    spy = account.add("SPY", price=100)

    result = model.can_submit_order(spy, MarketOrder(spy.symbol, 1, kit.START), None)

    assert result == answer[:2]
    assert model != gate
    assert model.get_model() is gate
    assert str(REASON) == "Warning - Code: GATE - not today"


@pytest.mark.parametrize(
    "answer", [True, None, [True, None], (True,), (1, None), (False, "text"), "yes"]
)
def test_any_other_answer_of_a_gate_is_an_error(account: kit.Account, answer) -> None:
    gate = _Gate()
    gate.answer = answer
    spy = account.add("SPY", price=100)

    with pytest.raises(TypeError, match="expected"):
        wrap_brokerage_model(gate).can_submit_order(spy, MarketOrder(spy.symbol, 1), None)


def test_a_model_that_derives_from_nothing_of_lean_is_refused() -> None:
    with pytest.raises(TypeError, match="DefaultBrokerageModel"):
        wrap_brokerage_model(object())


def test_refusals_are_worded_as_lean_words_them() -> None:
    fxcm = kit.Account(BrokerageName.FXCM_BROKERAGE)
    pair = fxcm.add("EURUSD", SecurityType.FOREX, "fxcm", price="1.3")
    texts = [
        fxcm.model.can_submit_order(pair, order)[1]
        for order in (
            MarketOnCloseOrder(pair.symbol, 1000, kit.START),
            LimitOrder(pair.symbol, 1000, 1.4, kit.START),
            MarketOrder(pair.symbol, 1500, kit.START),
        )
    ]

    assert [t.message for t in texts] == [
        "The FxcmBrokerageModel does not support MarketOnClose order type. "
        "Only supports [Limit,Market,StopMarket]",
        "Limit Buy orders and Stop Sell orders must be below market, "
        "Limit Sell orders and Stop Buy orders must be above market.",
        "The order quantity must be a multiple of lot_size: [1000].",
    ]
    assert pair.leverage == 50


def test_a_users_model_keeps_the_name_of_the_model_it_derives_from() -> None:
    assert get_brokerage_name(wrap_brokerage_model(_Gate())) is BrokerageName.DEFAULT
    tradier = kit.Account(BrokerageName.TRADIER_BROKERAGE).model
    assert get_brokerage_name(tradier) is BrokerageName.TRADIER_BROKERAGE


class _Doubled(SecurityMarginModel):
    """Overrides one method; the base class must not see it from inside, as in LEAN."""

    def __init__(self) -> None:
        self.calls = 0

    def get_initial_margin_requirement(self, parameters):
        self.calls += 1
        return InitialMargin(super().get_initial_margin_requirement(parameters).value * 2)


def test_the_base_class_does_not_call_a_python_override_from_inside(account: kit.Account) -> None:
    spy = account.add("SPY", price=100)
    model = _Doubled()
    order = MarketOrder(spy.symbol, 10, kit.START)

    needed = model.get_initial_margin_required_for_order(
        InitialMarginRequiredForOrderParameters(account.portfolio.cash_book, spy, order)
    )

    assert model.calls == 0
    assert needed.value == 10 * 100 + 1


@pytest.mark.parametrize("leverage", [0, 0.5, -1])
def test_leverage_below_one_is_refused(leverage: float) -> None:
    with pytest.raises(ArgumentException, match="Leverage must be greater than or equal to 1"):
        BuyingPowerModel(leverage)


def test_account_currency_is_set_before_securities_only(account: kit.Account) -> None:
    account.portfolio.set_account_currency("EUR", 5000)
    assert account.portfolio.cash_book.account_currency == "EUR"
    assert account.portfolio.cash == 5000
    assert list(account.portfolio.cash_book.keys()) == ["EUR"]


def test_a_fresh_bar_moves_the_price_and_a_filled_forward_bar_does_not(
    account: kit.Account,
) -> None:
    spy = account.add("SPY", price=100)
    bar = spy.get_last_data().clone(True)
    bar.close = 50.0
    bar.time += timedelta(minutes=1)

    spy._update(None, bar)

    assert spy.price == 100


def test_an_average_price_is_shown_as_it_is_now_however_often_it_was_looked_at(
    account: kit.Account,
) -> None:
    holdings = account.add("SPY").holdings
    assert holdings.average_price == 0.0
    for average in (10.5, 10.5, 103, 99.123456789):
        holdings.set_holdings(average, 10)
        assert holdings.average_price == holdings.average_price == float(holdings._average_price)
        assert holdings.average_price == average


@pytest.mark.parametrize(
    "model", [SecurityMarginModel(4), PatternDayTradingMarginModel(), BuyingPowerModel(0.3, 0.2, 0)]
)
def test_margin_asked_without_records_is_that_of_the_records(
    account: kit.Account, model: BuyingPowerModel
) -> None:
    spy = account.add("SPY", price="123.45")
    spy.holdings.set_holdings(100, -70)
    for quantity in (Decimal("12.50"), Decimal(-3), Decimal(0)):
        answer = model.get_initial_margin_requirement(InitialMarginParameters(spy, quantity))
        assert str(initial_margin_requirement(model, spy, quantity)) == str(answer._value)
        assert str(model._native_margin(spy, quantity)) == str(answer._value)
        order = MarketOrder(spy.symbol, quantity, kit.START)
        book = account.portfolio.cash_book
        parameters = InitialMarginRequiredForOrderParameters(book, spy, order)
        needed = model.get_initial_margin_required_for_order(parameters)
        assert str(model._required_for_order(book, spy, order)) == str(needed._value)
    kept = model.get_maintenance_margin(MaintenanceMarginParameters.for_current_holdings(spy))
    assert str(model._native_maintenance(spy)) == str(kept._value)
    assert model._get_leverage(spy) == model._get_leverage(spy)


def test_leverage_follows_the_margin_it_is_made_of(account: kit.Account) -> None:
    spy = account.add("SPY", price=100)
    seen = []
    for leverage in (2, 4, 4, 1):
        spy.set_leverage(leverage)
        seen.append(spy.leverage)
    assert seen == [2, 4, 4, 1]


def test_the_margin_of_a_users_own_model_is_asked_wherever_it_stands(account: kit.Account) -> None:
    class Doubled(SecurityMarginModel):
        def get_initial_margin_requirement(self, parameters: InitialMarginParameters) -> float:
            return 2 * float(parameters.quantity)

    spy = account.add("SPY", price=100)
    assert initial_margin_requirement(Doubled(), spy, Decimal(5)) == 10
    one = SecurityMarginModel(2)
    one.get_initial_margin_requirement = lambda parameters: 7.0
    assert initial_margin_requirement(one, spy, Decimal(5)) == 7


def test_the_money_of_a_fill_goes_through_a_users_own_settlement(account: kit.Account) -> None:
    paid = []

    class Noted(ImmediateSettlementModel):
        def apply_funds(self, parameters: object) -> None:
            paid.append(parameters.cash_amount.amount)
            super().apply_funds(parameters)

    spy = account.add("SPY", price=100)
    spy.settlement_model = Noted()
    account.fill(spy, 10, 100, 1)
    spy.settlement_model = ImmediateSettlementModel()
    spy.settlement_model.apply_funds = lambda parameters: paid.append(parameters.utc_time)
    account.fill(spy, 10, 100, 1)

    assert paid == [-1000, kit.START.replace(tzinfo=UTC)]
    assert account.portfolio.cash == 100_000 - 1000 - 2


def test_money_that_waits_is_no_margin_whether_the_value_is_known_or_not() -> None:
    account = kit.Account(account_type=AccountType.CASH, utc=datetime(2014, 1, 17, 15))
    portfolio, spy = account.portfolio, account.add("SPY", price=100)
    for quantity in (100, -60, 20, -40):
        account.fill(spy, quantity, 100)
        asked = []
        for _ in range(2):  # before and after the value is computed
            waiting = portfolio.unsettled_cash_book._total_value_in_account_currency
            asked.append(portfolio._get_margin_remaining(Decimal(100_000)))
            assert asked[-1] == 100_000 - waiting - portfolio._total_margin_used
            assert portfolio._total_portfolio_value
        assert str(asked[0]) == str(asked[1])
    assert portfolio.unsettled_cash == 10_000
