"""Parameters: the same in config.json and in code, one clear error for each bad key."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from engine.run import run_backtest

ROOT = Path(__file__).resolve().parents[2]

ASK = """from AlgorithmImports import *

import json

from algorithm.parameters import defaults, read_parameters


class Ask(QCAlgorithm):
    def initialize(self):
        self.set_start_date(2013, 10, 7)
        self.set_end_date(2013, 10, 8)
        self.answer = defaults()
        self.read = read_parameters(defaults())
        self.bare = read_parameters({})
"""


@pytest.fixture(scope="module")
def asked(tmp_path_factory: pytest.TempPathFactory, lean_data: Path) -> object:
    folder = tmp_path_factory.mktemp("ask")
    (folder / "main.py").write_text(ASK)
    return run_backtest(folder / "main.py", lean_data, object_store=folder / "store").algorithm


def test_config_json_holds_the_defaults_of_the_code(asked: object) -> None:
    text = (ROOT / "config.json").read_text()
    held = json.loads(text)
    assert held["parameters"] == asked.answer  # type: ignore[attr-defined]
    assert all(isinstance(value, str) for value in held["parameters"].values())
    assert text.rstrip("\n") == json.dumps(held, indent=4)


def test_the_defaults_read_back_are_the_defaults(asked: object) -> None:
    strategy, settings = asked.read  # type: ignore[attr-defined]
    assert strategy.to_flat() | settings.to_flat() == asked.answer  # type: ignore[attr-defined]
    assert (strategy, settings) == asked.bare  # type: ignore[attr-defined]


BAD = {
    "universes": ("SPY", "universes"),
    "cash": ("much", "cash"),
    "max_gross": ("-1", "max_gross"),
    "target_volatility": ("nan", "target_volatility"),
    "start": ("01.02.2003", "start"),
    "protection": ("maybe", "protection"),
    "state": ("forever", "state"),
    "universe": ("SPY,SPY", "universe"),
    "drawdown.hald": ("0.1", "hald"),
    "drawdown.halt": ("much", "halt"),
    "nothing.here": ("1", "nothing"),
    "benchmark": ("", "benchmark"),
}


@pytest.mark.parametrize("key", BAD)
def test_a_bad_key_or_value_gives_one_clear_sentence(
    key: str, lean_data: Path, tmp_path: Path
) -> None:
    value, named = BAD[key]
    span = {"start": "2013-01-02", "end": "2013-01-04"}
    result = run_backtest(
        ROOT / "main.py", lean_data, parameters={**span, key: value}, object_store=tmp_path
    )
    assert result.status == "RuntimeError"
    assert named in result.error
    assert "expected" in result.error


def test_the_benchmark_comes_from_its_parameter(lean_data: Path, tmp_path: Path) -> None:
    given = {"start": "2013-01-02", "end": "2013-01-04", "benchmark": "IBM"}
    result = run_backtest(ROOT / "main.py", lean_data, parameters=given, object_store=tmp_path)
    assert result.algorithm.benchmark.security.symbol.value == "IBM"
