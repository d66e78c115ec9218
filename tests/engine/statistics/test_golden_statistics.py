"""Statistics and trades against runs of LEAN (commit 24863901) under ``tests/golden/lean``.

The fixtures hold the series that LEAN sampled, the fills and the booked profits of a run; every
figure must come out of them as the string that LEAN wrote.
"""

from __future__ import annotations

import json
from datetime import datetime
from decimal import Decimal
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from engine.statistics.builder import Samples, StatisticsBuilder, summary
from engine.statistics.interest_rate import InterestRateProvider
from engine.statistics.serialization import portfolio_statistics_json, trade_statistics_json
from engine.statistics.trade import Trade
from engine.statistics.trade_builder import TradeBuilder
from engine.statistics.trade_statistics import TradeStatistics
from engine.types.enums import FillGroupingMethod, FillMatchingMethod
from engine.types.timezones import aware, from_micro

GOLDEN = Path(__file__).parents[2] / "golden" / "lean"
RUNS = sorted(p.stem for p in GOLDEN.glob("statistics_*.json"))
#: trades of other runs need exchange rates, which the fixtures lack
IN_ACCOUNT_CURRENCY = [name for name in RUNS if "euro" not in name]


def load(name: str) -> dict[str, Any]:
    text = (GOLDEN / f"{name}.json").read_text()
    return json.loads(text, parse_float=Decimal)  # type: ignore[no-any-return]


def moment(seconds: Any) -> datetime:
    return from_micro(int(seconds) * 1_000_000)


def time_of(text: str) -> datetime:
    return datetime.fromisoformat(text.removesuffix("Z"))


def exact(value: Any) -> Decimal:
    """A number of the file; its serializer writes whole decimals with ``.0``."""
    number = Decimal(value)
    return Decimal(int(number)) if number == int(number) else number


def points(rows: list[Any]) -> list[tuple[datetime, Decimal]]:
    return [(moment(time), exact(value)) for time, value in rows]


def samples_of(run: dict[str, Any], lean_data: Path) -> Samples:
    return Samples(
        points(run["equity"]),
        points(run["daily_return"]),
        points(run["benchmark"]),
        points(run["turnover"] or []),
        [(time_of(k), Decimal(v), v > 0) for k, v in run["profit_loss"].items()],
        [],
        Decimal(run["statistics"]["Start Equity"]),
        InterestRateProvider(lean_data),
        run["algorithm_configuration"]["tradingDaysPerYear"],
    )


@pytest.mark.parametrize("name", RUNS)
def test_every_summary_statistic_is_the_string_that_lean_wrote(name: str, lean_data: Path) -> None:
    run = load(name)
    expected = run["statistics"]
    fees = expected["Total Fees"]
    got = summary(
        StatisticsBuilder(samples_of(run, lean_data)).total(),
        int(expected["Total Orders"]),
        Decimal(fees[1:]),
        fees[0],
    )
    skipped = {"Estimated Strategy Capacity", "Lowest Capacity Asset"}  # made from market data
    if run["turnover"] is None:
        skipped.add("Portfolio Turnover")
    compared = {key: value for key, value in got.items() if key not in skipped}
    assert len(compared) >= 24
    assert compared == {key: expected[key] for key in compared}


@pytest.mark.parametrize("name", RUNS)
def test_every_portfolio_figure_is_the_string_that_lean_wrote(name: str, lean_data: Path) -> None:
    run = load(name)
    total = StatisticsBuilder(samples_of(run, lean_data)).total()
    got = portfolio_statistics_json(total.portfolio_statistics)
    expected = dict(run["total_performance"]["portfolioStatistics"])
    if run["turnover"] is None:
        got["portfolioTurnover"] = expected["portfolioTurnover"]
    assert list(got) == list(expected)
    # trailing zeros of the starting capital come from the cash book, which is not here
    for key in ("startEquity", "endEquity"):
        assert Decimal(got.pop(key)) == Decimal(expected.pop(key))
    assert got == expected


def trades_of(run: dict[str, Any], builder: TradeBuilder) -> list[Trade]:
    currency = run["algorithm_configuration"]["accountCurrency"]
    for fill in run["fills"]:
        in_account = fill.get("orderFeeCurrency") == currency
        builder.process_fill(
            SimpleNamespace(
                order_id=fill["orderId"],
                symbol=fill["symbol"],
                utc_time=aware(moment(fill["time"])),
                _fill_price=exact(fill["fillPrice"]),
                _fill_quantity=exact(fill["fillQuantity"]),
            ),
            Decimal(1),
            exact(fill["orderFeeAmount"]) if in_account else Decimal(0),
        )
    return builder.closed_trades


def builder_of(run: dict[str, Any]) -> TradeBuilder:
    scene = run["parameters"].get("scene", "")
    if not scene.startswith("trades_"):
        return TradeBuilder()
    grouping, matching = scene.removeprefix("trades_").split("_")
    return TradeBuilder(FillGroupingMethod(int(grouping)), FillMatchingMethod(int(matching)))


@pytest.mark.parametrize("name", IN_ACCOUNT_CURRENCY)
def test_the_fills_make_the_trades_that_lean_made(name: str) -> None:
    run = load(name)
    expected = run["total_performance"]["closedTrades"]
    got = trades_of(run, builder_of(run))
    assert len(got) == len(expected) > 0
    for trade, row in zip(got, expected, strict=True):
        assert str(trade.symbol) == row["symbols"][0]["id"]
        assert (trade._utc_entry, trade._utc_exit) == (
            time_of(row["entryTime"]),
            time_of(row["exitTime"]),
        )
        assert float(trade._entry_price) == float(row["entryPrice"])
        assert float(trade._exit_price) == float(row["exitPrice"])
        assert trade._quantity == row["quantity"]
        assert trade._profit_loss == row["profitLoss"]
        assert trade._total_fees == row["totalFees"]
        assert trade.order_ids == row["orderIds"]
        assert (int(trade.direction), trade.is_win) == (row["direction"], row["isWin"])


@pytest.mark.parametrize("name", RUNS)
def test_every_trade_figure_is_the_string_that_lean_wrote(name: str) -> None:
    performance = load(name)["total_performance"]
    trades = []
    for row in performance["closedTrades"]:
        trade = Trade()
        trade._utc_entry, trade._utc_exit = time_of(row["entryTime"]), time_of(row["exitTime"])
        trade._profit_loss, trade._total_fees = Decimal(row["profitLoss"]), row["totalFees"]
        trade._mae, trade._mfe = Decimal(row["mae"]), Decimal(row["mfe"])
        trade._end_trade_drawdown = Decimal(row["endTradeDrawdown"])
        trades.append(trade)
    got = trade_statistics_json(TradeStatistics(trades))
    expected = performance["tradeStatistics"]
    assert list(got) == list(expected)
    for key, value in expected.items():
        if isinstance(value, str) and value.lstrip("-").replace(".", "", 1).isdigit():
            # the file's numbers have lost the trailing zeros that amounts had
            assert Decimal(got[key]) == Decimal(value), key
        else:
            assert got[key] == value, key
