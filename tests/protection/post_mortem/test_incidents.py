"""Where incidents begin and end, which run is read, and how a report is written."""

from __future__ import annotations

import json
import re
import xml.etree.ElementTree as ElementTree
from datetime import UTC, date, datetime, timedelta
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest

from protection.contracts.clock import ManualClock
from protection.contracts.errors import FixInput
from protection.contracts.records import BrokerEvent, BrokerStatus, CashFlow, Portfolio
from protection.contracts.settings import ProtectionSettings
from protection.post_mortem.analyzer import PostMortem, PostMortemEngine
from protection.system import ProtectionSystem

MONDAY = datetime(2021, 1, 4, 21, 0, tzinfo=UTC)


class Book:
    """A ledger in a list."""

    def __init__(self) -> None:
        self.entries: list[dict[str, Any]] = []

    def append(self, entry: Any) -> None:
        self.entries.append(dict(entry))


class Account:
    """An account without positions over a system that writes to a list."""

    def __init__(self, book: Book, start: datetime = MONDAY, **settings: str) -> None:
        self.clock = ManualClock(start)
        flat = {key.replace("__", "."): value for key, value in settings.items()}
        self.system = ProtectionSystem(
            ProtectionSettings.from_flat(flat), clock=self.clock, ledger=book
        )

    def day(self, equity: float) -> None:
        now = self.clock.now()
        self.system.evaluate(Portfolio(now, equity, cash=equity))
        step = 3 if now.weekday() == 4 else 1
        self.clock.advance(timedelta(days=step))

    def link(self, status: BrokerStatus) -> None:
        self.system.on_broker(BrokerEvent(self.clock.now(), status))


def names(book: Book, run: int = -1) -> list[str]:
    return [one.name for one in PostMortemEngine().incidents(book.entries, run=run)]


def test_two_incidents_with_one_quiet_session_between_them_are_one() -> None:
    for quiet, expected in ((1, 1), (4, 2)):
        book = Book()
        account = Account(book)
        account.day(100.0)
        for _ in range(2):
            account.link(BrokerStatus.DISCONNECTED)
            account.day(100.0)
            account.link(BrokerStatus.CONNECTED)
            for _ in range(quiet):
                account.day(100.0)

        assert len(names(book)) == expected, quiet


def test_an_incident_whose_guard_still_holds_is_open() -> None:
    book = Book()
    account = Account(book)
    account.day(100.0)
    account.link(BrokerStatus.ERROR)
    account.day(100.0)

    report = PostMortemEngine().analyze(book.entries)

    assert report.incident is not None
    assert report.incident.ended is None
    assert report.severity == "HALT"
    assert "still open" in report.to_markdown()


def test_a_backtest_that_appends_to_a_ledger_is_a_run_of_its_own_and_a_restart_is_not() -> None:
    book = Book()
    first = Account(book)
    first.day(100.0)
    first.link(BrokerStatus.DISCONNECTED)
    first.day(100.0)
    Account(book, first.clock.now()).day(100.0)
    Account(book).day(100.0)
    engine = PostMortemEngine()

    assert len(engine.runs(book.entries)) == 2
    assert names(book, 0) == ["2021-01-05-broker"]
    assert names(book, 1) == []
    with pytest.raises(FixInput, match="expected one of 2 runs, was 7"):
        engine.incidents(book.entries, run=7)


def test_a_stretch_can_be_chosen_by_hand() -> None:
    book = Book()
    account = Account(book)
    for equity in (100.0, 101.0, 101.5, 100.5):
        account.day(equity)
    engine = PostMortemEngine()

    report = engine.analyze(
        book.entries, start=MONDAY + timedelta(hours=1), end=MONDAY + timedelta(days=2)
    )

    assert report.attribution is not None
    assert f"{report.attribution.pnl:.2f}" == "1.50"
    with pytest.raises(FixInput, match="expected snapshots between"):
        engine.analyze(book.entries, start=MONDAY + timedelta(days=400))


