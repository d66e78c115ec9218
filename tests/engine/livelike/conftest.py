"""Runs of the live-like mode on LEAN's sample data."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from engine.livelike import Faults, LiveResult, run

ROOT = Path(__file__).resolve().parents[3]
DATA = Path(os.environ.get("LEAN_DATA", ROOT / "../shared/lean-data"))

HEAD = """from AlgorithmImports import *
class Tried(QCAlgorithm):
    def initialize(self):
        self.set_start_date(2013, 10, 7); self.set_end_date(2013, 10, 7); self.set_cash(100000)
        self.spy = self.add_equity("SPY", Resolution.MINUTE, fill_forward=FILL).symbol
        self.bars = 0
        self.begin()
    def begin(self): pass
"""


@pytest.fixture
def live(tmp_path: Path) -> Callable[..., LiveResult]:
    """Run the methods given as text (or a file) live-like; files land in the test's own folder."""

    def go(body: str | Path, faults: str = "none", **options: Any) -> LiveResult:
        if isinstance(body, str):
            path = tmp_path / "main.py"
            lines = body.strip("\n").splitlines()
            head = HEAD.replace("FILL", str(options.pop("fill_forward", True)))
            path.write_text(head + "\n".join("    " + line for line in lines) + "\n")
        else:
            path = body
        options.setdefault("object_store", tmp_path / "store")
        options.setdefault("commands", tmp_path)
        return run(path, DATA, faults=Faults.parse(faults), **options)

    return go
