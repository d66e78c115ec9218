"""Replays a golden cash account of coins: fees in the quote currency, reservations, refusals."""

from __future__ import annotations

import ast
import re
import sys
from datetime import date, datetime
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))

import securities_kit as kit

from engine.orders.kinds import (
    LimitOrder,
    MarketOrder,
    StopLimitOrder,
    StopMarketOrder,
)
from engine.securities.fees.base import OrderFeeParameters
from engine.securities.parameters import (
    GetMaximumOrderQuantityForTargetBuyingPowerParameters,
)
from engine.types.enums import AccountType, BrokerageName, SecurityType

NOON = datetime(2018, 4, 4)


class Coins:
    """The Coinbase account of the run, before its first bar."""

    def __init__(self) -> None:
        self.run = kit.golden("07_crypto_cash")
        self.account = kit.Account(BrokerageName.COINBASE, AccountType.CASH, 10_000, NOON)
        self.account.portfolio.set_cash("ETH", 2.5, 0)
        self.coin = self.account.add("BTCUSD", SecurityType.CRYPTO, "coinbase")
        self.other = self.account.add("ETHUSD", SecurityType.CRYPTO, "coinbase")
        made = self.account.portfolio.cash_book._ensure_currency_data_feeds(
            self.account.securities,
            self.account.service._properties,
            self.account.model.default_markets,
            self._no_security,
        )
        assert made == []
        self.bars = [
            (security, kit.coin_bars(ticker, date(2018, 4, 4)))
            for security, ticker in ((self.coin, "BTCUSD"), (self.other, "ETHUSD"))
        ]
        self.now = NOON
        self.fills = [e for e in self.run["order_events"] if float(e["fillQuantity"])]
        self.refused = {
            int(line.split("ids: [")[1].split("]")[0]): line
            for line in self.run["messages"]["error"]
            if "ids: [" in line
        }

    @staticmethod
    def _no_security(symbol):
        raise AssertionError(f"{symbol} is not needed: both coins have a dollar pair")

    def advance(self, moment: datetime) -> None:
        for security, bars in self.bars:
            for end in sorted(end for end in bars if self.now < end <= moment):
                for bar in bars[end]:
                    security._update(None, bar)
        self.now = self.account.keeper.utc = moment
        self.account.portfolio.cash_book._update_conversions()
        self.account.portfolio._invalidate()

    def take_fill(self) -> None:
        event = self.fills.pop(0)
        self.account.fill(
            self.coin,
            event["fillQuantity"],
            event["fillPrice"],
            event["orderFeeAmount"],
            event["orderFeeCurrency"],
        )
        self.account.portfolio.cash_book._update_conversions()

    def judge(self, order, order_id: int):
        order._set_id(order_id)
        return self.account.portfolio.has_sufficient_buying_power_for_order([order])

    def assert_refused(self, order, order_id: int) -> None:
        result = self.judge(order, order_id)
        assert not result.is_sufficient
        assert f"Reason: {result.reason}." in self.refused[order_id]


@pytest.mark.golden
def test_cash_value_and_holdings_are_those_that_lean_logged() -> None:
    coins = Coins()
    compared = 0
    for line in coins.run["log"]:
        moment = datetime.strptime(line[:19], "%Y-%m-%d %H:%M:%S")
        if moment >= datetime(2018, 4, 5):
            break
        if not re.match(r"\d{4} ", line[20:]):
            continue
        if moment > coins.now:
            coins.advance(moment)
        if "Status: Filled" in line:
            coins.take_fill()
        match = re.search(r"bar price=(\S+) .* cash (\{.*\}) holdings=(\S+) value=(\S+)", line)
        if match is None:
            continue
        portfolio = coins.account.portfolio
        cash = ast.literal_eval(match[2])
        assert coins.coin.price == pytest.approx(float(match[1]), rel=1e-12)
        assert {p.key for p in portfolio.cash_book} == set(cash)
        for code, amount in cash.items():
            assert portfolio.cash_book[code].amount == pytest.approx(amount, rel=1e-12, abs=1e-9)
        assert coins.coin.holdings.quantity == pytest.approx(float(match[3]), rel=1e-12)
        assert portfolio.total_portfolio_value == pytest.approx(float(match[4]), rel=1e-12)
        compared += 1
    assert compared >= 8


@pytest.mark.golden
def test_refusals_name_what_lean_names() -> None:
    coins = Coins()
    coin, other = coins.coin.symbol, coins.other.symbol
    coins.advance(datetime(2018, 4, 4, 0, 2))
    coins.take_fill()
    coins.assert_refused(MarketOrder(coin, 100, coins.now), 2)
    coins.assert_refused(MarketOrder(coin, -5, coins.now), 3)
    coins.assert_refused(LimitOrder(other, -50, 419.14, coins.now), 4)

    coins.advance(datetime(2018, 4, 4, 0, 5))
    coins.take_fill()
    waiting = [
        LimitOrder(coin, 0.05, 7367.98, coins.now),
        LimitOrder(coin, 0.05123456, 7368.89, coins.now),
        LimitOrder(coin, -0.74199029, 7553.1, coins.now),
    ]
    for order_id, order in enumerate(waiting, 6):
        assert coins.judge(order, order_id).is_sufficient
        coins.account.transactions.open.append(order)
    coins.assert_refused(LimitOrder(coin, -0.74199029, 7627.15, coins.now), 9)

    coins.advance(datetime(2018, 4, 4, 0, 6))
    coins.assert_refused(StopMarketOrder(coin, -0.01, 7330.94, coins.now), 10)
    coins.assert_refused(StopLimitOrder(coin, -0.01, 7330.94, 7293.92, coins.now), 11)

    coins.advance(datetime(2018, 4, 4, 0, 10))
    coins.assert_refused(MarketOrder(coin, 0.74073314, coins.now), 12)


@pytest.mark.golden
def test_fees_of_market_orders_are_those_of_lean_to_the_last_digit() -> None:
    coins = Coins()
    for minute in (2, 5, 40):
        coins.advance(datetime(2018, 4, 4, 0, minute))
        event = coins.fills[0]
        order = MarketOrder(coins.coin.symbol, event["fillQuantity"], coins.now)
        fee = coins.coin.fee_model.get_order_fee(OrderFeeParameters(coins.coin, order)).value

        assert (fee._amount, fee.currency) == (event["orderFeeAmount"], "USD")
        coins.take_fill()


@pytest.mark.golden
def test_set_holdings_of_half_the_portfolio_counts_fee_and_buffer() -> None:
    coins = Coins()
    coins.advance(datetime(2018, 4, 4, 0, 2))
    coins.take_fill()
    coins.advance(datetime(2018, 4, 4, 0, 5))
    portfolio = coins.account.portfolio
    share = portfolio._total_portfolio_value_less_free_buffer / portfolio._total_portfolio_value

    result = coins.coin.buying_power_model.get_maximum_order_quantity_for_target_buying_power(
        GetMaximumOrderQuantityForTargetBuyingPowerParameters(portfolio, coins.coin, share / 2, 0)
    )

    assert result._quantity == coins.fills[0]["fillQuantity"]
