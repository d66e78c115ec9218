"""`protect backtest` on real prices: its files, its table, and the page in a browser."""

from __future__ import annotations

import html.parser
import json
import os
import re
import shutil
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from operations import backtest
from operations.errors import FolderError
from operations.reporting.model import Report
from operations.reporting.page import render, verdict
from operations.reporting.tables import folded, table

ROOT = Path(__file__).resolve().parents[2]
DATA = Path(os.environ.get("LEAN_DATA", ROOT / "../shared/lean-data"))
BROWSER = next(
    filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None
)
VOID = {"meta", "input", "link", "br"}

PLAIN = '''
from AlgorithmImports import *

class Plain(QCAlgorithm):
    """Has no protection."""

    def initialize(self):
        self.set_start_date(2020, 2, 3)
        self.set_end_date(2020, 2, 28)
        self.spy = self.add_equity("SPY", Resolution.DAILY).symbol

    def on_data(self, data):
        if not self.portfolio.invested:
            self.set_holdings(self.spy, 1)
'''


def protect(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "COLUMNS": "120"}
    environment.pop("LEAN_DATA", None)
    command = [sys.executable, "-m", "operations", "backtest", *arguments]
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, env=environment)


@pytest.fixture(scope="module")
def outcome(tmp_path_factory: pytest.TempPathFactory) -> backtest.Outcome:
    """The covid crash with main.py on two securities."""
    folder = tmp_path_factory.mktemp("run")
    parameters = {"universe": "SPY,AAPL", "start": "2020-01-02", "end": "2020-06-30"}
    parameters |= {"target_volatility": "0.30", "max_position": "0.6"}
    order = backtest.Order(
        ROOT / "main.py", DATA, folder / "out", parameters=parameters, store=folder / "storage"
    )
    return backtest.run(order)


class Reader(html.parser.HTMLParser):
    """Collects text and links, and checks that every tag is closed in its place."""

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.links: list[str] = []
        self.text: list[str] = []
        self.tags: list[str] = []

    def handle_starttag(self, tag, attrs):
        self.tags.append(tag)
        self.links += [str(v) for k, v in attrs if k in ("src", "href", "srcset", "data", "action")]
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag, attrs):
        self.tags.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        self.text.append(data)


def read(page: str) -> Reader:
    reader = Reader()
    reader.feed(page)
    reader.close()
    assert reader.open == []
    return reader


def test_a_backtest_leaves_both_results_and_a_page_that_needs_nothing_else(outcome) -> None:
    assert outcome.completed, outcome.error
    folder = outcome.path.parent
    page = outcome.path.read_text(encoding="utf-8")
    reader = read(page)
    bare = json.loads((folder / "bare/result.json").read_text())
    assert reader.links == []
    assert not re.search(r"url\(|@import|https?://(?!www\.w3\.org/2000/svg)", page)
    assert len(page) < 1_500_000
    assert bare["algorithm_configuration"]["parameters"]["protection"] == "off"
    assert bare["statistics"]["OrderListHash"] in page
    assert json.loads((folder / "result.json").read_text())["statistics"]["OrderListHash"] in page


def test_the_page_shows_every_part(outcome) -> None:
    text = " ".join(read(outcome.path.read_text(encoding="utf-8")).text)
    for title in (
        "Equity", "Drawdown", "Crisis windows", "Covid crash", "Breakers", "Exposure",
        "What protection cost", "Monthly returns", "Orders and the gate", "Statistics",
        "What stood guard", "drawdown_peak: loss from the rolling peak",
    ):  # fmt: skip
        assert title in text
    assert "Financial crisis" not in text  # not covered by the data


def test_the_guards_changed_the_run_and_every_order_is_booked(outcome) -> None:
    report: Report = outcome.report
    assert report.bare is not None
    assert report.proof is not None
    assert report.proof.holds
    assert report.proof.orders == sum(report.kinds.values()) > 0
    assert report.episodes, "expected a guard to trip in March 2020"
    assert (report.protected.equity != report.bare.equity).any()
    assert report.protected.equity[0] == report.bare.equity[0]


