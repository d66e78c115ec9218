"""What the models read of an algorithm: closes of the universe, and the account at each order."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from engine.run import run_backtest

ALGORITHM = """from AlgorithmImports import *

from datetime import datetime, timezone
from types import SimpleNamespace

from algorithm.bridge import Bridge, utc
from algorithm.prices import Closes
from algorithm.protect import protect


class Reading(QCAlgorithm):
    def initialize(self):
        self.set_start_date(2013, 10, 7)
        self.set_end_date(2014, 3, 31)
        self.symbols = [self.add_equity(t, Resolution.DAILY).symbol for t in ("SPY", "IBM")]
        self.closes, self.plain = Closes(20), []
        self.most_orders = 0
        self.readings, self.differences, self.compared = 0, [], 0
        self.protection = protect(self)
        bridge = self.protection.bridge
        kept = bridge.portfolio

        def both():
            account, anew = kept(), bridge._all_positions()
            self.readings += 1
            bridge._listed = {}
            orders = bridge.open_orders()
            if account.positions != anew or account.open_orders != orders:
                self.differences.append((self.time, account, anew, orders))
            self.most_orders = max(self.most_orders, len(orders))
            return account

        bridge.portfolio = both
        self.ends = 0

    def look_at_ends(self):
        tokyo = SimpleNamespace(exchange=SimpleNamespace(time_zone=TimeZones.TOKYO))
        for security in [self.securities[s] for s in self.symbols]:
            last = security.get_last_data()
            for each in (security, tokyo, tokyo, security) if last is not None else ():
                end = Extensions.convert_to_utc(last.end_time, each.exchange.time_zone)
                told = self.protection.bridge._end(each, last)
                assert told == end.replace(tzinfo=timezone.utc), (told, end)
                self.ends += 1

    def look_at_currencies(self):
        spy, ibm = self.symbols
        rates = {"EUR": 1.25, "JPY": 0.0, "GBP": -1.0, "USD": 1.0, "CHF": float("nan")}
        cash = {name: SimpleNamespace(conversion_rate=rate) for name, rate in rates.items()}
        holding = SimpleNamespace(invested=True, quantity=3, average_price=2.0)
        away = SimpleNamespace(invested=False)
        held = {
            Symbol.create(f"{name}{n}", SecurityType.EQUITY, Market.USA): SimpleNamespace(
                holdings=away if n == 2 else holding,
                price=10.0 + n,
                quote_currency=cash[name],
                symbol_properties=SimpleNamespace(contract_multiplier=1 + n),
            )
            for n in range(3)
            for name in rates
        }
        bridge = Bridge(SimpleNamespace(securities=held))
        found = bridge._all_positions()
        for symbol, security in held.items():
            position = found.pop(bridge.key(symbol), None)
            assert (position is None) == (security.holdings is away)
            if position is not None:
                assert position.multiplier == bridge.multiplier(security)
                assert (position.quantity, position.average_price) == (3.0, 2.0)
                assert position.price == security.price
        assert not found
        self.currencies = len(held)
        for moment in (datetime(2013, 1, 2, 3, 4, 5, 6), datetime(2013, 11, 3, 1, 30, fold=1)):
            marked = utc(moment)
            assert marked == moment.replace(tzinfo=timezone.utc)
            assert marked.fold == moment.fold and utc(marked) is marked

    def on_data(self, data):
        self.look_at_ends()
        self.look_at_currencies()
        self.closes.take(data)
        if data.bars.contains_key(self.symbols[0]):
            self.plain.append(data.bars[self.symbols[0]].close)
        for count in (1, 7, 20):
            look = self.closes.last(self.symbols[0], count)
            if look is None:
                assert len(self.plain) < count
                continue
            assert list(look) == self.plain[-count:] and not look.flags.writeable
            self.compared += 1
        for number, symbol in enumerate(self.symbols):
            self.market_order(symbol, 10 if len(self.plain) % 3 else -15)
            self.limit_order(symbol, 1 + number, self.securities[symbol].price * 1.01)
"""


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory, lean_data: Path) -> Any:
    folder = tmp_path_factory.mktemp("readings")
    (folder / "main.py").write_text(ALGORITHM)
    result = run_backtest(folder / "main.py", lean_data, object_store=folder / "store")
    assert result.status == "Completed", result.error
    return result.algorithm


def test_closes_are_the_last_ones_after_every_bar_and_cannot_be_written(run: Any) -> None:
    assert run.compared > 300


def test_every_order_is_judged_on_the_positions_of_its_moment(run: Any) -> None:
    assert run.protection.counts["gate_calls"] > 400
    assert run.readings >= run.protection.counts["gate_calls"]
    assert run.most_orders > 3
    assert run.differences == []


def test_positions_in_several_currencies_carry_the_rate_of_their_own(run: Any) -> None:
    assert run.currencies == 15


def test_ends_of_bars_are_those_of_their_zone_whatever_was_asked_before(run: Any) -> None:
    assert run.ends > 500
