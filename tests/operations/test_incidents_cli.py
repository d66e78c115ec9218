"""``protect incidents`` on a ledger of real prices."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from engine.run import run_backtest
from operations.cli import app
from operations.errors import OperationError

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="module")
def ledger(lean_data: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The ledger of a run over the flash crash."""
    folder = tmp_path_factory.mktemp("incidents")
    place = folder / "ledger"
    parameters = {"start": "2010-04-12", "end": "2010-05-14", "audit": str(place)}
    result = run_backtest(
        ROOT / "main.py", lean_data, parameters=parameters, object_store=folder / "store"
    )
    assert result.status == "Completed", result.error
    return place


def call(*words: object) -> str:
    result = CliRunner().invoke(app, ["incidents", *map(str, words)])
    if isinstance(result.exception, OperationError):
        raise result.exception
    assert result.exit_code == 0, result.output
    return result.output


def test_list_names_each_incident_with_its_cause(ledger: Path) -> None:
    lines = call("list", ledger).splitlines()
    rows = json.loads(call("list", ledger, "--json"))

    assert any("2010-05-06-daily-loss" in line and "market" in line for line in lines)
    assert len(rows) == len(lines) - 1
    assert all("timeline" not in row for row in rows)


def test_show_writes_markdown_json_and_a_page(ledger: Path, tmp_path: Path) -> None:
    name = "2010-05-06-daily-loss"

    assert call("show", ledger, name).startswith(f"# Post-mortem {name}")
    assert json.loads(call("show", ledger, name, "-f", "json"))["cause"] == "market"
    page = tmp_path / "page.html"
    assert str(page) in call("show", ledger, name, "-f", "html", "--out", page)
    assert page.read_text("utf-8").count("<svg") == 4


def test_replay_prints_what_would_have_been_decided(ledger: Path) -> None:
    text = call("replay", ledger, "2010-05-06-daily-loss", "--without", "daily_loss")
    told = json.loads(
        call("replay", ledger, "2010-05-06-daily-loss", "--set", "daily.loss=0.05", "--json")
    )

    assert "daily.loss 0.02 -> none" in text
    assert "trips then:   2010-05-06 daily_loss" in text
    assert "trips now:    none" in text
    assert told["faithful"] is True
    assert told["changed"] == {"daily.loss": ["0.02", "0.05"]}


@pytest.mark.parametrize(
    ("words", "complaint"),
    [
        (("show", "{ledger}", "nothing"), "expected an incident of"),
        (("show", "{ledger}", "-f", "pdf"), "expected --format"),
        (("replay", "{ledger}"), "was neither"),
        (("replay", "{ledger}", "--set", "daily.loss=5"), "expected daily.loss"),
        (("list", "{ledger}-none"), "found nothing"),
    ],
)
def test_a_mistake_is_one_clear_line(ledger: Path, words: tuple[str, ...], complaint: str) -> None:
    with pytest.raises(OperationError, match=complaint):
        call(*(word.format(ledger=ledger) for word in words))


def test_a_damaged_ledger_fails_the_check(ledger: Path, tmp_path: Path) -> None:
    import shutil

    copy = tmp_path / "copy"
    shutil.copytree(ledger, copy)
    (segment,) = copy.glob("*.seg")
    data = bytearray(segment.read_bytes())
    data[len(data) // 2] ^= 1
    segment.write_bytes(bytes(data))

    with pytest.raises(OperationError, match="first bad record") as found:
        call("list", copy)
    assert int(found.value.exit_code) == 3
