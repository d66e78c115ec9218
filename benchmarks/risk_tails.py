"""Tail fits, simulation and online updates beside scipy, arch and NumPy."""

from __future__ import annotations

import sys
import warnings
from pathlib import Path

import numpy as np

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

from benchmarks.risk import Row, best, quantiles
from protection.risk import (
    CopulaTail,
    GarchSpec,
    OnlineTail,
    PortfolioTail,
    TCopula,
    empirical_var_es,
    fit_garch,
    fit_gpd,
    fit_student_t,
    recommended,
)
from protection.risk.var_es.copula import (
    CELLS,
    CHUNK,
    FAR_CELLS,
    FAR_REACH,
    REACH,
    MarginQuantile,
)
from research import risk_data


def _empirical(values: np.ndarray) -> Row:
    losses = -values

    def peer() -> tuple[float, float]:
        var = float(np.percentile(losses, 99))
        return var, float(losses[losses >= var].mean())

    return Row(
        "empirical VaR and ES",
        best(lambda: empirical_var_es(losses, 0.99), number=200),
        best(peer, number=200),
        "np.percentile",
        1.0,
        f"n={losses.size}, VaR {empirical_var_es(losses, 0.99)[0]:.5f} / {peer()[0]:.5f}",
    )


def _pareto(values: np.ndarray) -> Row:
    from scipy import stats

    losses = -values
    threshold = float(np.quantile(losses, 0.95))
    excesses = losses[losses > threshold] - threshold
    ours = fit_gpd(excesses)
    theirs = stats.genpareto.fit(excesses, floc=0)
    return Row(
        "POT fit",
        best(lambda: fit_gpd(excesses), number=100),
        best(lambda: stats.genpareto.fit(excesses, floc=0), number=5),
        "scipy genpareto.fit",
        20.0,
        f"{excesses.size} excesses, shape {ours.shape:.5f} / {theirs[0]:.5f}",
    )


def _student(values: np.ndarray) -> Row:
    from scipy import stats

    ours, theirs = fit_student_t(values), stats.t.fit(values)
    return Row(
        "Student-t fit",
        best(lambda: fit_student_t(values), number=20),
        best(lambda: stats.t.fit(values), number=1),
        "scipy t.fit",
        20.0,
        f"n={values.size}, df {ours.df:.4f} / {theirs[0]:.4f}",
    )


def _garch(values: np.ndarray) -> list[Row]:
    from arch import arch_model

    percent = 100.0 * values
    backcast = float(((percent - percent.mean()) ** 2).mean())
    model = arch_model(percent, p=1, q=1, dist="t")
    theirs = model.fit(disp="off", backcast=backcast)
    spec = GarchSpec("t")
    ours = fit_garch(percent, spec)
    note = f"n={values.size}, log-likelihood {ours.log_likelihood:.3f} / {theirs.loglikelihood:.3f}"
    start = theirs.params.to_numpy()
    rows = [
        Row(
            "GARCH-t fit",
            best(lambda: fit_garch(percent, spec), number=3),
            best(lambda: model.fit(disp="off", backcast=backcast)),
            "arch",
            1.0,
            note,
        ),
        Row(
            "GARCH-t refit, from the optimum",
            best(lambda: fit_garch(percent, spec, start=ours), number=3),
            best(lambda: model.fit(disp="off", backcast=backcast, starting_values=start)),
            "arch, same start",
            2.0,
            note,
        ),
    ]
    # What a weekly refit meets: the optimum of the window five days earlier.
    window = 2000
    old, new = percent[-window - 5 : -5], percent[-window:]
    before = fit_garch(old, spec)
    earlier = arch_model(old, p=1, q=1, dist="t").fit(disp="off").params.to_numpy()
    moved = arch_model(new, p=1, q=1, dist="t")
    again = fit_garch(new, spec, start=before)
    level = float(((new - new.mean()) ** 2).mean())
    peer = moved.fit(disp="off", backcast=level, starting_values=earlier)
    rows.append(
        Row(
            "GARCH-t refit, window moved a week",
            best(lambda: fit_garch(new, spec, start=before), number=3),
            best(lambda: moved.fit(disp="off", backcast=level, starting_values=earlier)),
            "arch, same start",
            2.0,
            f"n={window}, log-likelihood {again.log_likelihood:.3f} / {peer.loglikelihood:.3f}",
        )
    )
    return rows


