"""Scripted incidents with known causes, on real prices: the top cause must be the known one."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

import pytest

from protection.contracts.errors import RetryWrite
from protection.contracts.records import BrokerEvent, BrokerStatus
from protection.contracts.stores import MemoryStateStore
from protection.contracts.stores.logs import RingLog
from protection.post_mortem.analyzer import PostMortem, PostMortemEngine

QUIET = ("2013-02-01", "2013-04-30")
BEFORE = 40  # quiet days before something happens

Each = Callable[[date, int], None]


class FailingStore(MemoryStateStore):
    """A disk that is full from some moment on."""

    def __init__(self) -> None:
        super().__init__()
        self.full = False

    def write(self, key: str, text: str) -> None:
        if self.full:
            raise RetryWrite("no space left on device")
        super().write(key, text)

    def log(self, key: str) -> RingLog:  # type: ignore[override]
        """A log whose entries fill the disk like everything else."""
        return RingLog(self, key)


def flash_crash(desk: Any) -> None:
    desk.run("2010-03-15", "2010-05-12")


def lehman(desk: Any) -> None:
    desk.run("2008-08-01", "2008-10-17")


def minute_crash(desk: Any) -> None:
    def each(day: date, index: int) -> None:
        if index == BEFORE:
            before = dict(desk.seen)
            desk.tick(day, 0, before)
            desk.tick(day, 30, {s: p * 0.93 for s, p in before.items()})
            desk.bars = {
                symbol: {
                    d: tuple(p * 0.93 for p in bar) if d >= day else bar for d, bar in x.items()
                }
                for symbol, x in desk.bars.items()
            }

    desk.run(*QUIET, each)


def lone_news(desk: Any) -> None:
    """A company's own news: its price falls by a third and stays there."""
    late = desk.days(*QUIET)[BEFORE]
    desk.weights["BAC"] = 0.25
    desk.bars["BAC"] = {
        day: tuple(p * 0.67 for p in bar) if day >= late else bar
        for day, bar in desk.bars["BAC"].items()
    }
    desk.run(*QUIET)


def misplaced_point(desk: Any) -> None:
    wrong = desk.days(*QUIET)[BEFORE]
    desk.bend = lambda day, symbol, bar: (
        tuple(p / 10 for p in bar) if symbol == "SPY" and day == wrong else bar
    )
    desk.run(*QUIET)


def doubled_price(desk: Any) -> None:
    wrong = desk.days(*QUIET)[BEFORE]
    desk.bend = lambda day, symbol, bar: (
        tuple(p * 2 for p in bar) if symbol == "IBM" and day == wrong else bar
    )
    desk.run(*QUIET)


def impossible_prices(desk: Any) -> None:
    wrong = desk.days(*QUIET)[BEFORE : BEFORE + 3]
    desk.bend = lambda day, symbol, bar: (
        (bar[0], bar[1], -1.0, bar[3]) if symbol in ("EEM", "IWM") and day in wrong else bar
    )
    desk.run(*QUIET)


def dead_feed(desk: Any) -> None:
    late = desk.days(*QUIET)[BEFORE]
    desk.bend = lambda day, symbol, bar: None if symbol == "EEM" and day >= late else bar

    def each(day: date, index: int) -> None:
        if index >= BEFORE + 8:
            desk.targets["EEM"] += 500

    desk.run(*QUIET, each)


def impossible_equity(desk: Any) -> None:
    def each(day: date, index: int) -> None:
        desk.bad_equity = index == BEFORE

    desk.run(*QUIET, each)


def oversized_model(desk: Any) -> None:
    def each(day: date, index: int) -> None:
        if index == BEFORE:
            desk.targets = {symbol: 9 * q for symbol, q in desk.targets.items()}
            for symbol, quantity in list(desk.targets.items()):
                desk.send(symbol, quantity)

    desk.run(*QUIET, each)


