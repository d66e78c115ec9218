"""``protect audit`` on real ledgers: output and exit codes."""

from __future__ import annotations

import json
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from typer.testing import CliRunner

from operations.cli import app
from operations.errors import OperationError
from protection.blockchain.ledger import Ledger
from protection.contracts import ManualClock, OrderRequest, Portfolio, Quote
from protection.system import ProtectionSystem

runner = CliRunner()


def audit(*arguments: object) -> tuple[int, str]:
    """Exit code and output of a command, as ``protect`` would give them."""
    result = runner.invoke(app, ["audit", *map(str, arguments)])
    if isinstance(result.exception, OperationError):
        return int(result.exception.exit_code), str(result.exception)
    if result.exception is not None and not isinstance(result.exception, SystemExit):
        raise result.exception
    return result.exit_code, result.output


@pytest.fixture
def ledger(tmp_path: Path) -> Path:
    """Ledger of a short life of a system."""
    path = tmp_path / "audit"
    clock = ManualClock(datetime(2020, 1, 6, 21, tzinfo=UTC))
    with Ledger(path) as book:
        system = ProtectionSystem(clock=clock, ledger=book)
        for i in range(5):
            clock.advance(timedelta(days=1))
            now = clock.now()
            system.observe(Quote("SPY", now, 99.9, 100.1))
            account = Portfolio(now, 100_000.0)
            system.evaluate(account)
            order = OrderRequest(i, "SPY", 1.0, time=now, reference_price=100.0, reference_time=now)
            system.authorize(order, account)
        book.flush()
    return path


def test_verify_holds_on_a_sound_ledger_and_names_the_first_bad_record(ledger: Path) -> None:
    code, text = audit("verify", ledger)
    assert code == 0
    assert "16 records" in text
    assert "everything holds" in text

    segment = next(ledger.glob("*.seg"))
    segment.write_bytes(segment.read_bytes().replace(b'"order_id":3', b'"order_id":4', 1))
    code, text = audit("verify", ledger, "--json")
    report = json.loads(text)
    assert code == 3
    assert report["ok"] is False
    assert report["first_bad"] is not None
    code, text = audit("tail", ledger)
    assert code == 3
    assert "first bad record" in text


def test_heads_are_signed_kept_elsewhere_and_verified_against(ledger: Path, tmp_path: Path) -> None:
    code, public = audit("key", tmp_path / "key", "--name", "desk", "--algorithm", "ed25519")
    assert code == 0
    verifier_key = next(line for line in public.splitlines() if line.startswith("desk+"))
    code, note = audit("sign", ledger, "--key-file", tmp_path / "key", "--out", tmp_path / "head")
    assert code == 0
    assert (tmp_path / "head").read_text("utf-8") in note

    against = ("--against", tmp_path / "head", "--key", verifier_key)
    assert audit("verify", ledger, *against)[0] == 0
    assert audit("verify", ledger, "--key-file", tmp_path / "key")[0] == 0
    stranger = audit("key", tmp_path / "other", "--algorithm", "ed25519")[1].splitlines()[0]
    assert audit("verify", ledger, "--key", stranger)[0] == 3
    other = tmp_path / "other_ledger"
    with Ledger(other) as book:
        book.append({"type": "note"})
    code, text = audit("verify", other, *against)
    assert code == 3
    assert "cut back" in text
    assert audit("verify", ledger, "--against", "nonsense")[0] == 1


def test_export_prove_tail_and_stats(ledger: Path, tmp_path: Path) -> None:
    code, text = audit("export", ledger, tmp_path / "out", "--type", "order")
    assert code == 0
    assert "5 records" in text
    assert audit("verify", tmp_path / "out")[0] == 0
    assert audit("export", ledger, tmp_path / "out")[0] == 1

    code, text = audit("prove", ledger, 7)
    proof = json.loads(text)
    assert (code, proof["seq"], proof["holds"]) == (0, 7, True)
    assert json.loads(audit("prove", ledger, proof["leaf"])[1])["seq"] == 7
    assert audit("prove", ledger, 99)[0] == 1

    lines = audit("tail", ledger, "-n", "3")[1].splitlines()
    assert len(lines) == 3
    assert "order" in lines[-1]
    records = audit("tail", ledger, "-n", "2", "--type", "order", "--json")[1].splitlines()
    assert [json.loads(line)["entry"]["order_id"] for line in records] == [3, 4]
    assert audit("tail", ledger, "-n", "0")[1] == ""

    figures = json.loads(audit("stats", ledger, "--json")[1])
    assert figures["records"] == 16
    assert figures["types"]["order"] == 5
    assert figures["retention years"] == 6
    assert figures["keep until"] == "2026-01-11"
    assert "evaluate" in audit("stats", ledger)[1]


def test_replay_gives_the_same_decisions_and_locates_a_difference(
    ledger: Path, tmp_path: Path
) -> None:
    code, text = audit("replay", ledger)
    assert code == 0
    assert "15 calls replayed, 16 records the same" in text

    other = tmp_path / "other"
    with Ledger(ledger) as book, Ledger(other) as copy:
        for record in book.records():
            entry = dict(record.entry)
            if entry["type"] == "order" and entry["order_id"] == 3:
                entry["allowed"] = False
            copy.append(entry)
    code, text = audit("replay", other, "--json")
    outcome = json.loads(text)
    assert code == 3
    assert outcome["divergence"]["reason"] == "order: allowed differ"
    assert outcome["divergence"]["recorded"]["order_id"] == 3
    assert "BAD: record" in audit("replay", other)[1]


@pytest.mark.parametrize("command", ["verify", "tail", "stats", "replay"])
def test_nothing_there_is_one_line_and_exit_code_1(tmp_path: Path, command: str) -> None:
    code, text = audit(command, tmp_path / "missing")
    assert code == 1
    assert "missing" in text
    assert "\n" not in text.strip()


def test_help_is_quick_and_loads_no_ledger() -> None:
    before = set(sys.modules)
    code, text = audit("--help")
    assert code == 0
    assert "verify" in text
    assert not {name for name in set(sys.modules) - before if "blockchain" in name}
