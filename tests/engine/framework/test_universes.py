"""Universes: what they select and when, who may leave, and what the algorithm is told."""

from __future__ import annotations

from datetime import datetime, timedelta
from types import SimpleNamespace
from typing import Any

import pytest
from framework_kit import security, share

from engine.data.hours import MarketHoursDatabase
from engine.types.bars import QuoteBar, TradeBar
from engine.types.enums import Resolution, SecurityType
from engine.types.errors import EngineUnsupported, KeyNotFoundException
from engine.types.subscription import SubscriptionDataConfig
from engine.types.symbol import Symbol
from engine.types.timezones import TimeZones, to_utc
from engine.universes.changes import SecurityChanges
from engine.universes.manager import UniverseManager
from engine.universes.models import (
    CompositeUniverseSelectionModel,
    CustomUniverseSelectionModel,
    FundamentalUniverseSelectionModel,
    ManualUniverseSelectionModel,
    NullUniverseSelectionModel,
    ScheduledUniverseSelectionModel,
    UniverseSelectionModel,
    never_refreshed,
)
from engine.universes.scheduled import ScheduledUniverse
from engine.universes.settings import UniverseSettings
from engine.universes.subscriptions import data_types
from engine.universes.universe import Universe
from engine.universes.user_defined import ONCE, ManualUniverse, UserDefinedUniverse, plain_symbol

DAY = timedelta(days=1)
NEW_YORK = TimeZones.NEW_YORK


def of_settings(minimum: timedelta = DAY) -> UniverseSettings:
    return UniverseSettings(Resolution.HOUR, 0, True, False, minimum)


def config(name: str = "turning") -> SubscriptionDataConfig:
    symbol = plain_symbol(name, SecurityType.EQUITY, "usa")
    return SubscriptionDataConfig(
        TradeBar, symbol, Resolution.HOUR, NEW_YORK, NEW_YORK, True, False, True
    )


def listed(*tickers: str) -> ManualUniverse:
    return ManualUniverse(config(), of_settings(), [share(t) for t in tickers])


def names(symbols: Any) -> list[str]:
    return [s.value for s in symbols]


def test_changes_are_told_in_order_of_tickers_and_what_came_again_has_not_left() -> None:
    spy, aig, bac = security("SPY"), security("AIG"), security("BAC")
    first = SecurityChanges([spy, aig], [bac])
    second = SecurityChanges([bac], [spy])
    both = first + second
    assert names(s.symbol for s in both.added_securities) == ["AIG", "BAC", "SPY"]
    assert both.removed_securities == []
    assert str(SecurityChanges.NONE) == "SecurityChanges: None"
    assert str(first) == (
        f"SecurityChanges:  Added: {aig.symbol.id},{spy.symbol.id} Removed: {bac.symbol.id}"
    )


def test_users_see_neither_custom_data_nor_internal_feeds() -> None:
    spy, rain, rate = security("SPY"), security("RAIN"), security("EURUSD")
    rain.type = SecurityType.BASE
    changes = SecurityChanges([spy, rain], [], [rate])
    assert len(changes.added_securities) == 3
    assert names(s.symbol for s in changes._for_user().added_securities) == ["SPY"]


def test_a_selection_that_did_not_change_is_unchanged() -> None:
    universe = listed("SPY", "AIG")
    assert names(universe.perform_selection(datetime(2014, 3, 3), None)) == ["SPY", "AIG"]
    assert universe.perform_selection(datetime(2014, 3, 4), None) is Universe.UNCHANGED
    universe.add(share("BAC"))
    assert names(universe.perform_selection(datetime(2014, 3, 5), None)) == ["SPY", "AIG", "BAC"]


def test_a_universe_disposed_of_selects_nobody_and_keeps_nobody() -> None:
    universe, spy = listed("SPY"), security("SPY")
    now = datetime(2014, 3, 3)
    assert universe._add_member(now, spy, False)
    assert not universe._add_member(now, spy, False)
    assert not universe.can_remove_member(now, spy)
    universe.dispose()
    assert list(universe.perform_selection(now, None)) == []
    assert universe.can_remove_member(now, spy)
    assert universe._remove_member(now, spy)
    assert not universe.contains_member(share("SPY"))