def churning_model(desk: Any) -> None:
    """Long and short by turns, with all the leverage that is allowed."""
    desk.weights = dict.fromkeys(desk.weights, 0.3)

    def each(day: date, index: int) -> None:
        if index > 5:
            desk.targets = {symbol: -q for symbol, q in desk.targets.items()}

    desk.run("2013-02-01", "2013-03-28", each)


def bad_fills(desk: Any) -> None:
    def each(day: date, index: int) -> None:
        if index == BEFORE:
            desk.targets = {symbol: -q for symbol, q in desk.targets.items()}
        desk.slip = 0.03 if index == BEFORE + 1 else 0.0

    desk.run(*QUIET, each)


def broker_refusals(desk: Any) -> None:
    def each(day: date, index: int) -> None:
        desk.reject = index == BEFORE + 1
        if index == BEFORE:
            desk.targets = {symbol: q * 0.5 for symbol, q in desk.targets.items()}

    desk.run(*QUIET, each)


def overfills(desk: Any) -> None:
    def each(day: date, index: int) -> None:
        desk.fill_times = 12.0 if index == BEFORE + 1 else 1.0
        if index == BEFORE:
            desk.targets = {symbol: q * 1.2 for symbol, q in desk.targets.items()}

    desk.run(*QUIET, each)


def lost_link(desk: Any) -> None:
    def each(day: date, index: int) -> None:
        now = desk.clock.now()
        if index == BEFORE:
            desk.system.on_broker(BrokerEvent(now, BrokerStatus.DISCONNECTED, "socket closed"))
        if index == BEFORE + 1:
            desk.system.on_broker(BrokerEvent(now, BrokerStatus.CONNECTED))

    desk.run(*QUIET, each)


def full_disk(desk: Any) -> None:
    desk.store = FailingStore()

    def each(day: date, index: int) -> None:
        desk.store.full = BEFORE <= index < BEFORE + 2

    desk.run(*QUIET, each)


def clock_went_back(desk: Any) -> None:
    def each(day: date, index: int) -> None:
        if index == BEFORE:
            desk.clock.advance(timedelta(hours=-3))
            desk.evaluate()

    desk.run(*QUIET, each)


def old_snapshot(desk: Any) -> None:
    def each(day: date, index: int) -> None:
        if index == BEFORE:
            desk.clock.advance(timedelta(hours=2))
            desk.evaluate(age=600.0)

    desk.run(*QUIET, each)


def narrow_threshold(desk: Any) -> None:
    desk.settings = {"daily.loss": "0.004"}
    desk.run(*QUIET)


def changed_limit(desk: Any) -> None:
    desk.store = MemoryStateStore()

    def each(day: date, index: int) -> None:
        if index == BEFORE:
            desk.settings = {"leverage.limit": "0.5"}
            desk.start()

    desk.run(*QUIET, each)


def killed_by_hand(desk: Any) -> None:
    def each(day: date, index: int) -> None:
        if index == BEFORE:
            desk.system.kill("dana", "wants to go on holiday")

    desk.run(*QUIET, each)


def manual_orders(desk: Any) -> None:
    def each(day: date, index: int) -> None:
        if index == BEFORE:
            desk.fill("phone-1", "SPY", 15_000, desk.seen["SPY"])

    desk.run(*QUIET, each)


INCIDENTS: list[tuple[Callable[[Any], None], str]] = [
    (flash_crash, "market"),
    (lehman, "market"),
    (minute_crash, "market"),
    (lone_news, "market"),
    (misplaced_point, "data"),
    (doubled_price, "data"),
    (impossible_prices, "data"),
    (dead_feed, "data"),
    (impossible_equity, "data"),
    (oversized_model, "model"),
    (churning_model, "model"),
    (bad_fills, "execution"),
    (broker_refusals, "execution"),
    (overfills, "execution"),
    (lost_link, "infrastructure"),
    (full_disk, "infrastructure"),
    (clock_went_back, "infrastructure"),
    (old_snapshot, "infrastructure"),
    (narrow_threshold, "configuration"),
    (changed_limit, "configuration"),
    (killed_by_hand, "human"),
    (manual_orders, "human"),
]
WHEN = {flash_crash: date(2010, 5, 6), lehman: date(2008, 9, 15)}
WHOLE = {narrow_threshold, churning_model}  # wrong from the first day on
IDS = [script.__name__ for script, _ in INCIDENTS]


