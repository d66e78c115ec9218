"""Out-of-sample table of VaR and ES models on SPY and twenty stocks: make tail-table."""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

from protection.risk import (
    Evaluation,
    FilteredHistorical,
    GarchEvt,
    GarchT,
    Gaussian,
    Historical,
    PeaksOverThreshold,
    RiskMetrics,
    RollingForecasts,
    StudentT,
    TailModel,
    diebold_mariano,
    evaluate,
    recommended,
    rolling_forecasts,
)
from research import risk_data

WINDOW, FIRST, REFIT = 2000, 1000, 5
LEVELS = (0.95, 0.975, 0.99)
# Name in the table -> maker, days between fits.
MODELS: dict[str, tuple[Callable[[], TailModel], int]] = {
    "GARCH-EVT, leverage (recommended)": (recommended, REFIT),
    "filtered historical, leverage": (FilteredHistorical, REFIT),
    "GARCH-t, leverage": (lambda: GarchT(leverage=True), REFIT),
    "GARCH-t": (GarchT, REFIT),
    "GARCH-EVT, McNeil-Frey 2000": (GarchEvt.mcneil_frey, REFIT),
    "RiskMetrics": (RiskMetrics, REFIT),
    "POT-GPD, unfiltered": (PeaksOverThreshold, REFIT),
    "Student-t, unfiltered": (StudentT, REFIT),
    "historical": (Historical, 1),
    "Gaussian": (Gaussian, 1),
}
REFERENCES = ("Gaussian", "historical", "RiskMetrics")


def run(names: list[str], models: list[str]) -> dict[tuple[str, str], RollingForecasts]:
    """Forecasts of every model on every series."""
    series = {"SPY": risk_data.spy()[1]}
    series.update({name: found[1] for name, found in risk_data.stocks().items()})
    found = {}
    for name, values in series.items():
        if names and name not in names:
            continue
        for model in models:
            make, refit = MODELS[model]
            found[name, model] = rolling_forecasts(
                values, make(), levels=LEVELS, window=WINDOW, refit_every=refit, first=FIRST
            )
        print(f"{name}: {values.size - FIRST} forecasts", file=sys.stderr)
    return found


def passed(evaluation: Evaluation) -> bool:
    """Whether the number of exceedances passes Kupiec's test at 5%."""
    return evaluation.coverage.p_value >= 0.05


def series_table(forecasts: dict[tuple[str, str], RollingForecasts], name: str) -> list[str]:
    """One series: every model, with the comparison of scores against the references."""
    lines = [
        "| model | exceedances 95 / 97.5 / 99% | Kupiec p 95 / 99% | Christoffersen p 95 / 99% "
        "| DQ p 99% | Z2 97.5% | FZ 97.5% | DM p against " + " / ".join(REFERENCES) + " |",
        "|---|---|---|---|---|---|---|---|",
    ]
    for (series, model), found in forecasts.items():
        if series != name:
            continue
        low, middle, high = (evaluate(found, level) for level in LEVELS)
        against = []
        for reference in REFERENCES:
            other = forecasts.get((name, reference))
            if other is None or reference == model:
                against.append("-")
                continue
            result = diebold_mariano(found.scores(0.975), other.scores(0.975))
            sign = "better" if result.difference < 0 else "worse"
            against.append(f"{result.p_value:.2g} {sign}")
        lines.append(
            f"| {model} | {low.exceedances} / {middle.exceedances} / {high.exceedances} "
            f"| {low.coverage.p_value:.3f} / {high.coverage.p_value:.3f} "
            f"| {low.independent.p_value:.3f} / {high.independent.p_value:.3f} "
            f"| {high.dynamic.p_value:.3f} "
            f"| {middle.shortfall.z2:+.3f} | {middle.joint_score:.4f} | {' / '.join(against)} |"
        )
    return lines