@pytest.mark.parametrize(
    ("minimum", "lived", "free"),
    [
        (DAY, timedelta(hours=11), False),
        (DAY, timedelta(hours=13), True),  # rounded to days
        (2 * DAY, timedelta(hours=35), False),
        (2 * DAY, timedelta(hours=37), True),
        (timedelta(0), timedelta(0), True),
        (timedelta(minutes=90), timedelta(minutes=80), False),
    ],
)
def test_members_stay_a_minimum_time_that_is_rounded_to_its_own_unit(
    minimum: timedelta, lived: timedelta, free: bool
) -> None:
    universe = ManualUniverse(config(), of_settings(minimum), [])
    spy, start = security("SPY"), datetime(2014, 3, 3, 5)
    universe._add_member(start, spy, False)
    assert universe.can_remove_member(start + lived, spy) is free


def test_a_function_universe_is_asked_at_local_midnight_of_trading_days(
    hours: MarketHoursDatabase,
) -> None:
    exchange = hours.get_exchange_hours("usa", share("SPY"), SecurityType.EQUITY)
    universe = UserDefinedUniverse(config(), of_settings(), DAY, lambda time: ["SPY"])
    start = to_utc(datetime(2013, 10, 31), NEW_YORK)
    end = to_utc(datetime(2013, 11, 6), NEW_YORK)
    # over the week end and the end of summer time
    assert list(universe._trigger_times(start, end, exchange)) == [
        datetime(2013, 10, 31, 4), datetime(2013, 11, 1, 4), datetime(2013, 11, 4, 5),
        datetime(2013, 11, 5, 5), datetime(2013, 11, 6, 5),
    ]  # fmt: skip


def test_a_function_universe_gets_local_time_and_may_keep_its_list() -> None:
    asked: list[datetime] = []
    answers: list[Any] = [["SPY", "AIG"], Universe.UNCHANGED]

    def choose(time: datetime) -> Any:
        asked.append(time)
        return answers.pop(0)

    universe = UserDefinedUniverse(config(), of_settings(), DAY, choose)
    assert names(universe.perform_selection(datetime(2014, 3, 3, 5), None)) == ["SPY", "AIG"]
    assert universe.perform_selection(datetime(2014, 3, 4, 5), None) is Universe.UNCHANGED
    assert asked == [datetime(2014, 3, 3), datetime(2014, 3, 4)]


def test_a_list_is_selected_once() -> None:
    always = SimpleNamespace(time_zone=NEW_YORK)
    universe = listed("SPY")
    assert universe.interval == ONCE
    start = datetime(2014, 3, 3, 5)
    assert list(universe._trigger_times(start, start + 30 * DAY, always)) == [start]


class Weekdays:
    name = "SPY: EveryDay"

    def get_dates(self, start: datetime, end: datetime) -> Any:
        day = start.replace(hour=0, minute=0)
        while day <= end:
            yield day
            day += DAY


class AtNine:
    name = "9"

    def create_utc_event_times(self, dates: Any) -> Any:
        return (to_utc(day + timedelta(hours=9), NEW_YORK) for day in dates)


def test_a_scheduled_universe_fires_at_its_rules_and_another_zone_shifts_them() -> None:
    start, end = datetime(2014, 3, 3, 5), datetime(2014, 3, 4, 20)
    plain = ScheduledUniverse(Weekdays(), AtNine(), lambda time: [])
    assert list(plain._trigger_times(start, end, None)) == [
        datetime(2014, 3, 3, 14), datetime(2014, 3, 4, 14),
    ]  # fmt: skip
    shifted = ScheduledUniverse(NEW_YORK, Weekdays(), AtNine(), lambda time: [])
    assert next(iter(shifted._trigger_times(start, end, None))) == datetime(2014, 3, 3, 19)
    assert str(plain.symbol.id).startswith("SPY:_EveryDay_9 ")


def test_universes_are_told_to_the_feed_when_the_step_ends() -> None:
    manager, told = UniverseManager(), []
    manager.collection_changed += lambda _sender, change: told.append((change.action, change.value))
    universe = listed("SPY")
    manager.add(universe.symbol, universe)
    manager.update(universe.symbol, universe, "Replace")
    assert told == []
    manager.process_changes()
    assert told == [("Add", universe)]
    manager.update(universe.symbol, universe, "Replace")
    manager.process_changes()
    assert told[-1] == ("Replace", universe)
    assert manager.remove(universe.symbol)
    assert universe.dispose_requested
    assert not manager.remove(universe.symbol)
    with pytest.raises(KeyNotFoundException, match="was not found in your universe list"):
        manager[universe.symbol]


