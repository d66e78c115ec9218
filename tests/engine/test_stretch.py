"""Steps that run in one go give what the full step gives, whatever callbacks do in between."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from engine import quiet, step, stretch
from engine.run import run_backtest

_BEGIN = """from AlgorithmImports import *


class Own(NullAlphaModel):
    def update(self, algorithm, data):
        algorithm.log(f"alpha {len(data.bars)}")
        return []


class Interest:
    def apply_margin_interest_rate(self, parameters):
        cash = parameters.security.quote_currency
        cash.add_amount(-1)


class Bars(QCAlgorithm):
    def initialize(self):
        self.set_start_date(2013, 10, 7)
        self.set_end_date(2013, 10, 9)
        self.set_cash(100000)
        self.count = 0
        self.begin()

    def tell(self, what=""):
        self.log(f"{what} {self.time} {self.utc_time} {self.portfolio.total_portfolio_value!r}")
"""
_MINUTES = """
    def begin(self):
        self.spy = self.add_equity("SPY", Resolution.MINUTE).symbol
        self.fast = self.ema(self.spy, 5, Resolution.MINUTE)
        self.slow = self.sma(self.spy, 20, Resolution.MINUTE)
        self.fast.updated += lambda _, point: self.count % 97 or self.log(str(point.value))
        self.consolidate(self.spy, timedelta(minutes=15), lambda bar: self.tell(str(bar)))

    def on_data(self, data):
        self.count += 1
        assert self.current_slice is data
        bar = data.bars[self.spy]
        self.plot("Chart", "Close", self.securities[self.spy].close)
        if self.count % 50 == 0:
            self.tell(f"{bar} {self.fast.current} {self.fast.previous.value} {self.slow.window[1]}")
        self.act(data)
"""
_ACTS = {
    "trades": """
        if self.count % 40 == 10:
            self.set_holdings(self.spy, 0.9)
        elif self.count % 40 == 25:
            self.limit_order(self.spy, -10, round(bar.close * 1.0005, 2))
            self.stop_market_order(self.spy, -10, round(bar.close * 0.9995, 2))
        elif self.count % 40 == 39:
            self.liquidate()
""",
    "subscribes": """
        if self.count == 20:
            self.add_equity("AAPL", Resolution.MINUTE)
        if self.count == 60:
            self.remove_security("AAPL")
        if self.count == 100:
            self.add_equity("IBM", Resolution.DAILY)
        if self.count == 130:
            self.consolidate(self.spy, Resolution.HOUR, lambda bar: self.tell(str(bar)))
        if self.count == 200:
            self.extra = self.rsi(self.spy, 14, resolution=Resolution.MINUTE)
        if self.count > 220 and self.count % 30 == 0:
            self.tell(str(self.extra))
""",
    "schedules": """
        if self.count % 100 == 5:
            at = self.time + timedelta(minutes=3)
            self.schedule.on(
                self.date_rules.today, self.time_rules.at(at.hour, at.minute),
                lambda: (self.tell("event"), self.market_order(self.spy, 1)))
""",
    "changes models": """
        if self.count == 100:
            self.set_alpha(Own())
        if self.count == 130:
            self.set_alpha(NullAlphaModel())
        if self.count == 200:
            self.securities[self.spy].set_volatility_model(
                StandardDeviationOfReturnsVolatilityModel(10))
        if self.count > 200 and self.count % 60 == 0:
            self.tell(str(self.securities[self.spy].volatility_model.volatility))
        if self.count == 150:
            self.emit_insights(Insight.price(self.spy, timedelta(minutes=30), InsightDirection.UP))
            self.execution._targets.add(PortfolioTarget(self.spy, 3))
        if self.count == 300:
            self.portfolio.set_cash("EUR", 1000, 1.3)
        if self.count == 350:
            self.portfolio.cash_book["USD"].add_amount(-50)
""",
    "looks where the feed is": """
        if self.count % 50 == 25:
            feed = self._engine.feed
            feed._no_band()
            next_due = [held.due - feed._now for held in feed._subscriptions]
            self.log(f"{self.time} {feed._now} {next_due}")
""",
    "keeps slices": """
        kept = self.__dict__.setdefault("kept", [])
        if self.count % 3 == 0:
            kept.append((data, self.time, bar, data.bars))
        elif self.count % 7 == 0:
            kept.append((data, self.time, bar, None))
            self.current_slice = None
        if self.count % 90 == 0:
            for held, time, bar, bars in kept:
                assert held.time == time and held[self.spy] is bar and held.all_data[0] is bar
                assert bars is None or (held.bars is bars and bars[self.spy] is bar)
                self.log(f"{held.time} {held.utc_time} {held.bars[self.spy]}")
""",
    "loses everything": """
        if self.count == 150:
            self.market_order(self.spy, 100)
        if self.count == 170:
            self.portfolio.cash_book["USD"].add_amount(-200000)
""",
    "quits": """
        if self.count == 150:
            self.quit("enough")
""",
    "fails": """
        if self.count == 150:
            raise ValueError("asked for")
""",
}
_OTHERS = {
    "pairs": """
    def begin(self):
        self.set_start_date(2014, 5, 1)
        self.set_end_date(2014, 5, 3)
        self.pair = self.add_forex("EURUSD", Resolution.MINUTE, Market.OANDA).symbol
        self.mean = self.sma(self.pair, 20, Resolution.MINUTE)
        self.set_benchmark(lambda moment: 1)

    def on_data(self, data):
        self.count += 1
        if self.count % 100 == 0:
            self.market_order(self.pair, 1000 if self.count % 200 else -500)
            self.tell(str(self.mean))