def test_the_worst_incident_is_explained_when_none_is_named() -> None:
    book = Book()
    account = Account(book)
    for equity in (100.0, 97.0, 97.0, 97.0, 97.0, 92.0, 92.0):
        account.day(equity)

    report = PostMortemEngine().analyze(book.entries)

    assert report.incident is not None
    assert report.incident.begun.date() == date(2021, 1, 11)


def test_money_paid_out_is_no_incident() -> None:
    book = Book()
    account = Account(book)
    account.day(100.0)
    account.system.on_cash_flow(CashFlow(account.clock.now(), -40.0))
    account.day(60.0)

    assert names(book) == []


def test_a_ledger_without_a_protected_run_is_refused() -> None:
    with pytest.raises(FixInput, match="expected entries of a protected run"):
        PostMortemEngine().analyze([{"type": "note", "time": "2021-01-04T00:00:00Z"}])
    with pytest.raises(FixInput, match="expected a readable evaluate entry as record 0"):
        PostMortemEngine().analyze([{"type": "evaluate", "time": "2021-01-04T00:00:00+00:00"}])


class Outline(HTMLParser):
    """Tags that were opened and not closed, and what a page would load."""

    VOID = frozenset({"meta", "br"})

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.loads: list[str] = []
        self.pictures = 0

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.pictures += tag == "svg"
        self.loads += [name for name, _ in attrs if name in ("src", "href")]
        if tag not in self.VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag


@pytest.fixture(scope="module")
def report(make_desk: Any) -> PostMortem:
    desk = make_desk()
    desk.run("2010-03-15", "2010-05-12")
    desk.ledger.flush()
    found = PostMortemEngine().analyze(desk.ledger, 1)
    desk.ledger.close()
    return found


def test_the_page_is_whole_loads_nothing_and_shows_pictures(report: PostMortem) -> None:
    page = report.to_html()
    outline = Outline()
    outline.feed(page)

    assert outline.open == []
    assert outline.loads == []
    assert outline.pictures == 4
    assert "<script" not in page
    for begin in range(4):
        start = [i for i in range(len(page)) if page.startswith("<svg", i)][begin]
        ElementTree.fromstring(page[start : page.index("</svg>", start) + 6])


def test_texts_of_the_ledger_cannot_become_markup() -> None:
    book = Book()
    account = Account(book)
    account.day(100.0)
    account.system.kill("<script>alert(1)</script>", "a | b & <b>c</b>")
    account.day(100.0)

    report = PostMortemEngine().analyze(book.entries)

    assert "<script>" not in report.to_html()
    assert "&lt;script&gt;alert(1)" in report.to_html()
    assert "a \\| b & <b>" in report.to_markdown()
    assert report.cause == "human"


def test_every_form_of_a_report_says_the_same_figures(report: PostMortem) -> None:
    plain = json.loads(report.to_json())
    books = report.attribution
    assert books is not None

    assert plain["cause"] == report.cause == plain["causes"][0]["cause"]
    assert sum(float(v) for v in plain["attribution"]["parts"].values()) == pytest.approx(
        float(plain["attribution"]["pnl"]), abs=1e-6
    )
    assert f"{books.pnl:,.2f}" in report.to_markdown()
    assert f"{books.pnl:,.2f}" in report.to_html()
    assert plain["attribution"]["pnl"] == f"{books.pnl:.2f}"


def test_every_proposal_quotes_evidence_and_a_setting_of_the_run(report: PostMortem) -> None:
    flat = ProtectionSettings().to_flat()

    assert report.advice
    for one in report.advice:
        assert one.evidence
        assert one.records
        assert one.setting == "" or flat[one.setting] == one.now
    assert any(one.setting for one in report.advice)


def test_the_pages_example_runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    page = Path(__file__).resolve().parents[3] / "docs" / "concepts" / "post_mortem.md"
    blocks = re.findall(r"```python\n(.*?)```", page.read_text("utf-8"), re.DOTALL)
    monkeypatch.chdir(tmp_path)

    assert blocks
    for block in blocks:
        exec(compile(block, str(page), "exec"), {"__name__": "example"})
