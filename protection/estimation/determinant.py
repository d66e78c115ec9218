"""Minimum regularised covariance determinant: location and covariance of the most central rows."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import special, stats
from scipy.linalg import helmert

from protection.contracts.errors import FixInput
from protection.estimation.determinant_starts import MINSCALE, standardize, starts
from protection.estimation.determinant_steps import (
    Concentrated,
    Rows,
    TallRows,
    WideRows,
    concentrate,
    smallest_rho,
)
from protection.estimation.inputs import Array, as_table

MAXCOND = 50.0


@dataclass(frozen=True, slots=True, eq=False)
class Mrcd:
    """Result of :func:`mrcd`; arrays are read-only.

    Attributes
    ----------
    location : mean of the h chosen rows, shape (p,)
    covariance : positive definite, consistent for Gaussian rows, shape (p, p)
    support : which rows were chosen, boolean, shape (n,)
    rho : regularisation that was used
    h : number of chosen rows
    consistency : factor that the chosen rows' covariance was multiplied by
    log_determinant : of the covariance
    scale : Qn of every column, or the floor, shape (p,)
    floored : columns whose Qn was below the floor: half of their values are (nearly) one
    steps : concentration steps of each start that was followed to the end
    """

    location: Array
    covariance: Array
    support: NDArray[np.bool_]
    rho: float
    h: int
    consistency: float
    log_determinant: float
    scale: Array
    floored: tuple[int, ...]
    steps: tuple[int, ...]


def mrcd(
    X: Any,
    *,
    alpha: float = 0.75,
    rho: float | None = None,
    target: str = "identity",
    minscale: float | None = None,
) -> Mrcd:
    """Estimate location and covariance from the h most central rows, for any n and p.

    The estimator of Boudt, Rousseeuw, Vanduffel and Verdonck (2020), Statistics and Computing 30,
    as its reference implementation (rrcov) executes it: columns are standardised by median and
    Qn; six deterministic starts are concentrated on the h rows that minimise the determinant of
    K = rho T + (1 - rho) c S_H; K is taken back to the units of X. A share of rows below
    1 - alpha, whatever they are, does not carry it away.

    Parameters
    ----------
    X : finite observations in rows, shape (n, p), n >= 4; p may exceed n
    alpha : h / n, in [0.5, 1]
    rho : regularisation in (0, 1); None finds the least with which the condition number of K is
        50 (1e-6 where none is needed). The specification's 0.3 shrinks heavily towards the
        target also where nothing calls for it: take it with ``target="equicorrelation"``
    target : ``"identity"`` or ``"equicorrelation"``, after standardisation
    minscale : least Qn a column is divided by; None is 0.001 times the median Qn of the columns,
        or 0.001 if that is more than 1. The reference has 0.001: it treats columns like returns
        by the minute (Qn 0.0001) as constant

    Returns
    -------
    Mrcd

    Raises
    ------
    FixInput
        When X is not finite, has fewer than 4 rows, constant columns or numbers whose differences
        overflow, or a parameter is outside its range.
    """
    table = _admissible(X)
    n, p = table.shape
    if not 0.5 <= alpha <= 1:
        raise FixInput(f"expected alpha in [0.5, 1], was {alpha}; the regularisation is rho")
    if rho is not None and not 0 < rho < 1:
        raise FixInput(f"expected rho in (0, 1) or None, was {rho}")
    if target not in ("identity", "equicorrelation"):
        raise FixInput(f"expected target 'identity' or 'equicorrelation', was {target!r}")
    if minscale is not None and not 0 < minscale < math.inf:
        raise FixInput(f"expected minscale above 0 or None, was {minscale}")
    h = math.ceil(alpha * n)

    Z, centre, scale, floor = standardize(table, minscale)
    axes, W = None, Z
    if target == "equicorrelation" and p > 1:
        axes, sizes = _equicorrelation(Z)
        W = np.ascontiguousarray((Z @ axes) / sizes)
        axes = axes * sizes
    consistency = consistency_factor(p, h / n)
    best, rho, ends = _search(W, h, rho, consistency)

    chosen = W[best.chosen]
    mean = chosen.mean(axis=0)
    chosen = chosen - mean
    K = (1 - rho) * consistency / (h - 1) * (chosen.T @ chosen)
    K[np.diag_indices(p)] += rho
    if axes is not None:  # back from the coordinates in which the target is the identity
        mean, K = axes @ mean, axes @ K @ axes.T
        K = (K + K.T) / 2
    covariance = K * np.outer(scale, scale)
    support = np.zeros(n, dtype=bool)
    support[best.chosen] = True
    location = centre + scale * mean
    scale = scale.copy()
    for array in (location, covariance, support, scale):
        array.flags.writeable = False
    return Mrcd(
        location=location,
        covariance=covariance,
        support=support,
        rho=rho,
        h=h,
        consistency=consistency,
        log_determinant=float(np.linalg.slogdet(covariance)[1]),
        scale=scale,
        floored=tuple(int(j) for j in np.flatnonzero(scale <= floor)),
        steps=tuple(end.steps for end in ends),
    )


def consistency_factor(p: int, share: float) -> float:
    """What the covariance of the most central ``share`` of p-variate Gaussian rows lacks.

    share / F_{p+2}(chi2_{p, share}), with F_k the chi-square distribution (Croux and Haesbroeck
    1999); p = 3: 2.457 for 0.5, 1.609 for 0.75.
    """
    if share >= 1:
        return 1.0
    return float(share / special.chdtr(p + 2, special.chdtri(p, 1 - share)))


def _admissible(X: Any) -> Array:
    table = as_table(X)
    n = table.shape[0]
    if n < 4:
        raise FixInput(f"expected X with at least 4 rows, was {n}")
    low, high = table.min(axis=0), table.max(axis=0)
    constant = np.flatnonzero(low == high)
    if constant.size:
        raise FixInput(
            f"expected columns that vary, columns {constant.tolist()} are constant; drop them"
        )
    if max(float(high.max()), -float(low.min())) > 1e100:
        raise FixInput("expected X within 1e100, was not; reject or clip such observations first")
    return table


def _equicorrelation(Z: Array) -> tuple[Array, Array]:
    """Eigenvectors in columns and roots of the eigenvalues of c J + (1 - c) I.

    c is the mean of sin(pi / 2 r_s) over all pairs, r_s their Spearman correlation. (That formula
    belongs to Kendall's tau; the reference has it so.)
    """
    p = Z.shape[1]
    ranks = stats.rankdata(Z, axis=0)
    ranks -= ranks.mean(axis=0)
    ranks /= np.sqrt(np.einsum("ij,ij->j", ranks, ranks))
    angles = np.sin(np.pi / 2 * np.clip(ranks.T @ ranks, -1, 1))
    c = float(angles[np.triu_indices(p, 1)].mean())
    c = max(c, -1 / (p - 1) + 0.01)
    values = np.full(p, 1 - c)
    values[0] = 1 + (p - 1) * c
    return helmert(p, full=True).T, np.sqrt(values)


def _search(
    W: Array, h: int, rho: float | None, consistency: float
) -> tuple[Concentrated, float, list[Concentrated]]:
    n, p = W.shape
    rows: Rows = TallRows(W) if p <= n else WideRows(W)
    begins = starts(W, h, MINSCALE)
    if rho is None:
        needed = [smallest_rho(*rows.spectrum(b), consistency, MAXCOND) for b in begins]
        cutoff = max(0.1, float(np.median(needed)))
        rho = max(each for each in needed if each <= cutoff)
        begins = [b for b, each in zip(begins, needed, strict=True) if each <= cutoff]
    visited: dict[bytes, Concentrated] = {}
    ends = [concentrate(rows, begin, rho, consistency, visited) for begin in begins]
    return min(ends, key=lambda end: end.log_det), rho, ends