""",
    "daily bars between hourly ones of the benchmark": """
    def begin(self):
        self.set_start_date(2012, 12, 1)
        self.set_end_date(2013, 2, 28)
        self.set_warm_up(10, Resolution.DAILY)
        self.spy = self.add_equity("SPY", Resolution.DAILY).symbol
        self.ibm = self.add_equity("IBM", Resolution.DAILY).symbol
        self.schedule.on(self.date_rules.every_day(), self.time_rules.at(11, 30), self.look)

    def look(self):
        self.tell(str(self.securities[self.spy].price))
        if self.count % 5 == 1 and not self.is_warming_up:
            self.limit_order(self.ibm, 10, 500)

    def on_data(self, data):
        self.count += 1
        if self.count % 3 == 0:
            self.set_holdings(self.spy, 0.5 if self.count % 2 else -0.3)

    def on_order_event(self, event):
        self.tell(f"{event} {len(self.current_slice.bars)}")
""",
    "daily bars on a margin that nearly fails": """
    def begin(self):
        self.set_start_date(2008, 9, 1)
        self.set_end_date(2008, 12, 31)
        self.spy = self.add_equity("SPY", Resolution.DAILY, leverage=6).symbol
        self.ibm = self.add_equity("IBM", Resolution.DAILY, leverage=6).symbol
        self.schedule.on(self.date_rules.every_day(), self.time_rules.at(12, 10), self.look)
        self.schedule.on(self.date_rules.every_day(), self.time_rules.midnight, self.look)

    def look(self):
        spy = self.securities[self.spy]
        self.tell(f"{spy.price} {spy.open} {spy.volume} {spy.get_last_data()}")
        self.count += 1
        if self.count == 20:
            spy.margin_interest_rate_model = Interest()
        elif self.count == 24:
            spy.margin_interest_rate_model = MarginInterestRateModel.NULL
        elif self.count == 30:
            spy.set_volatility_model(StandardDeviationOfReturnsVolatilityModel(10))
        elif self.count == 34:
            spy.set_volatility_model(VolatilityModel.NULL)
        elif self.count == 40:
            self.portfolio.set_cash("EUR", 10, 1.3)
        elif self.count == 50:
            self.near = self.sma(self.spy, 3, Resolution.DAILY)
        elif self.count % 9 == 0:
            self.market_on_open_order(self.spy, 5)
            self.limit_order(self.spy, -7, round(spy.price * 1.01, 2))

    def on_margin_call_warning(self):
        self.tell("near")

    def on_margin_call(self, requests):
        self.tell(f"call {[str(r) for r in requests]}")
        return requests

    def on_data(self, data):
        if not self.portfolio.invested:
            self.set_holdings(self.spy, 3.2)
            self.set_holdings(self.ibm, 1.6)

    def on_end_of_algorithm(self):
        for trade in self.trade_builder.closed_trades:
            self.log(f"{trade.mae} {trade.mfe} {trade.end_trade_drawdown}")
""",
}
_SILENT = {name for name in _OTHERS if name.startswith("daily")}
_BODIES = {name: _MINUTES + "\n    def act(self, data):\n        bar = data.bars[self.spy]" + act
           for name, act in _ACTS.items()} | _OTHERS  # fmt: skip


def _linked(source: Path, target: Path, *inside: str) -> Path:
    """Make a folder of links to all of ``source``; go into the folders ``inside``, one by one."""
    target.mkdir()
    for path in source.iterdir():
        if inside and path.name == inside[0]:
            _linked(path, target / path.name, *inside[1:])
        elif not path.name.endswith("_quote.zip"):
            (target / path.name).symlink_to(path)
    return target


@pytest.fixture(scope="module")
def trades_only(lean_data: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the sample data without SPY's quotes: its trades alone come every minute."""
    folder = tmp_path_factory.mktemp("stretch") / "data"
    return _linked(lean_data, folder, "equity", "usa", "minute", "spy")


@pytest.mark.parametrize("quotes", [False, True])
@pytest.mark.parametrize("name", list(_BODIES))
def test_steps_in_one_go_are_the_full_steps(
    name: str,
    quotes: bool,
    trades_only: Path,
    lean_data: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    data = lean_data if quotes else trades_only
    path = tmp_path / "main.py"
    path.write_text(_BEGIN + _BODIES[name])
    steps: list[int] = []
    run_stretch, run_quiet = stretch.run_stretch, quiet.run_quiet

    def counted(stepper: Any, band: Any, count: int, asked: Any) -> bool:
        before = stepper.feed.data_points
        try:
            return run_stretch(stepper, band, count, asked)
        finally:
            steps.append(stepper.feed.data_points - before)

    def counted_quiet(stepper: Any, band: Any, count: int) -> int | None:
        done = run_quiet(stepper, band, count)
        steps.append(done or 0)
        silent.append(done or 0)
        return done

    silent: list[int] = []
    monkeypatch.setattr(step, "run_stretch", counted)
    monkeypatch.setattr(step, "run_quiet", counted_quiet)
    results = []
    for quick in (True, False):
        monkeypatch.setattr(step.Stepper, "quick", quick)
        done = run_backtest(path, data, object_store=tmp_path / str(quick))
        content = {k: v for k, v in done.content.items() if k != "engine_seconds"}
        results.append((done.status, done.error, content))
        if quick:
            taken = sum(steps)
    assert results[0] == results[1]
    assert sum(steps) == taken > 100, "only the quick run goes through stretches"
    assert results[0][2]["log"]
    # minutes of the algorithm's own data are never silent
    assert bool(sum(silent)) == (name in _SILENT)
    assert (results[0][0] == "RuntimeError") == (name == "fails")
