"""Live-like runs of small protected algorithms on LEAN's sample data."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from engine.livelike import Faults, LiveResult, run

HEAD = """from AlgorithmImports import *
from algorithm.protect import protect
from protection.contracts.settings import ProtectionSettings


class Tried(QCAlgorithm):
    def initialize(self):
        self.set_start_date(2013, 10, 7); self.set_end_date(2013, 10, 7); self.set_cash(1000000)
        self.spy = self.add_equity("SPY", Resolution.MINUTE).symbol
        self.bars, self.events = 0, []
        self.before()
        flat = {"live.beat_seconds": "20"} | FLAT
        self.protection = protect(
            self, ProtectionSettings.from_flat(flat), state="keep", audit="off", feeds="off"
        )
        self.begin()
    def before(self): pass
    def begin(self): pass
    def on_order_event(self, event): self.events.append((event.order_id, event.status.name))
"""

Live = Callable[..., LiveResult]


@pytest.fixture
def live(tmp_path: Path, lean_data: Path) -> Live:
    """Run the methods given as text live-like; files land in the test's own folder."""

    def go(body: str, faults: str = "none", *, flat: dict[str, str] | None = None, **more: Any):
        path = tmp_path / "main.py"
        lines = "\n".join("    " + line for line in body.strip("\n").splitlines())
        path.write_text(HEAD.replace("FLAT", repr(flat or {})) + lines + "\n")
        more.setdefault("object_store", tmp_path / "store")
        more.setdefault("commands", tmp_path)
        return run(path, lean_data, faults=Faults.parse(faults), **more)

    return go


@pytest.fixture
def state(tmp_path: Path) -> Path:
    """Folder in which a live run of this test keeps its state."""
    return tmp_path / "store" / "protection" / "state-live"
