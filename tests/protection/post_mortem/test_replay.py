"""The log with other settings."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest

from protection.contracts.errors import FixInput, FixSettings
from protection.post_mortem.analyzer import PostMortemEngine
from protection.system import ProtectionSystem


@pytest.fixture(scope="module")
def records(make_desk: Any) -> list[Any]:
    """A bad day, and an order that is refused on the next."""
    desk = make_desk()
    # nothing but the daily loss, and no target for SPY: the order is the only difference
    desk.settings = {"volatility.ratio": "none", "cushion.promise": "off"}
    desk.weights = {s: 0.18 for s in desk.weights if s != "SPY"}

    def each(day: date, index: int) -> None:
        if day == date(2010, 5, 7):
            assert not desk.send("SPY", 100)

    desk.run("2010-03-15", "2010-05-12", each)
    desk.ledger.flush()
    found = list(desk.ledger.records())
    desk.ledger.close()
    return found


def crash(records: list[Any]) -> str:
    """Name of the incident that the flash crash belongs to."""
    day = date(2010, 5, 6)
    found = PostMortemEngine().incidents(records)
    return next(i.name for i in found if i.ended is None or i.ended.date() >= day)


def test_without_the_breaker_nothing_trips_and_its_refusals_pass(records: list[Any]) -> None:
    found = PostMortemEngine().replay(
        records, ProtectionSystem, crash(records), without=["daily_loss"]
    )

    assert found.faithful
    assert found.changed == {"daily.loss": ("0.02", "none")}
    assert "2010-05-06 daily_loss" in found.trips
    assert not any("daily_loss" in trip for trip in found.replayed_trips)
    assert (found.orders_freed, found.orders_stopped) == (1, 0)
    (order,) = [one for one in found.differences if one.kind == "order"]
    assert (order.recorded, order.replayed) == ("refused", "allowed")


def test_the_estimate_adds_what_the_freed_order_would_have_made(records: list[Any]) -> None:
    engine = PostMortemEngine()
    name = crash(records)
    found = engine.replay(records, ProtectionSystem, name, without=["daily_loss"])
    report = engine.analyze(records, name)

    assert report.attribution is not None
    assert found.pnl == report.attribution.pnl
    closes = {
        r.entry["time"][:10]: r.entry["record"]["close"]
        for r in records
        if r.type == "observe" and r.entry["record"]["symbol"] == "SPY"
    }
    assert report.incident is not None
    days = [day for day in closes if "2010-05-06" <= day <= f"{report.incident.ended:%Y-%m-%d}"]
    made = 100 * (closes[days[-1]] - closes[days[0]])
    assert float(found.estimate - found.pnl) == pytest.approx(made, abs=0.01)


def test_a_wider_threshold_that_still_trips_changes_no_order(records: list[Any]) -> None:
    found = PostMortemEngine().replay(
        records, ProtectionSystem, 1, settings={"daily.loss": "0.02001"}
    )

    assert (found.orders_freed, found.orders_stopped) == (0, 0)
    assert found.trips == found.replayed_trips
    assert found.estimate == found.pnl


def test_a_question_that_changes_nothing_or_names_nothing_known_is_refused(
    records: list[Any],
) -> None:
    engine = PostMortemEngine()

    with pytest.raises(FixInput, match="neither"):
        engine.replay(records, ProtectionSystem, 1)
    with pytest.raises(FixInput, match="expected a guard of"):
        engine.replay(records, ProtectionSystem, 1, without=["kill"])
    with pytest.raises(FixInput, match="expected an incident of"):
        engine.replay(records, ProtectionSystem, "2031-01-01", without=["flash"])
    with pytest.raises(FixSettings):
        engine.replay(records, ProtectionSystem, 1, settings={"daily.loss": "5"})
