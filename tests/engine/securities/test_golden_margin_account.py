"""Replays the fills of LEAN's golden runs through the account and compares what LEAN logged."""

from __future__ import annotations

import re
import sys
from datetime import date, datetime
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))

import securities_kit as kit

from engine.orders.kinds import LimitOrder, MarketOrder, StopMarketOrder
from engine.securities.buying_power import PatternDayTradingMarginModel
from engine.securities.parameters import (
    GetMaximumOrderQuantityForTargetBuyingPowerParameters,
)
from engine.types.timezones import TimeZones, to_utc

TICKERS = ("AIG", "BAC", "SPY")
NUMBER = re.compile(r"(\w+)=(-?[\d.]+(?:e-?\d+)?)")
HELD = re.compile(r"'(\w+)': \(([^)]*)\)")


class Replay:
    """Walks through the log of a run: prices first, then fills, then what LEAN said."""

    def __init__(self, name: str) -> None:
        self.run = kit.golden(name)
        self.account = kit.Account(cash=50_000)
        self.account.settings.free_portfolio_value_percentage = 0.01
        first, last = date(2008, 8, 29), date(2008, 10, 31)
        self.bars = {ticker: kit.hour_bars(ticker, first, last) for ticker in TICKERS}
        self.securities = {ticker: self.account.add(ticker) for ticker in TICKERS}
        self.securities["BAC"].set_leverage(3)
        if "pdt" in name:
            self.securities["SPY"].set_buying_power_model(PatternDayTradingMarginModel())
        self.fills = [e for e in self.run["order_events"] if float(e["fillQuantity"])]
        self.now = datetime(2008, 9, 2, 13)

    def advance(self, local: datetime) -> None:
        utc = to_utc(local, TimeZones.NEW_YORK)
        if utc == self.now:
            return
        for ticker, bars in self.bars.items():
            for end in sorted(end for end in bars if self.now < end <= utc):
                self.securities[ticker].set_market_price(bars[end])
        self.now = self.account.keeper.utc = utc
        self.account.portfolio._invalidate()

    def take_fill(self) -> None:
        event = self.fills.pop(0)
        security = self.securities[event["symbolValue"]]
        self.account.fill(
            security, event["fillQuantity"], event["fillPrice"], event.get("orderFeeAmount", 0)
        )

    def lines(self):
        for line in self.run["log"]:
            moment, text = line[:19], line[20:]
            if re.match(r"\d{4} ", text):
                yield datetime.strptime(moment, "%Y-%m-%d %H:%M:%S"), text


def close(mine: float, lean: float) -> bool:
    return mine == pytest.approx(lean, rel=1e-12, abs=1e-9)


@pytest.mark.golden
@pytest.mark.parametrize("name", ["10_short_margin", "10_short_margin@account=pdt"])
def test_value_cash_margin_and_holdings_are_those_that_lean_logged(name: str) -> None:
    replay = Replay(name)
    portfolio = replay.account.portfolio
    compared = 0
    for local, text in replay.lines():
        replay.advance(local)
        if "set_leverage(2)" in text:
            replay.securities["BAC"].set_leverage(2)
        if "Status: Filled" in text or "Status: PartiallyFilled" in text:
            replay.take_fill()
        if " value=" not in text:
            continue
        numbers = {key: float(value) for key, value in NUMBER.findall(text)}
        mine = {
            "value": portfolio.total_portfolio_value,
            "cash": portfolio.cash,
            "unsettled": portfolio.unsettled_cash,
            "used": portfolio.total_margin_used,
            "remaining": portfolio.margin_remaining,
            "gross": portfolio.total_holdings_value,
            "net_profit": portfolio.total_net_profit,
            "unrealized": portfolio.total_unrealized_profit,
            "fees": portfolio.total_fees,
        }
        assert len(numbers) >= 2, text
        for key in numbers.keys() & mine.keys():
            assert close(mine[key], numbers[key]), (text, key, mine[key])
        for ticker, values in HELD.findall(text):
            quantity, average, unrealized = (float(v) for v in values.split(","))
            held = portfolio[replay.securities[ticker].symbol]
            assert held.quantity == quantity
            assert close(held.average_price, average)
            assert close(held.unrealized_profit, unrealized), text
        compared += 1
    assert compared >= 5
    assert not replay.fills


def _refusals(run):
    return {
        int(line.split("ids: [")[1].split("]")[0]): line
        for line in run["messages"]["error"]
        if "Reason: Id:" in line
    }


@pytest.mark.golden
@pytest.mark.parametrize("name", ["10_short_margin", "10_short_margin@account=pdt"])
def test_refusals_give_the_margin_numbers_of_lean_to_the_last_digit(name: str) -> None:
    replay = Replay(name)
    replay.advance(datetime(2008, 9, 2, 11))
    replay.take_fill()
    replay.advance(datetime(2008, 9, 2, 12))
    spy, bac = (replay.securities[t].symbol for t in ("SPY", "BAC"))
    now = replay.account.keeper.utc
    orders = {
        2: MarketOrder(spy, 100000, now),
        3: LimitOrder(bac, 100000, 1, now),
        4: StopMarketOrder(bac, -100000, 1, now),
    }
    expected = _refusals(replay.run)

    for order_id, order in orders.items():
        order._set_id(order_id)
        result = replay.account.portfolio.has_sufficient_buying_power_for_order([order])

        assert not result.is_sufficient
        assert f"Reason: {result.reason}." in expected[order_id]


@pytest.mark.golden
def test_quantities_for_targets_are_those_of_lean() -> None:
    replay = Replay("10_short_margin")
    replay.advance(datetime(2008, 9, 2, 11))
    portfolio = replay.account.portfolio
    text = next(t for _, t in replay.lines() if "BAC leverage" in t)
    assert "max quantity +1=1819.0 -1=-1819.0 +2=3639.0" in text
    bac = replay.securities["BAC"]

    quantities = [
        float(
            bac.buying_power_model.get_maximum_order_quantity_for_target_buying_power(
                GetMaximumOrderQuantityForTargetBuyingPowerParameters(
                    portfolio,
                    bac,
                    # as PortfolioTarget.percent does: the buffer taken off, leverage divided out
                    portfolio._total_portfolio_value_less_free_buffer
                    * target
                    / portfolio._total_portfolio_value
                    / bac._leverage,
                    0,
                )
            )._quantity
        )
        for target in (1, -1, 2)
    ]

    assert quantities == [1819, -1819, 3639]