def _copula(scenarios: int = 1_000_000, size: int = 20) -> Row:
    rng = np.random.default_rng(1)
    correlation = np.full((size, size), 0.4) + 0.6 * np.eye(size)
    margins = [MarginQuantile(0.01 * rng.standard_t(4, 2000), None) for _ in range(size)]
    book = rng.normal(size=size)
    copula = TCopula(4.0, correlation, 0, False)
    tail = CopulaTail(scenarios=scenarios).use(copula, margins)
    factor = np.linalg.cholesky(correlation)
    inner = np.linspace(-REACH, REACH, CELLS)
    outer = REACH * (FAR_REACH / REACH) ** np.linspace(0.0, 1.0, FAR_CELLS)[1:]
    grid = np.concatenate([-outer[::-1], inner, outer])
    tables = np.column_stack(
        [tail._fars[:, 1:FAR_CELLS][:, ::-1], tail._tables, tail._fars[:, FAR_CELLS + 1 :]]
    )

    def peer() -> tuple[float, float]:
        draw = np.random.default_rng(tail.seed)
        normals = draw.standard_normal((scenarios, size)) @ factor.T
        normals *= np.sqrt(copula.df / draw.chisquare(copula.df, scenarios))[:, None]
        losses = np.zeros(scenarios)
        for i in range(size):
            losses += book[i] * np.interp(normals[:, i], grid, tables[i])
        var = np.quantile(losses, 0.99)
        return float(var), float(losses[losses >= var].mean())

    ours, theirs = tail.var_es(book, 0.99), peer()
    twin = CopulaTail(scenarios=6 * CHUNK, twin=True).use(copula, margins)
    same = np.abs(tail.losses(book)[: 6 * CHUNK] - twin.losses(book)).max()
    return Row(
        f"t copula, {scenarios:,} x {size}, linear book",
        best(lambda: tail.var_es(book, 0.99), repeats=3),
        best(peer, repeats=2),
        "plain NumPy, same margin tables",
        3.0,
        f"VaR {ours.var:.5f} / {theirs[0]:.5f}, ES {ours.es:.5f} / {theirs[1]:.5f}, same draws "
        f"agree to {same:.0e}",
    )


def _book() -> list[Row]:
    rng = np.random.default_rng(2)
    tail = PortfolioTail([f"S{i}" for i in range(20)])
    values = 0.01 * rng.standard_t(4, (400, 20))
    for row in values:
        tail.update(row)
    book = rng.normal(size=20)
    rows = []
    for what, call in (
        ("book: bar of 20 symbols", lambda: tail.update(values[7])),
        ("book: VaR and ES, 20 x 252", lambda: tail.var_es(book, 0.95)),
        ("book: VaR and ES before and after an order", lambda: tail.order_effect(book, 3, 0.5)),
    ):
        middle, late = quantiles(call)
        rows.append(Row(what, middle, None, "", 20e-6, f"99% of calls within {late * 1e6:.1f} us"))
    return rows


def _online(values: np.ndarray) -> list[Row]:
    tail = OnlineTail(recommended(), window=2000, refit_every=5)
    for value in values[:2500]:
        tail.update(value)
    rest = values[2500:4500].tolist()

    def run() -> None:
        for value in rest:
            tail.update(value)
            tail.estimate(0.99)

    each = best(run, repeats=2) / len(rest)
    step = best(lambda: tail.model.update(0.001), number=5000)
    return [
        Row("recommended model: a bar, weekly refits shared out", each, None, "", 5e-3, "n=2000"),
        Row("recommended model: a bar without refit", step, None, "", 20e-6),
    ]


def rows() -> list[Row]:
    """Every measurement of this part."""
    warnings.simplefilter("ignore")
    values = risk_data.spy()[1][-5030:]
    return [
        _empirical(values),
        _pareto(values),
        _student(values),
        *_garch(values),
        _copula(),
        *_book(),
        *_online(values),
    ]
