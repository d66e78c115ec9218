"""How well EWMA, HAR and the graph network forecast volatility, out of sample, in Markdown.

    python tools/tuner_table.py --prepared data --lean-data DIR [--write FILE]

Three classes of real data: the daily stocks of ``protect data prepare`` (week ahead), minute bars
of LEAN's sample data (a quarter of an hour ahead) and its daily bitcoin bars (a day ahead).
"""

from __future__ import annotations

import argparse
import sys
import time
import zipfile
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from protection.circuit_breakers.tuning.features import HarTable, har_table
from protection.circuit_breakers.tuning.har import LEVELS
from protection.circuit_breakers.tuning.network import Training
from protection.circuit_breakers.tuning.training import (
    Walk,
    ewma_quantiles,
    false_alarms,
    graph_quantiles,
    har_quantiles,
    losses,
    pooled_quantiles,
)

Floats = NDArray[np.float64]
MODELS = ("EWMA", "HAR", "pooled HAR", "GATv2")
ALPHAS = (0.05, 0.01)
#: Indices, and not stocks, of the prepared data.
NOT_STOCKS = {"sp500bars", "nasdaqbars", "sp500index"}


@dataclass(frozen=True, slots=True)
class Series:
    """Aligned series of one class."""

    name: str
    assets: tuple[str, ...]
    returns: Floats
    variance: Floats
    walk: Walk
    training: Training


def _rows(path: Path) -> list[list[str]]:
    with zipfile.ZipFile(path) as archive:
        text = archive.read(archive.namelist()[0]).decode()
    return [line.split(",") for line in text.splitlines()]


def daily_stocks(prepared: Path) -> Series:
    """Closes of the prepared stocks on their common sessions, squared returns as variance."""
    closes: dict[str, dict[str, float]] = {}
    for path in sorted((prepared / "equity" / "usa" / "daily").glob("*.zip")):
        if path.stem not in NOT_STOCKS:
            closes[path.stem] = {row[0][:8]: float(row[4]) for row in _rows(path)}
    days = sorted(set.intersection(*(set(series) for series in closes.values())))
    prices = np.array([[closes[asset][day] for asset in closes] for day in days])
    returns: Floats = np.diff(np.log(prices), axis=0)
    walk = Walk(start=2016, refit=1260, period=5)
    return Series(
        f"20 stocks, daily {days[0][:4]}-{days[-1][:4]}, 5 sessions ahead",
        tuple(closes),
        returns,
        np.square(returns),
        walk,
        Training(epochs=6, batch=32, stride=5),
    )


def minute_stocks(lean: Path, symbols: tuple[str, ...] = ("spy", "ibm", "aig", "bac")) -> Series:
    """Minute closes inside the regular session, on the minutes all of them traded."""
    folder = lean / "equity" / "usa" / "minute"
    days = sorted(
        set.intersection(*({p.name[:8] for p in (folder / s).glob("*_trade.zip")} for s in symbols))
    )
    blocks = []
    for day in days:
        closes = []
        for symbol in symbols:
            rows = _rows(folder / symbol / f"{day}_trade.zip")
            minutes = np.full(390, np.nan)
            for row in rows:
                minute = int(row[0]) // 60_000 - 570
                if 0 <= minute < 390:
                    minutes[minute] = float(row[4])
            for index in range(1, 390):
                if np.isnan(minutes[index]):
                    minutes[index] = minutes[index - 1]
            closes.append(minutes)
        prices = np.array(closes).T
        whole = np.isfinite(prices).all(axis=1)
        blocks.append(np.diff(np.log(prices[whole]), axis=0))
    returns = np.concatenate(blocks)
    return Series(
        f"{', '.join(s.upper() for s in symbols)}, minutes of {len(days)} days, 15 minutes ahead",
        symbols,
        returns,
        returns**2,
        Walk(start=930, refit=390, period=15),
        Training(batch=32, stride=1),
    )


