"""The tail risk notebook runs from top to bottom and keeps no outputs."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parents[2]
NOTEBOOK = ROOT / "research" / "02_tail_risk.ipynb"


def cells() -> list[dict[str, Any]]:
    return [
        cell
        for cell in json.loads(NOTEBOOK.read_text(encoding="utf-8"))["cells"]
        if cell["cell_type"] == "code"
    ]


def test_the_notebook_is_small_and_keeps_no_outputs() -> None:
    assert NOTEBOOK.stat().st_size < 32_000
    assert all(cell["outputs"] == [] and cell["execution_count"] is None for cell in cells())


def test_the_notebook_runs_on_a_small_sample(
    lean_data: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot

    for part, ending in (("daily", "zip"), ("factor_files", "csv")):
        folder = Path("equity") / "usa" / part
        (tmp_path / folder).mkdir(parents=True)
        for ticker in ("aapl", "bac", "ibm"):
            shutil.copy(lean_data / folder / f"{ticker}.{ending}", tmp_path / folder)
    monkeypatch.setenv("LEAN_DATA", str(lean_data))
    monkeypatch.setenv("PREPARED_DATA", str(tmp_path))
    monkeypatch.setenv("TAIL_DAYS", "900")
    monkeypatch.chdir(ROOT)
    names: dict[str, Any] = {"__name__": "__main__"}
    for cell in cells():
        exec("".join(cell["source"]), names)
    figures = pyplot.get_fignums()
    pyplot.close("all")
    assert len(figures) == 2
    assert list(names["table"].index) == list(names["makers"])
    assert names["found"]["recommended"].returns.size == 300
    assert len(names["coverage"]) == 6
    assert "against RiskMetrics" in capsys.readouterr().out
