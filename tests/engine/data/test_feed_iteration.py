"""The feed as an iterator, and day files that are read together: the same slices either way."""

from __future__ import annotations

import shutil
import sys
from datetime import datetime as D
from pathlib import Path
from typing import Any

import pytest

sys.path.insert(0, str(Path(__file__).parent))

from data_kit import DATA, add_benchmark, add_equity, config, feed, files

from engine.data import stream
from engine.data.feed import Feed
from engine.types.bars import QuoteBar, TradeBar
from engine.types.enums import Resolution
from engine.types.errors import DataError
from engine.types.timezones import TimeZones, from_micro, from_utc

MINUTE = Resolution.MINUTE


def told(one: Any) -> tuple[Any, ...]:
    """Return what a slice says; the slice itself is good for one step only."""
    return (
        one.utc,
        one.count,
        one.eventful,
        [(config.symbol.value, point.end_time, point.close) for config, point in one.updates],
        [(point.symbol.value, point.time, point.value) for point in one.points],
    )


def by_next(made: Feed) -> list[Any]:
    found = []
    while (one := made.next()) is not None:
        found.append(told(one))
    return found


def single() -> Feed:
    made = feed(D(2013, 10, 7), D(2013, 10, 11))
    made.add(config("SPY", MINUTE))
    add_benchmark(made)
    return made


def several() -> Feed:
    made = feed(D(2013, 10, 7), D(2013, 10, 8))
    add_equity(made, "SPY BAC", MINUTE)
    return made


@pytest.mark.parametrize("make", [single, several])
def test_iterating_gives_the_slices_of_next(make: Any) -> None:
    iterated, asked = make(), make()
    assert [told(one) for one in iterated] == by_next(asked)
    assert iterated.data_points == asked.data_points


def test_a_subscription_added_while_iterating_comes_into_the_next_slices() -> None:
    seen: dict[str, list[Any]] = {}
    for way in ("iterated", "asked"):
        made, found = single(), []
        steps = iter(made) if way == "iterated" else iter(made.next, None)
        for number, one in enumerate(steps):
            found.append(told(one))
            if number == 500:
                made.add(config("BAC", MINUTE, kind=QuoteBar))
        seen[way] = found
    assert seen["iterated"] == seen["asked"]
    assert any("BAC" in (name for name, *_ in points) for *_, points in seen["asked"])


def test_points_of_a_step_stay_when_the_feed_goes_on() -> None:
    kept = [one.points for one in single()]
    assert len({id(points) for points in kept}) == len(kept)


@pytest.mark.parametrize("days", [1, 3, 50])
def test_days_that_are_read_together_change_nothing(
    days: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    expected = by_next(several())
    monkeypatch.setattr(stream, "_DAYS_AHEAD", days)
    assert by_next(several()) == expected


def test_days_before_a_broken_file_are_sent_first(tmp_path: Path) -> None:
    source = DATA / "equity" / "usa" / "minute" / "spy"
    folder = tmp_path / "equity" / "usa" / "minute" / "spy"
    folder.mkdir(parents=True)
    for day in ("20131007", "20131008", "20131009"):
        shutil.copy(source / f"{day}_trade.zip", folder)
    broken = folder / "20131009_trade.zip"
    broken.write_bytes(broken.read_bytes()[:500])
    made = Feed(tmp_path, files(), D(2013, 10, 7, 4), D(2013, 10, 11))
    made.add(config("SPY", MINUTE))
    found: list[D] = []
    with pytest.raises(DataError, match="20131009_trade"):
        found.extend(one.utc for one in made)
    assert found[-1].day == 8
    assert len(found) > 700


@pytest.mark.parametrize("resolution", [Resolution.MINUTE, Resolution.HOUR, Resolution.DAILY])
def test_ends_of_bars_and_cuts_tell_the_local_time_of_every_point(resolution: Resolution) -> None:
    """Where the feed has local ends, they are those of the bars, and cuts are changes of clocks."""
    made = feed(D(2012, 10, 1), D(2013, 11, 30))
    add_equity(made, "SPY", resolution, fill_forward=False, is_internal_feed=True)
    (held,) = (one for one in made._subscriptions if one.config._type is TradeBar)
    counts = {"with ends": 0, "cuts": 0, "points": 0}
    for chunk in made._chunks(held):
        moments = [from_micro(emit) for emit in chunk.emit]
        counts["points"] += len(moments)
        if chunk.stamps is not None:
            assert chunk.stamps.tolist() == chunk.emit
        assert not chunk.plain or all(type(point) is TradeBar for point in chunk.points)
        if chunk.ends is None:
            continue
        assert chunk.plain
        assert chunk.ends == [point.end_time for point in chunk.points]
        assert chunk.ends == [from_utc(moment, TimeZones.NEW_YORK) for moment in moments]
        apart = [end - moment for end, moment in zip(chunk.ends, moments, strict=True)]
        cuts = [k for k in range(1, len(apart)) if apart[k] != apart[k - 1]]
        assert list(chunk.cuts) == cuts
        counts["with ends"] += len(moments)
        counts["cuts"] += len(cuts)
    assert counts["with ends"] * 2 > counts["points"] > 100
    assert (counts["cuts"] > 0) == (resolution is not Resolution.MINUTE)
