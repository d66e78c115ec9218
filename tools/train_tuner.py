"""Fit what the tuner ships: HAR coefficients as Python source, network weights as checked arrays.

    python tools/train_tuner.py --prepared data --lean-data DIR

Both are fitted on whole histories; how they forecast out of sample is what tools/tuner_table.py
says. The coefficients are source because QuantConnect's cloud carries no other files.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from protection.circuit_breakers.tuning.features import har_table
from protection.circuit_breakers.tuning.har import LEVELS, HarQuantile
from protection.circuit_breakers.tuning.network import Training, train
from protection.circuit_breakers.tuning.training import aligned, graph_panel
from protection.circuit_breakers.tuning.weights import save
from tools.tuner_table import Series, bitcoin, daily_stocks

ROOT = Path(__file__).resolve().parent.parent
TUNING = ROOT / "protection" / "circuit_breakers" / "tuning"
HEAD = '''"""Coefficients of the HAR quantile regressions, written by ``tools/train_tuner.py``.

Rows are the levels 50%, 90% and 99%, columns those of :data:`.features.COLUMNS`.
"""

from __future__ import annotations

import numpy as np

from protection.circuit_breakers.tuning.har import LEVELS, HarQuantile

#: By kind of market: ``equity`` looks five sessions ahead, ``crypto`` one day.
COEFFICIENTS: dict[str, HarQuantile] = {
'''


def pooled(series: Series) -> HarQuantile:
    """Return one regression over all assets of a class."""
    tables = [
        har_table(series.returns[:, a], series.variance[:, a], period=series.walk.period)
        for a in range(series.returns.shape[1])
    ]
    return HarQuantile.fit(tables)


def source(models: dict[str, tuple[Series, HarQuantile]]) -> str:
    """Return the module that holds the coefficients."""
    text = HEAD
    for kind, (series, model) in models.items():
        text += f"    # {series.name}\n    {kind!r}: HarQuantile(\n        LEVELS,\n"
        text += "        np.array(\n            [\n"
        for row in model.coefficients:
            text += "                [" + ", ".join(f"{value:.6f}" for value in row) + "],\n"
        text += "            ]\n        ),\n    ),\n"
    return text.replace("'", '"') + "}\n"


def network(series: Series) -> None:
    """Train on the whole panel and write the weights."""
    tables = [
        har_table(series.returns[:, a], series.variance[:, a], period=series.walk.period)
        for a in range(series.returns.shape[1])
    ]
    rows, base, target = aligned(tables)
    panel = graph_panel(series.returns, rows, base, target, len(target))
    weights = train(panel, Training(epochs=6, batch=32, stride=5))
    folder = TUNING / "weights"
    folder.mkdir(exist_ok=True)
    small = {name: np.round(value, 6) for name, value in weights.items()}
    digest = save(folder, "market", small, {"data": series.name, "levels": list(LEVELS)})
    print(f"market.npz sha256 {digest}")


def main() -> None:
    """Write both."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--prepared", type=Path, required=True)
    parser.add_argument("--lean-data", type=Path, required=True)
    options = parser.parse_args()
    stocks, coin = daily_stocks(options.prepared), bitcoin(options.lean_data)
    models = {"equity": (stocks, pooled(stocks)), "crypto": (coin, pooled(coin))}
    (TUNING / "har_coefficients.py").write_text(source(models), encoding="utf-8")
    for kind, (_, model) in models.items():
        print(kind, np.round(model.coefficients, 4).tolist())
    network(stocks)


if __name__ == "__main__":
    main()
