"""Where records go when no folder of our own can be made: said, or refused if asked for."""

from __future__ import annotations

from pathlib import Path

from engine.run import run_backtest

ASK = """from AlgorithmImports import *

from types import SimpleNamespace

from algorithm.bridge import make_ledger


def ask(live, audit, folder):
    store = SimpleNamespace(get_file_path=lambda key: folder + "/" + key.rpartition("/")[2])
    try:
        ledger, text = make_ledger(SimpleNamespace(live_mode=live, object_store=store), audit)
    except Exception as error:
        return type(error).__name__, str(error)
    if ledger is not None:
        ledger.close()
    return ledger is not None, text


class Ask(QCAlgorithm):
    def initialize(self):
        self.set_start_date(2013, 10, 7)
        self.set_end_date(2013, 10, 8)
        folder, blocked = self.get_parameter("folder"), self.get_parameter("blocked")
        self.answers = {
            "live": ask(True, "auto", folder),
            "backtest": ask(False, "auto", folder),
            "cloud": ask(True, "auto", blocked),
            "asked for": ask(True, "on", blocked),
        }
"""


def test_only_the_automatic_audit_does_without_a_folder(tmp_path: Path, lean_data: Path) -> None:
    blocked = tmp_path / "file"
    blocked.write_text("no folder can be made in a file")
    (tmp_path / "main.py").write_text(ASK)
    algorithm = run_backtest(
        tmp_path / "main.py",
        lean_data,
        object_store=tmp_path / "store",
        parameters={"folder": str(tmp_path / "own"), "blocked": str(blocked)},
    ).algorithm
    answers = algorithm.answers
    assert answers["live"] == (True, f"is kept in {tmp_path / 'own' / 'audit-live'}")
    assert answers["backtest"] == (False, "is off")
    kept, text = answers["cloud"]
    assert not kept
    assert text.startswith("is off (no folder of our own: ")
    kind, text = answers["asked for"]
    assert isinstance(kind, str)
    assert str(blocked) in text
