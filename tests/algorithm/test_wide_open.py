"""Wide open, the protection changes nothing; every order passes the gate or is booked."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import pytest

from engine.run import RunResult, run_backtest
from protection.contracts.settings import ProtectionSettings

ROOT = Path(__file__).resolve().parents[2]
GOLDEN = ROOT / "tests" / "golden"
SPAN = {"start": "2008-01-01", "end": "2009-03-31"}
WRAPPER = """

from algorithm.protect import protect
from protection.contracts.settings import ProtectionSettings


class ZzProtected({name}):
    def initialize(self):
        super().initialize()
        self.protection = protect(self, ProtectionSettings{settings})
"""


def _wrapped(source: Path, folder: Path, settings: str) -> Path:
    text = source.read_text()
    name = next(
        line.split("class ")[1].split("(")[0]
        for line in text.splitlines()
        if line.startswith("class ") and "(QCAlgorithm)" in line
    )
    path = folder / source.name
    path.write_text(text + WRAPPER.format(name=name, settings=settings))
    return path


def _run(path: Path, data: Path, store: Path, **parameters: str) -> RunResult:
    result = run_backtest(path, data, parameters=parameters, object_store=store)
    assert result.status == "Completed", result.error
    return result


def _count(result: RunResult) -> dict[str, Any]:
    count: dict[str, Any] = result.algorithm.protection.order_count()
    return count


def _same(bare: RunResult, other: RunResult) -> None:
    assert other.statistics["OrderListHash"] == bare.statistics["OrderListHash"]
    assert other.data_points == bare.data_points
    assert other.content["equity"] == bare.content["equity"]
    assert bare.content["order_events"]


def test_main_py_wide_open_equals_the_bare_strategy(lean_data: Path, tmp_path: Path) -> None:
    flat = ProtectionSettings.wide_open().to_flat()
    bare = _run(ROOT / "main.py", lean_data, tmp_path / "a", protection="off", **SPAN)
    open_ = _run(ROOT / "main.py", lean_data, tmp_path / "b", **SPAN, **flat)
    _same(bare, open_)
    assert _count(open_)["unaccounted"] == 0
    assert _count(open_)["judged"] > 20


def test_main_py_with_its_limits_accounts_for_every_order(lean_data: Path, tmp_path: Path) -> None:
    result = _run(ROOT / "main.py", lean_data, tmp_path / "a", **SPAN)
    count = _count(result)
    assert count["orders"] == len(result.content["orders"])
    assert count["unaccounted"] == 0


@pytest.mark.parametrize(
    ("name", "parameters"),
    [
        ("lean/05_order_types_minute.py", {}),
        ("lean/07_crypto_cash.py", {}),
        ("lean/24_renames_delistings.py", {"scene": "gooav"}),
    ],
)
def test_recorded_algorithms_wide_open_give_the_same_orders(
    name: str, parameters: dict[str, str], lean_data: Path, tmp_path: Path
) -> None:
    source = GOLDEN / name
    wrapped = _wrapped(source, tmp_path, ".wide_open()")
    bare = _run(source, lean_data, tmp_path / "a", **parameters)
    guarded = _run(wrapped, lean_data, tmp_path / "b", **parameters)
    _same(bare, guarded)
    count = _count(guarded)
    assert count["unaccounted"] == 0
    assert count["orders"] == len(bare.content["orders"])


@pytest.mark.parametrize("scene", ["", "vxx", "fox", "gooav"])
def test_delistings_and_renames_account_for_every_order(
    scene: str, lean_data: Path, tmp_path: Path
) -> None:
    wrapped = _wrapped(GOLDEN / "lean" / "24_renames_delistings.py", tmp_path, "()")
    given = {"scene": scene} if scene else {}
    result = run_backtest(wrapped, lean_data, parameters=given, object_store=tmp_path / "s")
    count = _count(result)
    assert count["orders"] == len(result.content["orders"])
    assert count["unaccounted"] == 0, count


def test_the_engine_is_not_imported_by_the_algorithm() -> None:
    assert not any(name.startswith("engine") for name in vars(sys.modules["algorithm.protect"]))
