"""Figures of the report: curves, halts, crisis windows, cost and the proof by count."""

from __future__ import annotations

import json
from datetime import UTC, date, datetime, timedelta
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from operations.errors import FolderError
from operations.reporting import curves
from operations.reporting.cost import halts, proof
from operations.reporting.crises import crises
from operations.reporting.model import build
from operations.reporting.protocol import episodes, read_summary

STATISTICS = {
    "Compounding Annual Return": "6.000%",
    "Total Fees": "$1,010.50",
    "Total Orders": "12",
    "End Equity": "100",
}


def weekdays(first: str, count: int) -> list[date]:
    found, day = [], date.fromisoformat(first)
    while len(found) < count:
        if day.weekday() < 5:
            found.append(day)
        day += timedelta(days=1)
    return found


def result(days: list[date], values: list[float], **more: Any) -> dict[str, Any]:
    """A result as the engine writes it, sampled at New York's midnight after each session."""
    stamps = [
        datetime.combine(d + timedelta(days=1), datetime.min.time(), curves.ZONE).timestamp()
        for d in days
    ]
    content = {
        "algorithm": "Handmade",
        "status": "Completed",
        "runtime_error": "",
        "statistics": STATISTICS,
        "equity": [[s, v, v, v, v] for s, v in zip(stamps, values, strict=True)],
        "orders": {"1": {"type": 0, "status": 3}, "2": {"type": 4, "status": 7}},
        "charts": {
            "Exposure": {
                "Equity - Long Ratio": [[s, 0.5] for s in stamps],
                "Equity - Short Ratio": [[s, -0.2] for s in stamps],
            }
        },
        "engine_seconds": 1.0,
        "data_points": 10,
    }
    return content | more


def event(day: date, before: str, after: str, **more: Any) -> dict[str, Any]:
    moment = datetime.combine(day, datetime.min.time(), curves.ZONE) + timedelta(hours=16)
    row = {
        "time": moment.astimezone(UTC).isoformat(),
        "breaker": "drawdown_peak",
        "scope": "portfolio",
        "before": before,
        "after": after,
        "reason": "drawdown_peak: loss is 23.00%, limit 20.00%",
        "evidence": {"value": 0.23, "threshold": 0.2},
    }
    return row | more


def summary_text(days: list[date], states: list[str], events: list[dict[str, Any]], **gate: int):
    rows = [[d.isoformat(), 1.0, 1.0, s, 0.0, 0.0, 0.5] for d, s in zip(days, states, strict=True)]
    booked = {"judged": 2, "engine_orders": 0, "refused_before_gate": 0, "unaccounted": 0}
    return json.dumps(
        {
            "events": events,
            "daily": rows,
            "counters": {"refused.price": 1},
            "gate": booked | gate,
            "settings": {"drawdown": {"liquidate": 0.2}},
            "describe": ["one line"],
        }
    )


def test_a_sample_of_midnight_belongs_to_the_day_before() -> None:
    midnight = datetime(2020, 3, 10, 4, 0, tzinfo=UTC).timestamp()  # summer time
    assert curves.local_day(midnight) == np.datetime64("2020-03-09")
    assert curves.local_day(midnight + 16 * 3600) == np.datetime64("2020-03-10")


@given(
    st.lists(st.floats(1.0, 1e6), min_size=1, max_size=60),
    st.integers(1, 70),
)
def test_the_running_peak_is_the_highest_of_the_last_values(values: list[float], window: int):
    array = np.array(values)
    peaks = curves.running_peak(array, window)
    expected = [max(values[max(0, n - window + 1) : n + 1]) for n in range(len(values))]
    assert peaks.tolist() == expected
    assert (curves.loss(array, peaks) >= 0).all()


@given(st.lists(st.floats(0.5, 1.5), min_size=2, max_size=80))
def test_monthly_returns_multiply_to_the_return_of_the_year_and_of_the_run(changes: list[float]):
    days = np.array(weekdays("2019-10-01", len(changes)), dtype="datetime64[D]")
    equity = np.cumprod(changes)
    table = curves.monthly(days, equity)
    total = 1.0
    for row in table.values():
        year = np.prod([1.0 + value for value in row[:12] if value is not None])
        assert year == pytest.approx(1.0 + row[12])
        total *= year
    assert total == pytest.approx(equity[-1] / equity[0])


def test_gross_exposure_adds_long_and_short() -> None:
    days = weekdays("2020-01-06", 5)
    report = build(result(days, [100.0] * 5))
    assert report.protected.gross.tolist() == pytest.approx([0.7] * 5)


@pytest.mark.parametrize(
    ("settings", "limit"),
    [
        ({"drawdown": {"liquidate": 0.2}, "cushion": {"promise": "window", "limit": 0.3}}, 0.2),
        ({"drawdown": {"liquidate": None}, "cushion": {"promise": "window", "limit": 0.3}}, 0.3),
        ({"drawdown": {"liquidate": None}, "cushion": {"promise": "off", "limit": 0.3}}, None),
    ],
)
def test_the_limit_is_that_of_a_guard_that_is_on(settings: Any, limit: float | None) -> None:
    days = weekdays("2020-01-06", 2)
    content = json.loads(summary_text(days, ["ALLOW"] * 2, []))
    summary = read_summary(json.dumps({**content, "settings": settings}))
    assert build(result(days, [1.0, 1.0]), None, summary).limit == limit


