"""Gauges fed from what an algorithm sees: on real minutes, and on minutes with one thing wrong."""

from __future__ import annotations

import zipfile
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from engine.run import run_backtest
from protection.contracts import HostClock, ProtectionSettings
from protection.system import ProtectionSystem

ALGORITHM = """from AlgorithmImports import *

from algorithm.protect import protect


class Minutes(QCAlgorithm):
    def initialize(self):
        self.set_start_date(2013, 10, {first})
        self.set_end_date(2013, 10, 11)
        self.set_cash(1_000_000)
        self.symbols = [
            self.add_equity(ticker, Resolution.{resolution}).symbol
            for ticker in ("SPY", "IBM", "AIG", "BAC")
        ]
        {more}
        self.steps = 0
        self.protection = protect(self, {given})

    def on_data(self, data):
        self.steps += 1
        if self.steps % 30 == 0:
            symbol = self.symbols[self.steps // 30 % 4]
            self.market_order(symbol, 100 if self.steps // 120 % 2 else -100)
"""
LAST = "20131011"
Row = list[str]


@pytest.fixture
def run(lean_data: Path, tmp_path: Path) -> Callable[..., Any]:
    def make(
        data: Path = lean_data,
        *,
        given: str = "",
        more: str = "pass",
        resolution: str = "MINUTE",
        first: int = 4,
    ) -> Any:
        text = ALGORITHM.format(given=given, more=more, resolution=resolution, first=first)
        (tmp_path / "main.py").write_text(text)
        result = run_backtest(tmp_path / "main.py", data, object_store=tmp_path / "store")
        assert result.status == "Completed", result.error
        assert not result.algorithm.protection.counts["feed_errors"]
        assert not result.algorithm.protection.counts["heartbeat_errors"]
        return result

    return make


