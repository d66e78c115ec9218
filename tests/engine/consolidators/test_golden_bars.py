"""Every bar that LEAN's consolidators sent in golden run 22, made from the same data."""

from __future__ import annotations

import importlib.util
import sys
from collections import defaultdict
from datetime import date
from pathlib import Path
from typing import Any

import pytest


def _stage() -> Any:
    spec = importlib.util.spec_from_file_location(
        "consolidator_stage", Path(__file__).with_name("stage.py")
    )
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


stage = _stage()
DAYS = [date(2013, 10, 7), date(2013, 10, 8), date(2013, 10, 9)]


@pytest.fixture(scope="module")
def minute_run() -> list[str]:
    with stage.engine_context():
        algorithm = stage.load("22_consolidators")()
        spy = stage.Symbol.create("SPY", stage.SecurityType.EQUITY, stage.Market.USA)
        bac = stage.Symbol.create("BAC", stage.SecurityType.EQUITY, stage.Market.USA)
        steps = defaultdict(list)
        for symbol in (bac, spy):
            for bar in stage.minute_bars(symbol, DAYS):
                steps[stage.to_utc(bar.end_time, stage.ZONE)].append(bar)
        before = stage.minute_bars(spy, [date(2013, 10, 4)])
        algorithm.history_bars = before + [b for bars in steps.values() for b in bars]
        algorithm.initialize()
        stage.play(algorithm, steps)
        algorithm.on_end_of_algorithm()
        return list(algorithm.lines)


def test_every_line_of_the_minute_scene_is_leans(minute_run: list[str]) -> None:
    golden = stage.golden_log("22_consolidators")
    wrong = [
        f"{i}: {ours}\n   LEAN {theirs}"
        for i, (ours, theirs) in enumerate(zip(minute_run, golden, strict=False))
        if not stage.same_line(ours, theirs)
    ]
    assert wrong[:10] == []
    assert len(minute_run) == len(golden)
