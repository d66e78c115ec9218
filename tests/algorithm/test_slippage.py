"""The slippage model under the embedded engine: what it charges, and that it is total."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.run import run_backtest

ALGORITHM = """from AlgorithmImports import *

from algorithm.slippage import CalibratedSlippage


class Sliding(QCAlgorithm):
    def initialize(self):
        self.set_start_date(2013, {first}, 7)
        self.set_end_date(2013, 10, {last})
        self.set_cash(100_000_000)
        self.set_benchmark(lambda moment: 0)
        self.spy = self.add_equity("SPY", Resolution.{resolution}).symbol
        {model}
        self.bac = self.add_equity("BAC", Resolution.{resolution}).symbol
        self.fills = []
        self.bars = 0

    def on_data(self, data):
        if not data.bars.contains_key(self.bac):
            return
        self.bars += 1
        if self.bars in ({at},):
            self.market_order(self.spy, 100_000)
            self.market_order(self.bac, -100)

    def on_order_event(self, event):
        if event.status == OrderStatus.FILLED:
            security = self.securities[event.symbol]
            self.fills.append(
                (event.symbol.value, event.fill_price, security.bid_price, security.ask_price,
                 security.price)
            )
"""
OURS = "self.slippage = CalibratedSlippage(self)"


def run(folder: Path, data: Path, **given: Any) -> Any:
    given = {
        "resolution": "MINUTE",
        "first": 10,
        "last": 7,
        "at": "120, 121",
        "model": OURS,
    } | given
    folder.mkdir()
    (folder / "main.py").write_text(ALGORITHM.format(**given))
    result = run_backtest(folder / "main.py", data, object_store=folder / "store")
    assert result.status == "Completed", result.error
    return result.algorithm


@pytest.fixture(scope="module")
def minute(tmp_path_factory: pytest.TempPathFactory, lean_data: Path) -> Any:
    return run(tmp_path_factory.mktemp("slippage") / "minute", lean_data)


def test_with_quotes_only_the_impact_is_added_to_the_ask(minute: Any) -> None:
    assert minute.slippage.failures == 0
    assert minute.slippage.asked == 4
    model = minute.slippage.model
    assert {model.predict(str(s.id), 1).source for s in (minute.spy, minute.bac)} == {"quotes"}
    bought = [f for f in minute.fills if f[0] == "SPY"]
    sold = [f for f in minute.fills if f[0] == "BAC"]
    for _, price, _, ask, _ in bought:
        assert 0.2e-4 < price / ask - 1 < 5e-4  # 100,000 shares: about half a minute's volume
    for _, price, bid, _, last in sold:
        assert 0 <= 1 - price / bid < 1e-4
        assert price < last


def test_the_half_spread_it_knows_is_that_of_the_quotes(minute: Any) -> None:
    model = minute.slippage.model
    # one cent at the prices of that day: 0.30 and 3.6 basis points
    assert model.predict(str(minute.spy.id), 1).half_spread == pytest.approx(0.3e-4, rel=0.1)
    assert model.predict(str(minute.bac.id), 1).half_spread == pytest.approx(3.6e-4, rel=0.1)


def test_without_quotes_the_spread_comes_from_bars(tmp_path: Path, lean_data: Path) -> None:
    span = {"resolution": "DAILY", "first": 6, "last": "31", "at": "60"}
    ours = run(tmp_path / "daily", lean_data, **span)
    bare = run(tmp_path / "bare", lean_data, **span, model="")
    assert ours.slippage.failures == 0
    assert ours.slippage.model.predict(str(ours.spy.id), 1).source == "bars"
    charged, plain = ({f[0]: f[1] for f in a.fills} for a in (ours, bare))
    assert len(charged) == 2
    assert 0 < charged["SPY"] / plain["SPY"] - 1 < 0.005
    assert 0 < 1 - charged["BAC"] / plain["BAC"] < 0.005


ODD = st.one_of(st.none(), st.floats(), st.text(max_size=3), st.just(object()))


class Bag:
    def __init__(self, **values: Any) -> None:
        self.__dict__.update(values)


@settings(max_examples=80, deadline=None)
@given(price=ODD, quantity=ODD, symbol=ODD, real=st.booleans())
def test_the_answer_is_a_finite_number_whatever_is_asked(
    minute: Any, price: Any, quantity: Any, symbol: Any, real: bool
) -> None:
    asset = minute.securities["SPY"] if real else Bag(price=price, symbol=symbol)
    answer = minute.slippage.get_slippage_approximation(asset, Bag(quantity=quantity))
    assert type(answer) is float
    assert math.isfinite(answer)
    assert answer >= 0