def test_a_halt_lasts_until_the_first_session_that_ends_without_it() -> None:
    days = weekdays("2020-01-06", 6)
    states = ["ALLOW", "LIQUIDATE", "HALT", "REDUCE", "FREEZE", "ALLOW"]
    trips = [event(days[1], "closed", "open"), event(days[4], "warn", "open")]
    summary = read_summary(summary_text(days, states, trips))
    ours = np.array([100, 77, 75, 75, 74, 74], dtype=float)
    bare = np.array([100, 77, 70, 80, 79, 70], dtype=float)
    first, second = halts(summary, summary.sessions, ours, bare)
    assert (first.first, first.end, first.sessions) == (1, 3, 2)
    assert first.after_one == pytest.approx(75 / 77 - 1)
    assert first.bare == pytest.approx(80 / 77 - 1)
    assert first.false
    assert (second.first, second.end) == (4, 5)
    assert second.false is False
    assert [len(halt.trips) for halt in (first, second)] == [1, 1]


def test_a_halt_that_lasts_to_the_end_is_measured_to_the_end() -> None:
    days = weekdays("2020-01-06", 3)
    summary = read_summary(summary_text(days, ["ALLOW", "HALT", "HALT"], []))
    (halt,) = halts(summary, summary.sessions, np.array([100.0, 90.0, 91.0]), None)
    assert (halt.end, halt.sessions, halt.false) == (2, 2, None)


def test_a_crisis_is_shown_only_when_the_data_covers_it_whole() -> None:
    days = weekdays("2020-01-02", 100)
    values = np.linspace(100.0, 60.0, 100).tolist()
    names = [c.name for c in build(result(days, values)).crises]
    assert names == ["Covid crash"]
    assert build(result(days[60:], values[60:])).crises == ()
    assert build(result(days[:40], values[:40])).crises == ()


def test_a_loss_beyond_the_limit_is_kept_only_by_the_gap_that_was_open() -> None:
    days = weekdays("2020-01-02", 90)
    crash = days.index(date(2020, 3, 12))
    ours = [100.0] * crash + [77.0] + [76.5] * (len(days) - crash - 1)
    bare = [100.0] * crash + [77.0] + [50.0] * (len(days) - crash - 1)
    states = ["ALLOW"] * crash + ["LIQUIDATE"] + ["HALT"] * (len(days) - crash - 1)
    text = summary_text(days, states, [event(days[crash], "closed", "open")])
    report = build(result(days, ours), result(days, bare), read_summary(text))
    (window,) = crises(report.sessions, report.protected, report.bare, report.halts)
    assert window.protected.inside == pytest.approx(0.235)
    assert window.gap == pytest.approx(0.03 + (1 - 76.5 / 77))
    assert window.verdict(0.20) == "kept but for the gap"
    without = crises(report.sessions, report.protected, report.bare, [])
    assert without[0].verdict(0.20) == "exceeded"
    assert report.cost is not None
    assert report.cost.saved_lifetime == pytest.approx(0.5 - 0.235)
    assert report.cost.halted == len(days) - crash
    assert report.cost.false_halts == 0


def test_cost_is_bare_less_protected_and_money_the_other_way() -> None:
    days = weekdays("2020-01-06", 3)
    summary = read_summary(summary_text(days, ["ALLOW"] * 3, []))
    other = {**STATISTICS, "Compounding Annual Return": "7.500%", "Total Orders": "10"}
    bare = result(days, [100.0, 110.0, 130.0], statistics=other)
    cost = build(result(days, [100.0, 100.0, 120.0]), bare, summary).cost
    assert cost is not None
    assert cost.given_up == pytest.approx(0.10)
    assert cost.money == pytest.approx(-10.0)
    assert cost.yearly == pytest.approx(0.015)
    assert cost.orders == 2


@pytest.mark.parametrize(
    ("gate", "holds"),
    [
        ({}, True),
        ({"judged": 1, "engine_orders": 1}, True),
        ({"judged": 1}, False),
        ({"judged": 1, "unaccounted": 1}, False),
    ],
)
def test_the_proof_holds_only_when_every_order_of_the_result_is_booked(
    gate: dict[str, int], holds: bool
) -> None:
    days = weekdays("2020-01-06", 2)
    summary = read_summary(summary_text(days, ["ALLOW"] * 2, [], **gate))
    found = proof(result(days, [1.0, 1.0]), summary)
    assert found.holds is holds
    assert found.kinds == {("market", "filled"): 1, ("market on open", "refused"): 1}
    assert found.refusals == {"price": 1}


def test_an_episode_lasts_from_the_trip_through_every_state_to_silence() -> None:
    days = weekdays("2020-01-06", 8)
    rows = [
        event(days[0], "closed", "warn"),
        event(days[1], "warn", "open"),
        event(days[3], "open", "cooldown"),
        event(days[5], "cooldown", "open"),
        event(days[6], "open", "closed"),
        event(days[7], "closed", "open", scope="symbol:SPY R735QTJ8XC9X"),
    ]
    summary = read_summary(summary_text(days, ["ALLOW"] * 8, rows))
    first, second = episodes(summary.events, summary.sessions[-1])
    assert [(s, str(a), str(b)) for s, a, b in first.spans] == [
        ("open", "2020-01-07", "2020-01-09"),
        ("cooldown", "2020-01-09", "2020-01-13"),
        ("open", "2020-01-13", "2020-01-14"),
    ]
    assert first.trips == 2
    assert (second.symbol, second.until) == ("SPY", None)


@pytest.mark.parametrize("text", ["", "{}", "[]", '{"events": 1}'])
def test_an_unreadable_summary_is_one_clear_sentence(text: str) -> None:
    with pytest.raises(FolderError, match="expected the protection's summary"):
        read_summary(text)


def test_a_result_without_equity_is_refused() -> None:
    with pytest.raises(ValueError, match="expected equity in the result"):
        build(result([], []))