@pytest.fixture
def changed(
    lean_data: Path, tmp_path: Path
) -> Callable[[str, Callable[[int, Row], Row | None]], Path]:
    """LEAN's sample data with the minutes of one symbol changed on the last day."""

    def make(ticker: str, change: Callable[[int, Row], Row | None]) -> Path:
        target = tmp_path / "data"
        deep = ("", "equity", "equity/usa", "equity/usa/minute")
        for folder in deep:
            (target / folder).mkdir(parents=True, exist_ok=True)
            for path in (lean_data / folder).iterdir():
                inner = f"{folder}/{path.name}".strip("/")
                if inner not in (*deep, f"equity/usa/minute/{ticker}"):
                    (target / inner).symlink_to(path)
        own = target / "equity/usa/minute" / ticker
        own.mkdir()
        for path in (lean_data / "equity/usa/minute" / ticker).iterdir():
            if not path.name.startswith(LAST):
                (own / path.name).symlink_to(path)
                continue
            with zipfile.ZipFile(path) as archive:
                name = archive.namelist()[0]
                rows = [line.split(",") for line in archive.read(name).decode().splitlines()]
            made = (change(int(row[0]) // 60_000 - 570, row) for row in rows)
            with zipfile.ZipFile(own / path.name, "w") as archive:
                archive.writestr(name, "\n".join(",".join(row) for row in made if row is not None))
        return target

    return make


def scaled(row: Row, factor: float) -> Row:
    """All prices of a bar of trades (6 columns) or quotes (11) times a factor."""
    prices = (1, 2, 3, 4) if len(row) == 6 else (1, 2, 3, 4, 6, 7, 8, 9)
    return [
        str(round(float(text) * factor)) if at in prices and text else text
        for at, text in enumerate(row)
    ]


def story(result: Any, gauge: str) -> list[tuple[str, str, str, str]]:
    """Scope, time of day in New York and states of each transition."""
    found = []
    for event in result.algorithm.protection.system.events:
        if event.breaker == gauge:
            local = (event.time - timedelta(hours=4)).strftime("%d %H:%M")
            scope = event.scope.removeprefix("symbol:").split(" ")[0]
            found.append((scope, local, event.before, event.after))
    return found


def test_an_ordinary_week_of_minutes_trips_nothing_and_changes_no_order(
    run: Callable[..., Any],
) -> None:
    fed = run()
    bare = run(given='feeds="off"')

    assert fed.algorithm.protection.feeds.active
    assert not bare.algorithm.protection.feeds.active
    assert not fed.algorithm.protection.system.events
    assert fed.content["orders"] == bare.content["orders"]
    assert len(fed.content["orders"]) > 70


def test_daily_bars_feed_nothing_and_cost_nothing(run: Callable[..., Any]) -> None:
    result = run(resolution="DAILY", first=1)

    assert not result.algorithm.protection.feeds.active
    assert set(result.algorithm.protection.system.snapshot()["board"]["gauges"]) == set()


def test_a_fall_of_the_index_by_seven_per_cent_halts_for_a_quarter_of_an_hour(
    run: Callable[..., Any], changed: Callable[..., Path]
) -> None:
    # from 10:30 on 8% lower, in steps of a tenth of a per cent a minute, back at 12:00
    def fall(minute: int, row: Row) -> Row:
        down = 0.001 * min(max(minute - 60, 0), 80) if minute < 150 else 0.0
        return scaled(row, 1.0 - down)

    result = run(changed("spy", fall))

    told = story(result, "market_wide")
    assert [(before, after) for _, _, before, after in told] == [
        ("closed", "open"),
        ("open", "cooldown"),
        ("cooldown", "closed"),
    ]
    assert {scope for scope, *_ in told} == {"portfolio"}
    begun, ended = (datetime.strptime(told[at][1], "%d %H:%M") for at in (0, 1))
    assert "11 11:" in told[0][1]
    assert ended - begun == timedelta(minutes=15)


def test_a_price_at_its_band_freezes_the_share(
    run: Callable[..., Any], changed: Callable[..., Path]
) -> None:
    result = run(
        changed("ibm", lambda minute, row: scaled(row, 0.85 if 60 <= minute < 63 else 1.0))
    )

    told = story(result, "luld")
    assert told[0][0] == "IBM"
    assert told[0][1] == "11 10:32"  # the second close at the band: longer than 15 seconds
    assert told[0][2:] == ("closed", "open")
    assert told[-1][3] == "closed"


def test_a_stormy_hour_freezes_the_share_and_lets_it_go_again(
    run: Callable[..., Any], changed: Callable[..., Path]
) -> None:
    def storm(minute: int, row: Row) -> Row:
        return scaled(row, 1.0 + (0.003 if 120 <= minute < 180 and minute % 2 else 0.0))

    told = story(run(changed("aig", storm)), "volatility_spike")

    assert {scope for scope, *_ in told} == {"AIG"}
    assert "11 11:30" < told[0][1] < "11 11:36"
    assert told[0][2:] == ("closed", "open")
    assert told[-1][3] == "closed"
    assert "11 12:30" < told[-1][1] < "11 12:55"


def test_a_share_that_falls_silent_while_the_others_trade_is_frozen_until_it_is_heard(
    run: Callable[..., Any], changed: Callable[..., Path]
) -> None:
    result = run(changed("bac", lambda minute, row: None if 60 <= minute < 90 else row))

    told = story(result, "mute_feed")  # NB is what BAC was called first
    assert told == [
        ("NB", "11 10:34", "closed", "open"),
        ("NB", "11 11:01", "open", "cooldown"),
        ("NB", "11 11:01", "cooldown", "closed"),
    ]


def test_dear_fills_make_the_next_orders_smaller(run: Callable[..., Any]) -> None:
    model = (
        "self.set_security_initializer("
        "lambda s: s.set_slippage_model(ConstantSlippageModel(0.003)))\n"
        "        for s in self.symbols: self.securities[s].set_slippage_model("
        "ConstantSlippageModel(0.003))"
    )
    result = run(more=model)

    told = story(result, "slippage")
    assert {scope for scope, *_ in told} == {"SPY", "IBM", "AIG", "NB"}
    assert told[0][2:] == ("closed", "open")
    value = result.algorithm.protection.system.events[0].evidence["value"]
    assert 30.0 < value < 36.0  # the model's 30 and half a spread
    assert not story(result, "slippage_high")  # 30 bps are above 20 and below 50


@pytest.mark.parametrize("resolution", ["MINUTE", "DAILY"])
def test_a_calendar_halves_the_size_around_an_announcement(
    run: Callable[..., Any], tmp_path: Path, resolution: str
) -> None:
    calendar = tmp_path / "news.csv"
    calendar.write_text(
        "# minutes of the Fed, then earnings\n"
        "2013-10-09T16:00:00-04:00, 120, 60\n"
        "2013-10-10T16:00:00-04:00, 30, 15, IBM\n"
    )
    result = run(given=f'news="{calendar}"', resolution=resolution)

    told = story(result, "news")
    opened = [(scope, time) for scope, time, _, after in told if after == "open"]
    if resolution == "MINUTE":
        assert opened == [("portfolio", "09 14:00"), ("IBM", "10 15:30")]
    else:
        assert opened == [("portfolio", "09 16:00"), ("IBM", "10 16:00")]
    assert len(told) == 6  # each ends by itself


def test_sizes_of_the_book_are_looked_at_only_when_asked_for(run: Callable[..., Any]) -> None:
    result = run(given='feeds="imbalance"')

    known = result.algorithm.protection.system.snapshot()["board"]["gauges"]
    assert {row[0] for row in known} == {"imbalance"}  # SPY's sides differ by half the limit


@pytest.mark.parametrize("given", ['feeds="vpin, nonsense"', 'news="no such calendar"'])
def test_feeds_that_cannot_be_are_refused_in_one_sentence(
    lean_data: Path, tmp_path: Path, given: str
) -> None:
    text = ALGORITHM.format(given=given, more="pass", resolution="MINUTE", first=4)
    (tmp_path / "main.py").write_text(text)
    result = run_backtest(tmp_path / "main.py", lean_data, object_store=tmp_path / "store")
    assert result.status == "RuntimeError"
    assert "expected feeds to be" in result.error or "expected news as" in result.error


class Live:
    """A system under a live host, without an engine: only what the feeds ask of it."""

    def __init__(self) -> None:
        self.clock = HostClock(datetime(2024, 1, 8, 15, tzinfo=UTC))
        self.system = ProtectionSystem(ProtectionSettings(), clock=self.clock)
        self.counts = {"feed_errors": 0}
        self.algorithm = SimpleNamespace(live_mode=True, securities=[], current_slice=None)


def test_slow_answers_of_the_broker_deny_adding_until_a_minute_is_over(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    from algorithm import feeds as module
    from protection.contracts.records import OrderEvent, OrderStatus, Portfolio

    host: Any = Live()
    moment = [host.clock.now()]
    monkeypatch.setattr(module, "_now", lambda: moment[0])
    feeds = module.Feeds(host)

    def at(seconds: float) -> str:
        moment[0] += timedelta(seconds=seconds)
        host.clock.feed(moment[0])
        feeds.step([], False)
        return str(host.system.evaluate(Portfolio(moment[0], 1e5)).state.name)

    order = SimpleNamespace(id=7, type=None)
    security = SimpleNamespace(symbol=None)
    assert at(0) == "ALLOW"
    feeds.sent(security, order)
    assert at(0.4) == "ALLOW"
    assert at(1.0) == "FREEZE"  # it has waited for 1.4 seconds and is not answered
    feeds.hear(OrderEvent(7, "SPY", OrderStatus.SUBMITTED, moment[0]))
    assert at(30) == "FREEZE"
    assert at(31) == "FREEZE"  # quiet again, and pausing for a minute
    assert at(61) == "ALLOW"
    assert host.counts["feed_errors"] == 0
    assert at(3600) == "ALLOW"  # nobody sends orders: no figure is missed