def explain(desk: Any, script: Callable[[Any], None]) -> list[PostMortem]:
    """Run a script and explain its incidents, from the scripted one on."""
    engine = PostMortemEngine()
    script(desk)
    desk.ledger.flush()
    entries = list(desk.ledger.records())
    desk.ledger.close()
    day = WHEN.get(script) or desk.days(*QUIET)[0 if script in WHOLE else BEFORE]
    found = [i for i in engine.incidents(entries) if i.ended is None or i.ended.date() >= day]
    return [engine.analyze(entries, one.number) for one in found]


@pytest.fixture(scope="module")
def reports(
    make_desk: Callable[[], Any],
) -> Callable[[Callable[[Any], None]], list[PostMortem]]:
    """Reports from the scripted incident on; each script runs once."""
    known: dict[Any, list[PostMortem]] = {}

    def of(script: Callable[[Any], None]) -> list[PostMortem]:
        if script not in known:
            known[script] = explain(make_desk(), script)
        return known[script]

    return of


@pytest.mark.parametrize(("script", "cause"), INCIDENTS, ids=IDS)
def test_the_top_cause_of_a_scripted_incident_is_the_known_one(
    reports: Any, script: Callable[[Any], None], cause: str
) -> None:
    found = reports(script)

    assert found, "no incident was found"
    assert found[0].cause == cause, found[0].to_markdown()


@pytest.mark.parametrize(("script", "cause"), INCIDENTS, ids=IDS)
def test_the_parts_sum_to_the_change_of_equity_to_the_cent(
    reports: Any, script: Callable[[Any], None], cause: str
) -> None:
    for report in reports(script):
        books = report.attribution
        assert books is not None
        assert sum(books.parts.values()) == books.pnl
        assert books.pnl == books.end_equity - books.start_equity
        assert abs(books.parts["other"]) <= Decimal("0.01"), books


OTHER_QUARTERS = [
    ("2011-01-03", "2011-03-31"),
    ("2012-08-01", "2012-10-26"),
    ("2013-10-01", "2013-12-20"),
]


@pytest.mark.slow
@pytest.mark.parametrize("quarter", OTHER_QUARTERS, ids=lambda quarter: quarter[0][:7])
def test_the_same_scripts_in_quarters_that_the_rules_were_not_written_on(
    make_desk: Any, monkeypatch: pytest.MonkeyPatch, quarter: tuple[str, str]
) -> None:
    monkeypatch.setitem(globals(), "QUIET", quarter)
    wrong = []
    scripts = [item for item in INCIDENTS if item[0] not in (*WHEN, churning_model)]
    for script, cause in scripts:
        found = explain(make_desk(), script)
        named = found[0].cause if found else "no incident"
        if named != cause:
            wrong.append((script.__name__, cause, named))
    print(f"{quarter[0]}: top cause right in {len(scripts) - len(wrong)} of {len(scripts)}")

    assert len(wrong) * 10 <= len(scripts), wrong


def test_quiet_days_have_neither_an_incident_nor_a_cause(desk: Any) -> None:
    desk.run("2013-07-08", "2013-08-09")
    desk.ledger.flush()

    report = PostMortemEngine().analyze(desk.ledger)

    assert report.incident is None
    assert report.causes == ()
    assert report.cause == ""
    assert report.attribution is not None
    assert sum(report.attribution.parts.values()) == report.attribution.pnl
    assert report.attribution.parts["fees"] == -Decimal(desk.fees).quantize(Decimal("0.01"))
