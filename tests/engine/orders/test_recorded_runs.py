"""Whole recorded LEAN runs about orders: events, orders and hash must be the same."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import pytest

sys.path.insert(0, str(Path(__file__).parent))
import golden

from engine.run import run_backtest

RUNS = [
    "07_crypto_cash",
    "07_crypto_cash@venue=binance",
    "10_short_margin",
    "10_short_margin@account=pdt",
    "12_models_hours_universe",
    "24_renames_delistings@scene=gooav",
]


def replayed(name: str) -> dict[str, Any]:
    """Run the algorithm of a recorded run on the engine."""
    base, *pairs = name.split("@")
    parameters = dict(pair.split("=") for pair in pairs)
    made = run_backtest(golden.path(f"{base}.py"), golden.DATA, parameters=parameters)
    content: dict[str, Any] = json.loads(json.dumps(made.content, default=float))
    return content


def shape(event: dict[str, Any]) -> dict[str, Any]:
    """Leave out the reason's digits past the 28th, which .NET has and Python's decimal has not."""
    kept = dict(event)
    if "Insufficient buying power" in kept.get("message", ""):
        kept["message"] = kept["message"].split(", Reason")[0]
    if "orderFeeAmount" in kept:
        kept["orderFeeAmount"] = pytest.approx(float(kept["orderFeeAmount"]), rel=1e-14)
    return kept


@pytest.mark.parametrize("name", RUNS)
def test_the_engine_sends_the_events_and_orders_of_lean(name: str) -> None:
    lean = json.loads(golden.path(f"{name}.json").read_text())

    ours = replayed(name)

    assert ours["status"] == lean["status"]
    assert ours["statistics"]["OrderListHash"] == lean["statistics"]["OrderListHash"]
    assert [shape(e) for e in ours["order_events"]] == [shape(e) for e in lean["order_events"]]
