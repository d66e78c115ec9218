"""``make bench-estimation``: CPU time of the robust estimators beside their peers, on equal data.

R is run where ``Rscript`` and the package rrcov are installed; the figures "recorded" are those of
R 4.2.2 with rrcov 1.7-2 and OpenBLAS on one core of a 2-core machine, and are printed always.
"""

from __future__ import annotations

import os

os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

import argparse
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from scipy import optimize, stats

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from protection.estimation import (
    StreamingMoments,
    catoni_location,
    catoni_mean,
    geometric_median,
    median_of_means,
    mrcd,
    qn_scale,
    trimmed_mean,
)
from protection.estimation.inputs import Array

#: seconds of rrcov's CovMrcd on data of these shapes
RECORDED = {(1000, 20): 0.415, (500, 100): 2.74, (200, 400): 15.5}
#: least ratio to it, and greatest time
TARGETS = {(1000, 20): (10.0, 0.040), (500, 100): (10.0, None), (200, 400): (20.0, None)}


def cpu(call: Callable[[], Any], repeats: int) -> float:
    """Best CPU seconds of some calls, after one to warm up."""
    call()
    best = float("inf")
    for _ in range(repeats):
        started = time.process_time()
        call()
        best = min(best, time.process_time() - started)
    return best


def show(seconds: float | None) -> str:
    """Render a time with the unit that suits it."""
    if seconds is None:
        return "-"
    for unit, size in (("s", 1.0), ("ms", 1e-3), ("us", 1e-6)):
        if seconds >= size:
            return f"{seconds / size:.3g} {unit}"
    return f"{seconds * 1e9:.3g} ns"


def line(what: str, ours: float, peer: str, theirs: float | None, target: str) -> None:
    """Print one row of the table."""
    ratio = "-" if theirs is None else f"{theirs / ours:.1f}x"
    print(
        f"{what:30} {show(ours):>9}  {peer:38} {show(theirs):>9} {ratio:>8}  {target}", flush=True
    )


