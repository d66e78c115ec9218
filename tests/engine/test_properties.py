"""Laws of a run: the books balance after every fill, no look-ahead, the same bytes again."""

from __future__ import annotations

import json
import random
import sys
import tempfile
from pathlib import Path
from typing import Any

from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from engine.run import run_backtest

sys.path.insert(0, str(Path(__file__).parent / "run"))

from datetime import UTC

import run_kit as kit

STREAM = """from AlgorithmImports import *

import json


class Stream(QCAlgorithm):
    def initialize(self):
        self.set_start_date(2013, 1, 2)
        self.set_end_date(2013, 3, 1)
        self.set_cash(100000)
        self.set_benchmark(lambda moment: 0)
        self.symbol = self.add_equity("AAA", Resolution.DAILY).symbol
        self.orders = json.loads(self.get_parameter("orders", "[]"))
        self.worst = 0.0
        self.own_cash, self.own_shares = 100000.0, 0.0
        self.filled = 0
        self.seen = []

    def on_data(self, data):
        bar = data.bars.get(self.symbol)
        self.seen.append([str(self.time), None if bar is None else bar.close])
        if bar is None or not self.orders:
            return
        kind, quantity, offset = self.orders.pop(0)
        price = round(bar.close * (1 + offset), 2)
        if kind == 0:
            self.market_order(self.symbol, quantity)
        elif kind == 1:
            self.limit_order(self.symbol, quantity, price)
        elif kind == 2:
            self.stop_market_order(self.symbol, quantity, price)
        elif kind == 3:
            self.market_on_open_order(self.symbol, quantity)
        elif kind == 4:
            self.set_holdings(self.symbol, quantity / 1000)
        else:
            self.liquidate(self.symbol)

    def on_order_event(self, event):
        if not event.fill_quantity:
            return
        self.filled += 1
        # books of our own, from nothing but what the events say
        self.own_cash -= event.fill_quantity * event.fill_price + event.order_fee.value.amount
        self.own_shares += event.fill_quantity
        book = self.portfolio
        holding = book[self.symbol]
        price = self.securities[self.symbol].price
        for gap in (
            book.cash + holding.quantity * price - book.total_portfolio_value,
            book.cash - self.own_cash,
            holding.quantity - self.own_shares,
        ):
            self.worst = max(self.worst, abs(gap))
"""
ORDERS = st.lists(
    st.tuples(
        st.integers(0, 5),
        st.integers(-600, 600).filter(bool),
        st.sampled_from([-0.02, -0.005, 0.0, 0.005, 0.02]),
    ),
    min_size=1,
    max_size=40,
)
QUICK = settings(
    max_examples=12, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)


def _run(lean_data: Path, orders: Any, lines: list[str] | None = None) -> Any:
    with tempfile.TemporaryDirectory() as folder:
        place = Path(folder)
        data = kit.make_folder(place / "data", lean_data, lines)
        path = kit.write_algorithm(place / "algo", STREAM)
        result = run_backtest(
            path,
            data,
            parameters={"orders": json.dumps(orders)},
            object_store=place / "store",
            output=place / "out",
        )
        assert result.status == "Completed", result.error
        text = (place / "out" / "result.json").read_text()
    return result, text


@QUICK
@given(orders=ORDERS)
def test_cash_and_holdings_are_the_equity_after_every_fill(orders: Any, lean_data: Path) -> None:
    result, _ = _run(lean_data, orders)
    assert result.algorithm.worst <= 1e-6


def test_the_streams_do_fill(lean_data: Path) -> None:
    result, _ = _run(lean_data, [[0, 100, 0], [1, -50, 0.0], [5, 1, 0], [3, -70, 0]])
    assert result.algorithm.filled >= 3


@settings(QUICK, max_examples=6)
@example(cut=5, seed=10, orders=[(4, 277, -0.02), (0, -194, -0.02), (0, -416, -0.02)])
@example(cut=5, seed=0, orders=[(0, 1, -0.02), (0, -194, -0.02), (0, -183, -0.02)])
@given(cut=st.integers(5, 35), seed=st.integers(0, 10_000), orders=ORDERS)
def test_what_comes_later_changes_nothing_before(
    cut: int, seed: int, orders: Any, lean_data: Path
) -> None:
    lines = kit.rows()
    chance = random.Random(seed)
    garbage = []
    for line in lines[cut:]:
        low = chance.randrange(1, 4_000_000)
        cells = [low + 7, low + 20, low, low + 11, chance.randrange(10**7)]
        garbage.append(f"{line.split(',')[0]},{','.join(map(str, cells))}")
    true, _ = _run(lean_data, orders, lines)
    other, _ = _run(lean_data, orders, lines[:cut] + garbage)
    assert true.algorithm.seen[:cut] == other.algorithm.seen[:cut]
    # a daily bar ends at 16:00 New York: 21:00 UTC, and is only known from then on
    day = lines[cut].split(" ")[0]
    moment = f"{day[:4]}-{day[4:6]}-{day[6:]}"

    def before(result: Any) -> list[Any]:
        return [e for e in result.content["order_events"] if _day(e["time"]) < moment]

    assert before(true) == before(other)


def _day(unix: float) -> str:
    from datetime import datetime

    return f"{datetime.fromtimestamp(unix, UTC):%Y-%m-%d}"


@settings(QUICK, max_examples=4)
@given(orders=ORDERS)
def test_the_same_run_gives_the_same_bytes(orders: Any, lean_data: Path) -> None:
    def fixed(text: str) -> str:
        content = json.loads(text)
        content.pop("engine_seconds")
        return json.dumps(content)

    assert fixed(_run(lean_data, orders)[1]) == fixed(_run(lean_data, orders)[1])