def summary_table(forecasts: dict[tuple[str, str], RollingForecasts]) -> list[str]:
    """Every model over all series."""
    lines = [
        "| model | exceeded, mean % at 95 / 97.5 / 99% | Kupiec passed 95% | 99% | both "
        "| independence passed 95% | 99% | mean Z2 97.5% | mean FZ 97.5% | days on the fallback |",
        "|---|---|---|---|---|---|---|---|---|---|",
    ]
    for model in dict.fromkeys(model for _, model in forecasts):
        rows = [
            [evaluate(found, level) for level in LEVELS]
            for (_, name), found in forecasts.items()
            if name == model
        ]
        n = len(rows)
        replaced = sum(
            int(found.fallback.sum()) for (_, name), found in forecasts.items() if name == model
        )
        shares = [
            100 * np.mean([row[k].exceedances / row[k].count for row in rows]) for k in range(3)
        ]
        low, high = [passed(row[0]) for row in rows], [passed(row[2]) for row in rows]
        both = [a and b for a, b in zip(low, high, strict=True)]
        apart = [sum(row[k].independent.p_value >= 0.05 for row in rows) for k in (0, 2)]
        lines.append(
            f"| {model} | {shares[0]:.2f} / {shares[1]:.2f} / {shares[2]:.2f} "
            f"| {sum(low)}/{n} | {sum(high)}/{n} | {sum(both)}/{n} | {apart[0]}/{n} "
            f"| {apart[1]}/{n} | {np.mean([row[1].shortfall.z2 for row in rows]):+.3f} "
            f"| {np.mean([row[1].joint_score for row in rows]):.4f} | {replaced} |"
        )
    return lines


def all_series_table(forecasts: dict[tuple[str, str], RollingForecasts], model: str) -> list[str]:
    """One model on every series."""
    lines = [
        "| series | days | exceedances 95% (expected) | Kupiec p | 97.5% (expected) | 99% "
        "(expected) | Kupiec p | Christoffersen p 95 / 99% | Z1 / Z2 97.5% |",
        "|---|---|---|---|---|---|---|---|---|",
    ]
    for (series, name), found in forecasts.items():
        if name != model:
            continue
        low, middle, high = (evaluate(found, level) for level in LEVELS)
        lines.append(
            f"| {series} | {low.count} | {low.exceedances} ({low.expected:.0f}) "
            f"| {low.coverage.p_value:.3f} | {middle.exceedances} ({middle.expected:.0f}) "
            f"| {high.exceedances} ({high.expected:.0f}) | {high.coverage.p_value:.3f} "
            f"| {low.independent.p_value:.3f} / {high.independent.p_value:.3f} "
            f"| {middle.shortfall.z1:+.3f} / {middle.shortfall.z2:+.3f} |"
        )
    return lines


def main() -> int:
    """Print the tables, and write the page where --write is given."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--series", nargs="*", default=[], help="only these; all by default")
    parser.add_argument("--models", nargs="*", default=list(MODELS), help="only these")
    parser.add_argument("--write", type=Path, help="page to write")
    args = parser.parse_args()
    start = time.process_time()
    forecasts = run(args.series, args.models)
    spent = time.process_time() - start
    names = list(dict.fromkeys(name for name, _ in forecasts))
    lines = [
        "# VaR and ES out of sample",
        "",
        "Written by `make tail-table`; what the models are: [tail_risk.md](tail_risk.md).",
        "",
        f"One-day forecasts from the last {WINDOW} returns, the first after {FIRST}; models are "
        f"fitted every {REFIT} days and step their volatility daily, the historical and Gaussian "
        "references are fitted daily. SPY: LEAN's sample data, dividends reinvested, 1998 to March "
        "2021, so forecasts start in December 2001. Stocks: prepared data, 1990 to 2022; survivors "
        "only.",
        "Z2 is 0 when VaR and ES are right, negative when they are too low. FZ is the "
        "Fissler-Ziegel score, lower is better; DM p is two-sided.",
        "",
    ]
    if "SPY" in names:
        lines += ["## SPY", "", *series_table(forecasts, "SPY"), ""]
    lines += [f"## All {len(names)} series", "", *summary_table(forecasts), ""]
    first = args.models[0]
    lines += [f"## {first}, each series", "", *all_series_table(forecasts, first), ""]
    print("\n".join(lines))
    print(f"{spent:.0f} s of CPU", file=sys.stderr)
    if args.write:
        args.write.parent.mkdir(parents=True, exist_ok=True)
        args.write.write_text("\n".join(lines), encoding="utf-8")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