def bitcoin(lean: Path) -> Series:
    """Daily bitcoin bars; variance of Parkinson (1980) from high and low."""
    rows = _rows(lean / "crypto" / "coinbase" / "daily" / "btcusd_trade.zip")
    bars = np.array([[float(value) for value in row[1:5]] for row in rows])[30:]
    returns = np.diff(np.log(bars[:, 3]), prepend=np.log(bars[0, 0]))
    variance = np.log(bars[:, 1] / bars[:, 2]) ** 2 / (4.0 * np.log(2.0))
    return Series(
        f"BTCUSD, daily {rows[30][0][:4]}-{rows[-1][0][:4]}, a day ahead",
        ("btcusd",),
        returns[:, None],
        variance[:, None],
        Walk(start=504, refit=126, period=1),
        Training(batch=32, stride=1),
    )


def forecasts(series: Series) -> tuple[list[HarTable], dict[str, Floats]]:
    """Return the tables and (T, N, 3) forecasts by model."""
    count = series.returns.shape[1]
    tables = [
        har_table(series.returns[:, a], series.variance[:, a], period=series.walk.period)
        for a in range(count)
    ]
    columns = range(count)
    found = {
        "EWMA": np.stack(
            [ewma_quantiles(tables[a], series.variance[:, a], series.walk) for a in columns], axis=1
        ),
        "HAR": np.stack([har_quantiles(table, series.walk) for table in tables], axis=1),
        "pooled HAR": pooled_quantiles(tables, series.walk),
        "GATv2": graph_quantiles(series.returns, tables, series.walk, series.training),
    }
    return tables, found


def lines(series: Series) -> list[str]:
    """Return the Markdown of one class."""
    from protection.risk.backtest.scores import diebold_mariano

    tables, found = forecasts(series)
    target = np.stack([table.target for table in tables], axis=1)
    scored = np.isfinite(target) & np.isfinite(found["HAR"][..., 0])
    loss = {model: losses(target, found[model]) for model in MODELS}
    answer = [f"### {series.name}", ""]
    answer.append(
        f"{int(scored.sum())} forecasts of {len(series.assets)} series. Pinball loss x 1000 (mean "
        "over series); better: series on which it beats HAR with p < 0.05 (Diebold-Mariano), "
        "worse: series on which HAR beats it."
    )
    answer += [
        "",
        "| model | 50% | 90% | 99% | better 50/90/99% | worse 50/90/99% |",
        "|---|" + "---:|" * 5,
    ]
    for model in MODELS:
        means = [
            1000.0
            * np.mean([loss[model][scored[:, a], a, k].mean() for a in range(target.shape[1])])
            for k in range(3)
        ]
        better, worse = [0, 0, 0], [0, 0, 0]
        for a in range(target.shape[1]) if model != "HAR" else ():
            for k in range(3):
                rows = scored[:, a]
                test = diebold_mariano(
                    loss[model][rows, a, k], loss["HAR"][rows, a, k], horizon=series.walk.period
                )
                if test.p_value < 0.05 and abs(test.difference) > 1e-12:
                    (better if test.statistic < 0 else worse)[k] += 1
        cells = [f"{mean:.2f}" for mean in means]
        tests = ["/".join(map(str, c)) if model != "HAR" else "" for c in (better, worse)]
        answer.append(f"| {model} | {' | '.join([*cells, *tests])} |")
    answer += ["", f"| wanted rate of alarms | {' | '.join(MODELS)} |", "|---|" + "---:|" * 4]
    for alpha in ALPHAS:
        level = LEVELS.index(0.9) if alpha > 0.01 else LEVELS.index(0.99)
        cells = []
        for model in MODELS:
            alarms = [
                false_alarms(target[:, a], found[model][:, a, level], alpha, series.walk.period)
                for a in range(target.shape[1])
            ]
            cells.append(f"{100 * np.nanmean(np.concatenate(alarms)):.2f}%")
        answer.append(f"| {100 * alpha:g}% | {' | '.join(cells)} |")
    return [*answer, ""]


def main() -> None:
    """Print or write the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--prepared", type=Path, required=True)
    parser.add_argument("--lean-data", type=Path, required=True)
    parser.add_argument("--write", type=Path)
    options = parser.parse_args()
    text: list[str] = []
    for make in (
        lambda: bitcoin(options.lean_data),
        lambda: minute_stocks(options.lean_data),
        lambda: daily_stocks(options.prepared),
    ):
        began = time.process_time()
        text += lines(make())
        print("\n".join(text[-14:]), f"({time.process_time() - began:.0f} CPU s)", flush=True)
    if options.write:
        options.write.write_text("\n".join(text), encoding="utf-8")


if __name__ == "__main__":
    main()