def test_active_securities_are_the_members_of_all_universes() -> None:
    manager = UniverseManager()
    one, two = listed("SPY"), ManualUniverse(config("other"), of_settings(), [])
    spy, aig = security("SPY"), security("AIG")
    for universe, members in ((one, [spy]), (two, [spy, aig])):
        manager.add(universe.symbol, universe)
        for member in members:
            universe._add_member(datetime(2014, 3, 3), member, False)
    assert [p.key.value for p in manager.active_securities] == ["SPY", "AIG"]
    assert [p.value for p in two.members] == [spy, aig]


@pytest.mark.parametrize(
    ("kind", "resolution", "bars"),
    [
        (SecurityType.EQUITY, Resolution.MINUTE, [TradeBar, QuoteBar]),
        (SecurityType.EQUITY, Resolution.HOUR, [TradeBar]),
        (SecurityType.EQUITY, Resolution.DAILY, [TradeBar]),
        (SecurityType.CRYPTO, Resolution.DAILY, [TradeBar, QuoteBar]),
        (SecurityType.FOREX, Resolution.HOUR, [QuoteBar]),
        (SecurityType.CFD, Resolution.MINUTE, [QuoteBar]),
    ],
)
def test_every_kind_of_security_is_subscribed_with_lean_s_bars(
    kind: SecurityType, resolution: Resolution, bars: list[type]
) -> None:
    assert [bar for bar, _ in data_types(kind, resolution)] == bars


def test_what_needs_data_that_the_engine_lacks_is_refused() -> None:
    with pytest.raises(EngineUnsupported, match="use lean backtest"):
        FundamentalUniverseSelectionModel()
    with pytest.raises(EngineUnsupported, match="option securities; use lean backtest"):
        data_types(SecurityType.OPTION, Resolution.MINUTE)


def _algorithm(hours: MarketHoursDatabase, utc: datetime) -> Any:
    return SimpleNamespace(
        _engine=SimpleNamespace(hours=hours), _utc=utc, universe_settings=of_settings()
    )


def test_selection_models_make_their_universes(hours: MarketHoursDatabase) -> None:
    algorithm = _algorithm(hours, datetime(2014, 3, 3, 5))
    [manual] = ManualUniverseSelectionModel([share("SPY"), share("AIG")]).create_universes(
        algorithm
    )
    assert names(manual.select_symbols(datetime(2014, 3, 3, 5), None)) == ["SPY", "AIG"]
    [custom] = CustomUniverseSelectionModel("turning", lambda time: ["BAC"]).create_universes(
        algorithm
    )
    assert names(custom.select_symbols(datetime(2014, 3, 3, 5), None)) == ["BAC"]
    assert str(custom.symbol.value) == "TURNING-EQUITY-USA"
    [planned] = ScheduledUniverseSelectionModel(
        Weekdays(), AtNine(), lambda time: [share("IBM")]
    ).create_universes(algorithm)
    assert names(planned.select_symbols(datetime(2014, 3, 3, 5), None)) == ["IBM"]
    assert NullUniverseSelectionModel().create_universes(algorithm) == []


class Refreshing(UniverseSelectionModel):
    """Says when it wants to be asked, and counts."""

    def __init__(self, due: datetime) -> None:
        self.due, self.asked = due, 0

    def get_next_refresh_time_utc(self) -> datetime:
        return self.due

    def create_universes(self, algorithm: Any) -> list[Universe]:
        self.asked += 1
        return []


def test_of_several_models_only_those_that_are_due_are_asked_again(
    hours: MarketHoursDatabase,
) -> None:
    early, late = Refreshing(datetime(2014, 3, 4)), Refreshing(datetime(2014, 3, 6))
    row = CompositeUniverseSelectionModel(early, late)
    for day in (3, 4, 5):
        row.create_universes(_algorithm(hours, datetime(2014, 3, day)))
    assert (early.asked, late.asked) == (3, 1)
    assert row.get_next_refresh_time_utc() == datetime(2014, 3, 4)


def test_only_a_model_without_an_answer_of_its_own_is_never_asked_again() -> None:
    class Listed(ManualUniverseSelectionModel):
        """Has the answer of its base."""

    never = Listed([share("SPY")])
    assert never_refreshed(never)
    assert not never_refreshed(Refreshing(datetime(2014, 3, 4)))
    assert not never_refreshed(CompositeUniverseSelectionModel(never))
    never.get_next_refresh_time_utc = lambda: datetime(2014, 3, 4)
    assert not never_refreshed(never)


def test_the_name_of_a_universe_prints_as_in_lean() -> None:
    symbol: Symbol = UserDefinedUniverse.create_symbol(SecurityType.EQUITY, "usa")
    assert str(symbol.id).startswith("QC-UNIVERSE-USERDEFINED-USA-EQUITY ")
