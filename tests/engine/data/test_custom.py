"""Data of the user's own: order, gaps, doubles, fill-forward, errors, history."""

from __future__ import annotations

import sys
from datetime import datetime, timedelta
from pathlib import Path
from types import SimpleNamespace

import pytest

sys.path.insert(0, str(Path(__file__).parent))

from data_kit import Historian, add_equity, feed, slices

from engine.data.custom import CustomData, PythonData, SubscriptionDataSource
from engine.data.sessions import SecurityExchangeHours
from engine.types.enums import Resolution, SubscriptionTransportMedium, TickType
from engine.types.errors import AlgorithmError, EngineUnsupported, KeyNotFoundException
from engine.types.subscription import SubscriptionDataConfig
from engine.types.symbol import SecurityIdentifier, Symbol
from engine.types.timezones import TimeZones

D = datetime
ROWS = """# header,is,skipped
20130930,100.5,1
20131001,101,2
20131002,102,3
20130930,99,4
nonsense

20131004,104,5
20131004,105,6
"""


class Weather(PythonData):
    path = ""
    medium = SubscriptionTransportMedium.LOCAL_FILE

    def get_source(self, config, date, is_live):
        return SubscriptionDataSource(Weather.path, Weather.medium)

    def reader(self, config, line, date, is_live):
        parts = line.split(",")
        if not line[:1].isdigit():
            return None
        point = Weather()
        point.symbol = config.symbol
        point.time = D.strptime(parts[0], "%Y%m%d")
        point.end_time = point.time + timedelta(days=1)
        point.value = float(parts[1])
        point["Warm"] = float(parts[2])
        return point


class Daily(Weather):
    """One file for each day."""

    def get_source(self, config, date, is_live):
        return SubscriptionDataSource(f"{Weather.path}.{date:%Y%m%d}")


@pytest.fixture(autouse=True)
def rows(tmp_path):
    Weather.path = str(tmp_path / "weather.csv")
    Weather.medium = SubscriptionTransportMedium.LOCAL_FILE
    Path(Weather.path).write_text(ROWS)


def subscribed(kind=Weather, fill_forward=False):
    zone = TimeZones.NEW_YORK
    symbol = Symbol(SecurityIdentifier.generate_base(kind, "RAIN", "usa"), "RAIN")
    made = SubscriptionDataConfig(
        kind, symbol, Resolution.DAILY, zone, zone, fill_forward, True, False, True,
        TickType.TRADE, False,
    )  # fmt: skip
    hours = SecurityExchangeHours.always_open(zone)
    made._security = SimpleNamespace(symbol=symbol, exchange=SimpleNamespace(hours=hours))
    return made


def received(kind=Weather, fill_forward=False):
    made = feed(D(2013, 10, 1), D(2013, 10, 6))
    made.add(subscribed(kind, fill_forward))
    return [(one.utc, p.value, p.is_fill_forward) for one in slices(made) for p in one.points]


def test_points_come_at_their_end_the_one_before_the_start_too():
    # the row that goes back in time is gone, both rows of one day are there
    assert received() == [
        (D(2013, 10, 1, 4), 100.5, False),
        (D(2013, 10, 2, 4), 101.0, False),
        (D(2013, 10, 3, 4), 102.0, False),
        (D(2013, 10, 5, 4), 104.0, False),
        (D(2013, 10, 5, 4), 105.0, False),
    ]


def test_with_fill_forward_the_last_point_comes_again_every_day():
    filled = [(utc, value) for utc, value, again in received(fill_forward=True) if again]
    # the last one ends with the last day, just behind the end of the run
    assert filled == [
        (D(2013, 10, 4, 4), 102.0),
        (D(2013, 10, 6, 4), 105.0),
        (D(2013, 10, 7, 4), 105.0),
    ]


def test_one_file_a_day_is_read_day_by_day():
    for day, value in ((1, "11"), (3, "33")):
        Path(f"{Weather.path}.201310{day:02}").write_text(f"201310{day:02},{value},1\n")
    assert [value for _, value, _ in received(Daily)] == [11.0, 33.0]


def test_fields_are_read_whatever_the_case_of_their_names():
    point = Weather()
    point["Label"] = "x"
    assert (point["label"], point["LABEL"], point.label) == ("x", "x", "x")
    assert point.get_storage_dictionary() == {"label": "x"}
    assert point.has_property("Label")
    assert not point.has_property("other")
    point["Value"] = 3
    assert point.value == point.price == 3.0
    with pytest.raises(KeyNotFoundException, match="'absent' does not exist"):
        point["absent"]
    assert not hasattr(point, "absent")


def test_an_end_without_a_time_is_also_the_time():
    point = Weather()
    point.end_time = D(2013, 10, 1)
    assert point.time == point.end_time == D(2013, 10, 1)


def test_an_absent_file_is_no_data():
    Weather.path += ".absent"
    assert received() == []


def test_an_error_of_the_reader_names_the_line():
    Path(Weather.path).write_text("20131001,bad,1\n")
    with pytest.raises(AlgorithmError, match=r"RAIN.* data reader\. Line: 20131001,bad,1 Error"):
        received()


def test_remote_data_is_refused_with_a_way_out():
    Weather.path, Weather.medium = "https://x.org/a.csv", SubscriptionTransportMedium.REMOTE_FILE
    with pytest.raises(EngineUnsupported, match="save it to a file"):
        received()


def test_the_object_store_is_a_source():
    Weather.medium, Weather.path = SubscriptionTransportMedium.OBJECT_STORE, "weather.csv"
    held = {"weather.csv": ROWS}
    store = SimpleNamespace(read=held.__getitem__, contains_key=held.__contains__)
    config = subscribed()
    hours = config._security.exchange.hours
    emit, points = CustomData(store).stream(config, hours, D(2013, 10, 2, 4), D(2013, 10, 9), None)
    assert [p.value for p in points] == [101.0, 102.0, 104.0, 105.0]
    assert len(emit) == 4


def test_custom_data_follows_trades_of_the_same_moment_by_security_type():
    made = feed(D(2013, 10, 1), D(2013, 10, 2))
    add_equity(made, "SPY", Resolution.DAILY, daily_precise_end_time=False)
    made.add(subscribed())
    one = next(s for s in slices(made) if len(s.points) == 2)
    assert [p.symbol.value for p in one.points] == ["RAIN", "SPY"]


def test_history_gives_values_and_fields_by_alphabet():
    algorithm = Historian(D(2013, 10, 4))
    config = subscribed()
    algorithm.subscription_manager._add(config)
    algorithm.securities[config.symbol] = config._security
    frame = algorithm.history(Weather, config.symbol, timedelta(days=4), Resolution.DAILY)
    assert list(frame.columns) == ["value", "warm"]
    assert [str(time) for _, time in frame.index] == [
        "2013-10-01 00:00:00",
        "2013-10-02 00:00:00",
        "2013-10-03 00:00:00",
    ]
    assert list(frame["warm"]) == [1.0, 2.0, 3.0]
    points = algorithm.history[Weather](config.symbol, 2, Resolution.DAILY)
    # the point that ends exactly where the two days begin is not among them
    assert [p.value for p in points] == [102.0]