def test_our_drawdown_is_the_one_lean_states(outcome) -> None:
    for one in (outcome.report.protected, outcome.report.bare):
        stated = float(one.statistics["Drawdown"].rstrip("%")) / 100
        assert one.lifetime.max() == pytest.approx(stated, abs=6e-4)


def test_the_verdict_says_so_when_protection_made_it_worse(outcome) -> None:
    report = outcome.report
    assert report.cost is not None
    worse = replace(report, cost=replace(report.cost, saved_lifetime=-0.01, yearly=0.02))
    said = " ".join(verdict(worse))
    assert "cost 2.00 points of return a year" in said
    assert "did not lower the deepest loss from the all-time peak" in said
    assert report.proof is not None
    wrong = replace(report, proof=replace(report.proof, unaccounted=1))
    assert "Not every order is accounted for" in " ".join(verdict(wrong))
    assert "This is a defect" in render(wrong)


def test_text_of_the_algorithm_is_never_markup(outcome) -> None:
    nasty = "<script>alert(1)</script>@@DATA@@"
    page = render(replace(outcome.report, name=nasty, status="RuntimeError", error=nasty))
    reader = read(page)
    assert "<script>alert" not in page
    assert reader.tags.count("script") == 2
    assert "This run ended early" in page


def test_tables_align_words_and_figures() -> None:
    shown = table(["Name", "Count"], [["a", "1"]])
    assert "<td>a</td><td class=n>1</td>" in shown
    assert "<summary>More &amp; more</summary>" in folded("More & more", shown)


def test_an_algorithm_without_protection_gets_a_report_of_its_own(tmp_path: Path) -> None:
    (tmp_path / "plain.py").write_text(PLAIN)
    done = protect(tmp_path, "plain.py", "--data", str(DATA.resolve()), "--output", "out")
    assert done.returncode == 0, done.stderr
    page = (tmp_path / "out/report.html").read_text(encoding="utf-8")
    assert "it ran without one" in page
    assert "guards off" not in page
    assert str(tmp_path / "out/report.html") in done.stdout
    assert "this run" in done.stdout


def test_a_run_that_fails_midway_is_reported_as_far_as_it_came(tmp_path: Path) -> None:
    failing = PLAIN + "        if self.time.day == 20:\n            raise ValueError('boom')\n"
    (tmp_path / "failing.py").write_text(failing)
    done = protect(tmp_path, "failing.py", "--data", str(DATA.resolve()), "--output", "out")
    assert done.returncode == 1
    assert "boom" in done.stderr
    assert "Traceback" not in done.stderr
    text = " ".join(read((tmp_path / "out/report.html").read_text(encoding="utf-8")).text)
    assert "This run ended early (RuntimeError)" in text
    assert "boom" in text
    assert "3 Feb 2020 to 20 Feb 2020" in text


def test_without_comparison_only_one_run_is_made(tmp_path: Path) -> None:
    arguments = ["--data", str(DATA.resolve()), "--output", str(tmp_path / "out"), "--no-compare"]
    given = ["-p", "universe=SPY", "-p", "start=2020-02-03", "-p", "end=2020-03-31"]
    done = protect(tmp_path, str(ROOT / "main.py"), *arguments, *given)
    assert done.returncode == 0, done.stderr
    assert not (tmp_path / "out/bare").exists()
    page = read((tmp_path / "out/report.html").read_text(encoding="utf-8"))
    assert "unprotected" not in " ".join(page.text).lower()


def test_a_summary_of_an_earlier_run_is_not_taken_for_this_one(tmp_path: Path) -> None:
    store = tmp_path / "storage/protection"
    store.mkdir(parents=True)
    (store / "summary").write_text("{}")
    (tmp_path / "plain.py").write_text(PLAIN)
    done = protect(tmp_path, "plain.py", "--data", str(DATA.resolve()), "--output", "out")
    assert done.returncode == 0, done.stderr
    assert (store / "summary").read_text() == "{}"


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--data", "absent"], "expected a LEAN data folder at absent"),
        (["--data", ".", "-p", "universe"], "expected a parameter as name=value"),
        (["absent.py", "--data", "."], "absent.py"),
    ],
)
def test_what_cannot_run_is_one_line_and_no_traceback(
    tmp_path: Path, arguments: list[str], message: str
) -> None:
    done = protect(tmp_path, *arguments)
    assert done.returncode == 1
    assert message in done.stderr
    assert "Traceback" not in done.stderr
    assert len(done.stderr.strip().splitlines()) == 1


