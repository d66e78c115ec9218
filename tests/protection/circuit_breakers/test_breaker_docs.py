"""The generated pages are current, complete, and name tests that exist; the example runs."""

from __future__ import annotations

import ast
import importlib.util
import re
from pathlib import Path
from types import ModuleType

import pytest

from protection.contracts.gauge_settings import GaugeSettings
from protection.contracts.order_settings import OrderSettings
from protection.risk.checks.catalogue import SEQUENCE

ROOT = Path(__file__).resolve().parents[3]


def load(path: str) -> ModuleType:
    spec = importlib.util.spec_from_file_location(Path(path).stem, ROOT / path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


PAGES = load("tools/breaker_docs.py")


@pytest.mark.parametrize("name", sorted(PAGES.PAGES))
def test_the_page_is_what_the_code_says_now(name: str) -> None:
    written = (ROOT / "docs" / "concepts" / name).read_text()
    assert written == PAGES.PAGES[name](), "run make docs-breakers"


@pytest.mark.parametrize("name", sorted(PAGES.PAGES))
def test_every_test_the_page_names_exists(name: str) -> None:
    named = re.findall(r"`(tests/[\w/]+\.py)::(\w+)`", PAGES.PAGES[name]())
    assert len(named) > 15
    for path, function in set(named):
        tree = ast.parse((ROOT / path).read_text())
        assert any(getattr(node, "name", "") == function for node in tree.body), function


def test_every_check_and_gauge_stands_on_its_page() -> None:
    controls, breakers = PAGES.controls(), PAGES.breakers()
    assert len({step.guard for step in SEQUENCE}) == len(SEQUENCE) >= 15
    for key in OrderSettings().to_dict():
        assert f"`orders.{key}`" in controls
    for gauge in GaugeSettings().to_dict():
        assert f"| `{gauge}` |" in breakers
    for step in SEQUENCE:
        source = (ROOT / step.where).read_text() + (ROOT / "protection/risk/gate.py").read_text()
        assert f'"{step.guard}"' in source or f'"{step.guard.partition("_")[2]}' in source


def test_the_plain_loop_is_protected_killed_and_found_killed(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    seen = load("docs/examples/protect_any_loop.py").main(str(tmp_path))
    assert seen["filled"] > 5
    assert seen["HALT"] + seen["ROLLBACK"] > 5
    assert seen["killed after restart"] == 1
    assert seen["equity"] >= 80_000
    assert "killed by Ada" in capsys.readouterr().out
