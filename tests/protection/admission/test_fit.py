"""Outliers, consensus, noise, concentration: whether an observation fits."""

from __future__ import annotations

import json
import math
import zipfile
from datetime import UTC, datetime, time, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from protection.admission import (
    Admission,
    Admitted,
    Cause,
    Envelope,
    Quarantined,
    Sample,
    Source,
    SourceRegistry,
    WeeklyHours,
    measure,
)
from protection.admission.concentration import Concentration
from protection.admission.noise import SignalToNoise
from protection.admission.robust import RollingMedian
from protection.contracts import Bar, ManualClock
from protection.contracts.admission_settings import ConcentrationSettings


def walk(count: int, seed: int = 1, size: float = 1e-3) -> np.ndarray:
    return 100 * np.exp(np.cumsum(np.random.default_rng(seed).normal(0, size, count)))


def admitted(outcomes) -> list[bool]:
    return [isinstance(outcome, Admitted) for outcome in outcomes]


@settings(max_examples=100, deadline=None)
@given(st.lists(st.floats(-1e6, 1e6), min_size=1, max_size=60), st.integers(8, 16))
def test_the_rolling_median_is_the_median_of_the_window(values, size):
    window = RollingMedian(size)
    for value in values:
        window.add(value)
    last = sorted(values[-size:])

    assert window.median() == last[(len(last) - 1) // 2]
    assert len(window) == len(last)


def test_a_spike_waits_and_its_source_goes_on(desk):
    prices = walk(60)
    prices[40] *= 1.03
    outcomes = desk.feed(prices)

    assert isinstance(outcomes[40], Quarantined)
    assert outcomes[40].cause is Cause.OUTLIER
    assert all(admitted(outcomes[:40] + outcomes[41:]))


def test_a_level_that_stays_is_confirmed_and_what_waited_is_freed(desk):
    prices = walk(60)
    prices[40:] *= 1.03
    outcomes = desk.feed(prices)

    assert admitted(outcomes[38:44]) == [True, True, False, False, True, True]
    assert outcomes[42].notes == ("confirmed",)
    freed = desk.door.drain()
    assert [entry.envelope for entry in freed] == [o.envelope for o in outcomes[40:42]]
    assert len(desk.door.quarantine) == 0
    assert desk.door.drain() == ()


def test_one_owner_alone_cannot_confirm_a_level_that_others_do_not_see(make_desk):
    desk = make_desk(sources=3)
    prices = walk(60)
    for price in prices:
        desk.tick()
        for source in ("s0", "s1", "s2"):
            desk.door.decide(desk.trade(price, source))
    held = []
    for price in prices[:20]:
        desk.tick()
        held.append(desk.door.decide(desk.trade(price * 1.05, "s0")))
        desk.door.decide(desk.trade(prices[-1], "s1"))
        desk.door.decide(desk.trade(prices[-1], "s2"))

    assert not any(admitted(held))


def test_a_level_most_owners_see_is_confirmed(make_desk):
    desk = make_desk(sources=3)
    for price in walk(40):
        desk.tick()
        for source in ("s0", "s1", "s2"):
            desk.door.decide(desk.trade(price, source))
    outcomes = []
    for _ in range(2):
        desk.tick()
        outcomes += [
            desk.door.decide(desk.trade(price * 1.05, source)) for source in ("s0", "s1", "s2")
        ]

    assert admitted(outcomes) == [False, False, True, True, True, True]
    assert len(desk.door.drain()) == 2


def test_a_slow_drip_of_one_source_stops_at_the_consensus(make_desk):
    desk = make_desk(sources=4)
    prices = walk(400, size=1e-4)
    last = 0.0
    for step, price in enumerate(prices):
        desk.tick()
        for source in ("s1", "s2", "s3"):
            desk.door.decide(desk.trade(price, source))
        drift = max(0, step - 50) * 2e-4  # two typical moves a second, well under the limit
        outcome = desk.door.decide(desk.trade(price * math.exp(drift), "s0"))
        if isinstance(outcome, Admitted):
            last = drift

    assert 0.0 < last < 12 * 3e-4
    assert desk.door.trust("s0") < desk.door.trust("s1")


def test_quiet_prices_do_not_make_every_move_an_outlier(desk):
    prices = np.round(np.repeat(walk(60, size=1e-3), 5), 2)
    assert all(admitted(desk.feed(prices)))


def test_a_price_between_two_ticks_is_no_outlier(desk):
    rng = np.random.default_rng(6)
    prices = np.where(rng.random(200) < 0.5, 14.00, 14.01)
    assert all(admitted(desk.feed(prices)))


def test_minute_bars_of_real_days_pass_and_their_pauses_are_no_silence(lean_data):
    """Six to seven days a symbol; a gap over night may wait, but is confirmed and freed."""
    new_york = ZoneInfo("America/New_York")
    for symbol in ("spy", "ibm", "bac", "aig"):
        clock = ManualClock(datetime(2000, 1, 1, tzinfo=UTC))
        source = Source("lean", cadence_seconds=60.0, hours=WeeklyHours())
        door = Admission(SourceRegistry(source), clock=clock)
        seen = 0
        files = sorted((lean_data / "equity" / "usa" / "minute" / symbol).glob("2013*_trade.zip"))
        for path in files[:6]:
            day = datetime.strptime(path.name[:8], "%Y%m%d").replace(tzinfo=new_york)
            with zipfile.ZipFile(path) as archive:
                lines = archive.read(archive.namelist()[0]).decode().splitlines()
            for line in lines:
                fields = [float(field) for field in line.split(",")]
                start = day + timedelta(milliseconds=fields[0])
                if not time(9, 30) <= start.time() < time(16, 0):
                    continue
                end = (start + timedelta(minutes=1)).astimezone(UTC)
                clock.set(end + timedelta(milliseconds=200))
                prices = (value / 1e4 for value in fields[1:5])
                bar = Bar(symbol, end, *prices, fields[5], timedelta(minutes=1))
                door.decide(Envelope("lean", bar))
                seen += 1
                assert not door.health()[0].silent
            clock.advance(timedelta(hours=12))  # the night
            assert not door.health()[0].silent
        counts = door.counters
        assert seen > 1500
        assert set(counts) <= {"admitted", "outlier", "confirmed", "silence"}
        held = counts["outlier"] - counts["confirmed"]
        assert held <= 0.002 * seen, (symbol, counts)
        assert counts["admitted"] + counts["silence"] >= 0.99 * seen, (symbol, counts)


def test_a_component_far_from_its_median_is_held(desk):
    rng = np.random.default_rng(5)
    outcomes = []
    for step in range(80):
        desk.tick()
        values = rng.standard_normal(4) * [1.0, 10.0, 0.01, 1.0]
        if step == 60:
            values[2] = 1.0  # a hundred of its own scales, small beside the others
        sample = Sample("signals", desk.clock.now(), tuple(values))
        outcomes.append(desk.door.decide(Envelope("s0", sample)))

    assert [n for n, good in enumerate(admitted(outcomes)) if not good] == [60]
    desk.tick()
    short = desk.door.decide(Envelope("s0", Sample("signals", desk.clock.now(), (1.0, 2.0))))
    assert short.cause is Cause.INVALID


def test_the_noise_ratio_is_that_of_the_simulated_feed():
    rng = np.random.default_rng(2)
    for ratio in (0.5, 4.0):
        noise = rng.normal(0, 1.0, 200_001)
        walked = np.cumsum(rng.normal(0, math.sqrt(2 * ratio), 200_001))
        watch = SignalToNoise(50_000)
        for step in np.diff(walked + noise):
            watch.add(float(step))
        assert watch.ratio == pytest.approx(ratio, rel=0.15)
        assert watch.ratio > ratio * 0.97  # the favourable end of the interval


def test_a_feed_that_only_bounces_is_held_as_noise(desk):
    rng = np.random.default_rng(8)
    prices = 100 * np.exp(rng.normal(0, 1e-3, 600))  # no random walk underneath at all
    outcomes = desk.feed(prices)

    causes = [o.cause for o in outcomes if isinstance(o, Quarantined)]
    assert causes.count(Cause.NOISE) > 100
    assert all(admitted(outcomes[:250]))


def test_random_walks_are_hardly_ever_called_noise(make_desk):
    called = 0
    for seed in range(20):
        outcomes = make_desk().feed(walk(600, seed))
        called += any(isinstance(o, Quarantined) and o.cause is Cause.NOISE for o in outcomes)
    assert called == 0


GOLDEN = json.loads(
    (Path(__file__).parents[2] / "golden" / "gating" / "concentration.json").read_text("utf-8")
)


@pytest.mark.parametrize("case", GOLDEN["cases"], ids=lambda case: str(case["shares"]))
def test_concentration_agrees_with_the_golden_answers(case):
    shares = measure(case["shares"])

    assert shares is not None
    assert shares.hhi == pytest.approx(case["hhi"], rel=1e-12)
    assert shares.entropy == pytest.approx(case["entropy_nats"], rel=1e-12)
    assert shares.effective == pytest.approx(case["eff_hhi"], rel=1e-12)
    assert shares.effective_entropy == pytest.approx(case["eff_ent"], rel=1e-12)
    assert shares.normalised == pytest.approx(case["hhi_norm"], abs=1e-12)


@settings(max_examples=80, deadline=None)
@given(st.lists(st.tuples(st.sampled_from("abcde"), st.floats(0, 5e4)), max_size=80))
def test_running_shares_are_those_of_the_decayed_counts(events):
    watch = Concentration(ConcentrationSettings(half_life_seconds=100.0))
    seconds, counts = 0.0, {}
    for owner, gap in events:
        seconds += math.floor(gap)
        counts = {name: amount * 0.5 ** (math.floor(gap) / 100) for name, amount in counts.items()}
        counts[owner] = counts.get(owner, 0.0) + 1.0
        watch.add(owner, seconds)
    expected = measure(counts.values())
    if expected is None:
        assert watch.hhi == 1.0
    else:
        assert watch.hhi == pytest.approx(expected.hhi, rel=1e-6)
        for owner, amount in counts.items():
            assert watch.share(owner) == pytest.approx(amount / sum(counts.values()), abs=1e-6)


def test_an_owner_that_crowds_out_the_others_waits_until_they_are_heard(make_desk):
    desk = make_desk(
        sources=10, settings={"concentration": {"minimum": 50, "half_life_seconds": 30.0}}
    )
    held = 0
    for step in range(300):
        desk.tick(0.1)
        source = "s0" if step % 2 else f"s{1 + step // 2 % 9}"
        held += isinstance(desk.door.decide(desk.trade(100 + step / 1e4, source)), Quarantined)

    shares, text = desk.door.shares()
    assert held > 20
    assert shares is not None
    assert shares.hhi <= 0.20 + 1e-9
    assert "of 10 owners" in text


def test_limits_that_so_few_owners_cannot_meet_are_told_not_judged(desk):
    assert all(admitted(desk.feed(walk(300))))
    assert "needs 5 owners, not judged" in desk.door.shares()[1]
