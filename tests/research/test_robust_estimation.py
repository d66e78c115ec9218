"""The robust estimation notebook runs from top to bottom on real prices and shows what it says."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

ROOT = Path(__file__).resolve().parents[2]
NOTEBOOK = ROOT / "research" / "01_robust_estimation.ipynb"


def cells() -> list[dict[str, Any]]:
    return [
        cell
        for cell in json.loads(NOTEBOOK.read_text(encoding="utf-8"))["cells"]
        if cell["cell_type"] == "code"
    ]


def test_the_notebook_is_small_and_keeps_no_outputs() -> None:
    assert NOTEBOOK.stat().st_size < 32_000
    assert all(cell["outputs"] == [] and cell["execution_count"] is None for cell in cells())


def test_the_notebook_runs_and_shows_what_it_says(
    lean_data: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot

    monkeypatch.setenv("LEAN_DATA", str(lean_data))
    monkeypatch.chdir(ROOT)
    names: dict[str, Any] = {"__name__": "__main__"}
    for cell in cells():
        exec("".join(cell["source"]), names)
    figures = pyplot.get_fignums()
    pyplot.close("all")

    assert len(figures) == 4
    assert names["n"] == 1250
    last = names["means"].iloc[-1]
    assert last["mean"] > 1000 > 100 > last["Catoni, confidence"] > last["median"]
    correlations = names["correlations"]
    clean = correlations["MRCD of the clean rows"]
    assert correlations["sample covariance"] < 0 < clean
    assert abs(correlations["MRCD"] - clean) < 0.1
    shift = names["shift"]
    assert shift["clipped, capped"] < shift["clipped, no cap"] < shift["running mean"]
    assert shift["clipped, capped"] <= shift["bound"]
    assert (np.array(names["reached"]) <= np.array(names["limits"])).all()
    assert names["flood"].loc[4, "kept"] <= 0.25 < 0.9 < names["flood"].loc[4, "sent"]
    table = names["table"]
    far = (table["mean of all rows"] - table["clean"]).abs()
    assert ((table["MRCD, reservoir"] - table["clean"]).abs() < 0.1 * far).all()