def test_a_prepared_folder_gives_its_own_universe_unless_the_wanted_one_is_there(
    prepared: Path,
) -> None:
    found = backtest.folder_parameters(prepared, {"universe": "SPY,QQQ"})
    assert found["universe"].split(",")[:2] == ["AAPL", "AMD"]
    assert "SP500INDEX" not in found["universe"].split(",")
    assert found["benchmark"] == "SP500INDEX"
    assert (found["start"], found["end"]) == ("1991-01-01", "2022-12-28")
    assert backtest.folder_parameters(prepared, {"universe": "AAPL,XOM"}) == {}
    assert backtest.folder_parameters(DATA, {"universe": "SPY"}) == {}


def test_the_project_file_gives_parameters_as_lean_does(tmp_path: Path) -> None:
    (tmp_path / "config.json").write_text('{"parameters": {"universe": "SPY", "cash": 5}}')
    found = backtest.project_parameters(tmp_path / "main.py")
    assert found == {"universe": "SPY", "cash": "5"}
    (tmp_path / "config.json").write_text("{")
    with pytest.raises(backtest.RunError, match="expected JSON with parameters"):
        backtest.project_parameters(tmp_path / "main.py")


def test_a_missing_data_folder_is_refused_before_anything_is_written(tmp_path: Path) -> None:
    order = backtest.Order(ROOT / "main.py", tmp_path / "none", tmp_path / "out")
    with pytest.raises(FolderError, match="protect data prepare"):
        backtest.run(order)
    assert list(tmp_path.iterdir()) == []


PROBE = """
<script>
addEventListener("load", () => {
  const plot = document.querySelector("#equity svg.plot");
  const area = plot.getBoundingClientRect();
  plot.dispatchEvent(new PointerEvent("pointermove", {
    clientX: area.left + area.width * 0.5, clientY: area.top + 50, bubbles: true }));
  document.body.dataset.tip = document.getElementById("tip").innerText;
  document.body.dataset.cursors =
    [...document.querySelectorAll(".cursor")].filter(
      (c) => c.getAttribute("visibility") === "visible").length;
  document.body.dataset.wide = document.documentElement.scrollWidth > innerWidth;
  document.getElementById("m-bare").click();
  document.body.dataset.pane = getComputedStyle(document.querySelector(".pane.m-bare")).display;
  const before = getComputedStyle(document.body).backgroundColor;
  document.getElementById("theme").click();
  document.body.dataset.themes = before !== getComputedStyle(document.body).backgroundColor;
  const outside = [...document.querySelectorAll("svg text")].filter((t) => {
    const own = t.getBoundingClientRect(), all = t.ownerSVGElement.getBoundingClientRect();
    return own.right > all.right + 8 || own.left < all.left - 8;
  });
  document.body.dataset.outside = outside.map((t) => t.textContent).join("|");
});
</script>
"""


@pytest.mark.skipif(BROWSER is None, reason="no Chromium on this machine")
def test_the_page_works_in_a_browser(outcome, tmp_path: Path) -> None:
    page = tmp_path / "page.html"
    text = outcome.path.read_text(encoding="utf-8")
    page.write_text(text.replace("</body>", PROBE + "</body>"), encoding="utf-8")
    command = [str(BROWSER), "--headless", "--no-sandbox", "--disable-gpu", "--dump-dom"]
    command += [f"--user-data-dir={tmp_path / 'profile'}", "--window-size=1280,900"]
    command += ["--enable-logging=stderr", "--v=0", page.as_uri()]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120)
    said = dict(re.findall(r'data-(tip|cursors|wide|pane|themes|outside)="([^"]*)"', done.stdout))
    assert said, done.stderr
    assert "Equity" in said["tip"]
    assert "2020" in said["tip"]
    assert int(said["cursors"]) == done.stdout.count('<svg class="plot"') >= 5
    assert said["wide"] == "false"
    assert said["pane"] == "block"
    assert said["themes"] == "true"
    assert said["outside"] == ""
    assert "Uncaught" not in done.stderr
