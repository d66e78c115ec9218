"""Construction models: which insights count, what they weigh, and when a rebalance is due."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import pytest
from framework_kit import DOWN, FLAT, UP, Stand, added, removed, security, share
from hypothesis import given
from hypothesis import strategies as st

from engine.data.hours import MarketHoursDatabase
from engine.framework.construction.accumulative import (
    AccumulativeInsightPortfolioConstructionModel,
)
from engine.framework.construction.base import (
    NullPortfolioConstructionModel,
    PortfolioConstructionModel,
    rebalance_rule,
)
from engine.framework.construction.weighting import (
    ConfidenceWeightedPortfolioConstructionModel,
    EqualWeightingPortfolioConstructionModel,
    InsightWeightingPortfolioConstructionModel,
    SectorWeightingPortfolioConstructionModel,
)
from engine.framework.insight import Insight
from engine.types.enums import InsightDirection, PortfolioBias, Resolution

NOW = datetime(2013, 10, 7, 14)
HOUR = timedelta(hours=1)


def said(
    ticker: str,
    direction: InsightDirection,
    weight: float | None = None,
    confidence: float | None = None,
    hours: float = 2,
) -> Insight:
    return Insight.price(
        share(ticker), timedelta(hours=hours), direction, 0.01, confidence, None, weight
    )


def shares(model: Any, stand: Stand) -> dict[str, float]:
    """Return the percentages of a model by ticker."""
    model.algorithm = stand
    found = model.determine_target_percent(model.get_target_insights())
    return {i.symbol.value: p for i, p in found.items()}


def test_equal_weighting_shares_among_what_is_not_flat(hours: MarketHoursDatabase) -> None:
    stand = Stand(NOW)
    stand.emit(hours, said("SPY", UP), said("BAC", DOWN), said("IBM", FLAT), said("AIG", UP))
    assert shares(EqualWeightingPortfolioConstructionModel(), stand) == pytest.approx(
        {"SPY": 1 / 3, "BAC": -1 / 3, "IBM": 0, "AIG": 1 / 3}
    )


def test_a_bias_zeroes_the_other_side_and_leaves_it_out_of_the_count(
    hours: MarketHoursDatabase,
) -> None:
    stand = Stand(NOW)
    stand.emit(hours, said("SPY", UP), said("BAC", DOWN), said("IBM", DOWN))
    model = EqualWeightingPortfolioConstructionModel(Resolution.DAILY, PortfolioBias.SHORT)
    assert shares(model, stand) == {"SPY": 0.0, "BAC": -0.5, "IBM": -0.5}


def test_the_newest_insight_of_a_symbol_counts_and_of_equal_times_the_later(
    hours: MarketHoursDatabase,
) -> None:
    stand = Stand(NOW)
    stand.emit(hours, said("SPY", UP), said("BAC", UP), said("SPY", DOWN))
    assert shares(EqualWeightingPortfolioConstructionModel(), stand) == {"SPY": -0.5, "BAC": 0.5}


def test_an_insight_without_weight_does_not_hide_an_older_one_with_weight(
    hours: MarketHoursDatabase,
) -> None:
    stand = Stand(NOW)
    stand.emit(hours, said("SPY", UP, 0.4))
    stand._utc += HOUR
    stand.emit(hours, said("SPY", DOWN, None))
    assert shares(InsightWeightingPortfolioConstructionModel(), stand) == {"SPY": 0.4}


@given(st.lists(st.floats(-2, 2), min_size=1, max_size=6))
def test_weights_are_taken_absolute_and_never_add_up_to_more_than_one(weights: list[float]) -> None:
    stand = Stand(NOW)
    for number, weight in enumerate(weights):
        insight = said(f"S{number}", UP, weight)
        insight.generated_time_utc, insight.close_time_utc = NOW, NOW + HOUR
        stand.insights.add(insight)
    found = shares(InsightWeightingPortfolioConstructionModel(), stand)
    total = sum(abs(w) for w in weights)
    assert sum(found.values()) == pytest.approx(min(1.0, total))
    if total <= 1:
        assert list(found.values()) == pytest.approx([abs(w) for w in weights])


def test_confidence_is_the_weight_of_the_confidence_model(hours: MarketHoursDatabase) -> None:
    stand = Stand(NOW)
    stand.emit(
        hours, said("SPY", UP, None, 0.6), said("BAC", DOWN, None, 0.9), said("IBM", UP, 0.5)
    )
    found = shares(ConfidenceWeightedPortfolioConstructionModel(), stand)
    assert found == pytest.approx({"SPY": 0.6 / 1.5, "BAC": -0.9 / 1.5})


def test_accumulation_steps_up_and_down_and_a_flat_takes_one_step_back(
    hours: MarketHoursDatabase,
) -> None:
    stand = Stand(NOW)
    model = AccumulativeInsightPortfolioConstructionModel(None, PortfolioBias.LONG_SHORT, 0.12)
    expected = []
    for direction in (UP, UP, DOWN, UP, FLAT, FLAT, FLAT):
        stand.emit(hours, said("SPY", direction, hours=30))
        stand._utc += timedelta(minutes=1)
        expected.append(shares(model, stand)["SPY"])
    assert expected == pytest.approx([0.12, 0.24, 0.12, 0.24, 0.12, 0, 0])


def test_sector_weighting_without_fundamental_data_counts_no_insight(
    hours: MarketHoursDatabase,
) -> None:
    stand = Stand(NOW)
    stand.emit(hours, said("SPY", UP))
    model = SectorWeightingPortfolioConstructionModel()
    model.on_securities_changed(stand, added(security("SPY")))
    assert shares(model, stand) == {}
    assert NullPortfolioConstructionModel().create_targets(stand, []) == []


class Weightless(PortfolioConstructionModel):
    """Rebalances, and says so, but makes no target of its own."""

    def determine_target_percent(self, active_insights: list[Insight]) -> dict[Insight, float]:
        return {}


def test_expired_symbols_get_one_target_of_zero(hours: MarketHoursDatabase) -> None:
    stand = Stand(NOW)
    stand.emit(hours, said("SPY", UP), said("BAC", UP, hours=4), said("SPY", UP, hours=1))
    model = Weightless()
    stand._utc = NOW + 3 * HOUR
    assert [str(t.symbol.value) for t in model.create_targets(stand, [])] == ["SPY"]
    assert model.create_targets(stand, []) == []


def test_without_a_rule_every_step_is_a_rebalance_and_with_one_only_its_times() -> None:
    stand = Stand(NOW)
    always, hourly = Weightless(), Weightless(timedelta(hours=2))
    for model in (always, hourly):
        model.create_targets(stand, [])
    found = []
    for _ in range(5):
        stand._utc += HOUR
        found.append((always._is_due([], stand._utc), hourly._is_due([], stand._utc)))
    assert found == [(True, False), (True, True), (True, False), (True, True), (True, False)]


def test_a_function_that_gives_the_present_is_asked_again_only_at_the_next_step() -> None:
    asked: list[datetime] = []

    def now(time: datetime) -> datetime:
        asked.append(time)
        return time

    stand, model = Stand(NOW), Weightless(now)
    model.algorithm = stand
    assert model._is_due([], NOW)
    assert len(asked) == 1
    assert asked[0].tzinfo is not None


def test_changes_make_a_rebalance_due_unless_the_settings_say_no(
    hours: MarketHoursDatabase,
) -> None:
    stand = Stand(NOW)
    model = Weightless(timedelta(days=30))
    model.create_targets(stand, [])
    insights = stand.emit(hours, said("SPY", UP, hours=1))
    assert model._is_due(insights, stand._utc)
    assert not model._is_due([], stand._utc)
    model.on_securities_changed(stand, added(security("BAC")))
    assert model._is_due([], stand._utc)
    stand._utc += 2 * HOUR
    assert model._is_due([], stand._utc)  # an insight has expired and is still in the book
    model.rebalance_on_insight_changes = model.rebalance_on_security_changes = False
    model.on_securities_changed(stand, added(security("IBM")))
    assert not model._is_due(insights, stand._utc)


def test_the_insights_of_what_leaves_are_expired(hours: MarketHoursDatabase) -> None:
    stand = Stand(NOW)
    stand.emit(hours, said("SPY", UP), said("BAC", UP))
    Weightless().on_securities_changed(stand, removed(security("SPY")))
    assert [i.symbol.value for i in stand.insights.get_active_insights(NOW)] == ["BAC"]


def test_date_rules_become_the_next_day_of_the_rule() -> None:
    class Mondays:
        def get_dates(self, start: datetime, end: datetime) -> Any:
            day = datetime(2013, 10, 7)
            while True:
                if day >= start.replace(hour=0):
                    yield day
                day += timedelta(days=7)

    rule = rebalance_rule(Mondays())
    assert rule is not None
    assert rule(NOW) == datetime(2013, 10, 14)
    assert rule(datetime(2013, 10, 13)) == datetime(2013, 10, 14)
    assert rule(datetime(2013, 10, 14)) == datetime(2013, 10, 21)


def test_own_hooks_in_net_names_are_heard(hours: MarketHoursDatabase) -> None:
    class Own(PortfolioConstructionModel):
        def ShouldCreateTargetForInsight(self, insight: Insight) -> bool:
            return insight.direction == UP

    stand = Stand(NOW)
    stand.emit(hours, said("SPY", UP), said("BAC", DOWN))
    model = Own()
    model.algorithm = stand
    assert [i.symbol.value for i in model.get_target_insights()] == ["SPY"]