def contaminated(n: int, p: int) -> tuple[Array, Array]:
    """Gaussian rows with correlations 0.5^|i - j|, a tenth of them moved into a far cluster."""
    rng = np.random.default_rng(7)
    truth = 0.5 ** np.abs(np.subtract.outer(np.arange(p), np.arange(p)))
    X = rng.standard_normal((n, p)) @ np.linalg.cholesky(truth).T
    X[: n // 10] = X[: n // 10] * 0.3 + 5.0
    return X, truth


def error(found: Array, truth: Array) -> float:
    """Largest relative error of the variance of a portfolio with weights of unit length."""
    root = np.linalg.inv(np.linalg.cholesky(truth))
    return float(np.abs(np.linalg.eigvalsh(root @ found @ root.T) - 1).max())


def run_r(X: Array) -> float | None:
    """Seconds of rrcov's CovMrcd on X, or None where it cannot be run."""
    if shutil.which("Rscript") is None:
        return None
    code = (
        "suppressMessages(library(rrcov)); x <- as.matrix(read.csv(commandArgs(TRUE)[1], "
        "header=FALSE)); t <- system.time(CovMrcd(x, alpha=0.75)); cat(t[['user.self']])"
    )
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "x.csv"
        np.savetxt(file, X, delimiter=",")
        done = subprocess.run(
            ["Rscript", "-e", code, str(file)], capture_output=True, text=True, check=False
        )
    return float(done.stdout) if done.returncode == 0 else None


def covariances(repeats: int) -> None:
    """Time the MRCD beside other covariances, and tell their errors."""
    from sklearn.covariance import LedoitWolf, MinCovDet

    for (n, p), recorded in RECORDED.items():
        X, truth = contaminated(n, p)
        ours = cpu(lambda X=X: mrcd(X), repeats)  # type: ignore[misc]
        ratio, most = TARGETS[n, p]
        target = f">= {ratio:.0f}x" + ("" if most is None else f", <= {show(most)}")
        what = f"mrcd {n} x {p}"
        line(what, ours, "rrcov CovMrcd (R, recorded)", recorded, target)
        measured = run_r(X)
        line(what, ours, "rrcov CovMrcd (R, here)", measured, "" if measured else "no Rscript here")
        if p < n / 2:
            theirs = cpu(lambda X=X: MinCovDet(random_state=0).fit(X), 2)  # type: ignore[misc]
            line(what, ours, "scikit-learn MinCovDet", theirs, "")
        theirs = cpu(lambda X=X: LedoitWolf().fit(X), 3)  # type: ignore[misc]
        line(what, ours, "scikit-learn LedoitWolf (not robust)", theirs, "")
        errors = {"mrcd": error(mrcd(X).covariance, truth)}
        if p < n / 2:
            errors["MinCovDet"] = error(MinCovDet(random_state=0).fit(X).covariance_, truth)
        errors["LedoitWolf"] = error(LedoitWolf().fit(X).covariance_, truth)
        errors["LedoitWolf, clean rows only"] = error(
            LedoitWolf().fit(X[n // 10 :]).covariance_, truth
        )
        told = ", ".join(f"{name} {value:.2f}" for name, value in errors.items())
        print(f"{'':4}worst relative error of a portfolio's variance, 10% bad rows: {told}")


def catoni_by_brentq(x: Array, alpha: float) -> float:
    """Find the narrow root with scipy and NumPy only."""

    def total(theta: float) -> float:
        u = alpha * (x - theta)
        a = np.minimum(np.abs(u), 1.0)
        return float((-np.sign(u) * np.log(1 - a + a * a / 2)).sum())

    return float(optimize.brentq(total, x.min(), x.max(), xtol=1e-10))


def locations(repeats: int) -> None:
    """Time the locations of a million observations."""
    from statsmodels.robust.scale import qn_scale as peer_qn

    x = np.random.default_rng(1).standard_t(3, 1_000_000)
    ours = cpu(lambda: catoni_mean(x), repeats)
    line(
        "catoni_mean n=1e6 (with MAD)", ours, "np.median", cpu(lambda: np.median(x), 3), "<= 12 ms"
    )
    alpha = 0.01
    ours = cpu(lambda: catoni_location(x, alpha), repeats)
    theirs = cpu(lambda: catoni_by_brentq(x, alpha), 2)
    line("catoni_location n=1e6", ours, "brentq over NumPy, same root", theirs, "")
    assert abs(catoni_location(x, alpha) - catoni_by_brentq(x, alpha)) < 1e-9
    theirs = cpu(lambda: stats.trim_mean(x, 0.1), 3)
    line("trimmed_mean n=1e6", cpu(lambda: trimmed_mean(x), 3), "scipy trim_mean", theirs, "")
    theirs = cpu(lambda: np.mean(x), 5)
    line("median_of_means n=1e6", cpu(lambda: median_of_means(x, 24), 5), "np.mean", theirs, "")
    column = x[:1000, None]
    theirs = cpu(lambda: peer_qn(column), 5)
    line("qn_scale n=1000", cpu(lambda: qn_scale(column), 5), "statsmodels qn_scale", theirs, "")
    X = x[:20_000].reshape(1000, 20)
    line("geometric_median 1000 x 20", cpu(lambda: geometric_median(X), 5), "", None, "")


class Welford:
    """Mean and covariance by rank-one updates in NumPy; not robust."""

    def __init__(self, p: int) -> None:
        self.n, self.mean, self.scatter = 0, np.zeros(p), np.zeros((p, p))

    def update(self, x: Array) -> None:
        """Take in one observation."""
        self.n += 1
        away = x - self.mean
        self.mean += away / self.n
        self.scatter += np.outer(away, x - self.mean)


def streaming(repeats: int) -> None:
    """Time one observation of a stream."""
    n, p = 20_000, 20
    X = np.random.default_rng(2).standard_t(4, (n, p))
    moments = StreamingMoments(np.zeros(p), np.eye(p), half_life=1000.0)
    loop = cpu(lambda: moments.extend(X), repeats) / n
    plain = Welford(p)

    def ours() -> None:
        for row in X:
            moments.update(row)

    def theirs() -> None:
        for row in X:
            plain.update(row)

    peer = cpu(theirs, 2) / n
    line("StreamingMoments p=20, a call", cpu(ours, repeats) / n, "NumPy rank one", peer, "<= 8 us")
    line("StreamingMoments p=20, in a loop", loop, "NumPy rank one", peer, "<= 3 us")
    line("  .covariance", cpu(lambda: moments.covariance, 50), "", None, "")


def main() -> None:
    """Print the table."""
    options = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    options.add_argument("--repeats", type=int, default=5)
    repeats = options.parse_args().repeats
    print(f"{'what':30} {'ours':>9}  {'peer':38} {'peer':>9} {'ratio':>8}  target")
    covariances(repeats)
    locations(repeats)
    streaming(repeats)


if __name__ == "__main__":
    main()
