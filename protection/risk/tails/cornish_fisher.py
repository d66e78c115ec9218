"""Cornish-Fisher expansion, refused where it is no quantile function."""

from __future__ import annotations

import math

from protection.contracts.errors import FixInput
from protection.risk.tails.empirical import check_level


def in_domain(skew: float, kurtosis: float) -> bool:
    """Whether the expansion rises over the whole line (Maillard 2012).

    (S / 3)^2 <= 4 (K/8 - S^2/6)(1 - K/8 + 5 S^2/36), which also bounds |S| by 6 (sqrt 2 - 1).

    Parameters
    ----------
    skew, kurtosis : S and excess K, parameters of the polynomial
    """
    if not (math.isfinite(skew) and math.isfinite(kurtosis)):
        return False
    square = skew * skew
    left = kurtosis / 8.0 - square / 6.0
    right = 1.0 - kurtosis / 8.0 + 5.0 * square / 36.0
    if left < 0.0 or right < 0.0 or abs(skew) > 6.0 * (math.sqrt(2.0) - 1.0) + 1e-12:
        return False
    return square / 9.0 <= 4.0 * left * right + 1e-15


def cornish_fisher_quantile(probability: float, skew: float, kurtosis: float) -> float:
    """Standardised quantile z + (z^2-1)S/6 + (z^3-3z)K/24 - (2z^3-5z)S^2/36.

    Raises
    ------
    FixInput
        Outside the domain, where a higher level could give a smaller loss. Daily returns usually
        are outside: use a Student-t or Pareto tail.
    """
    from scipy import special

    probability = check_level(probability, "probability")
    if not in_domain(skew, kurtosis):
        raise FixInput(
            f"expected skew and excess kurtosis inside Cornish-Fisher's domain, was {skew:g} and "
            f"{kurtosis:g}; use a Student-t or Pareto tail"
        )
    z = float(special.ndtri(probability))
    return (
        z
        + (z * z - 1.0) * skew / 6.0
        + (z**3 - 3.0 * z) * kurtosis / 24.0
        - (2.0 * z**3 - 5.0 * z) * skew * skew / 36.0
    )


def cornish_fisher_var_es(level: float, skew: float, kurtosis: float) -> tuple[float, float]:
    """VaR and ES of a standardised return; losses positive.

    ES is the exact integral of the expansion over the levels above (Boudt, Peterson and Croux
    2008): with a = -z and density f, int z = f, int z^2 = 1 - q + a f, int z^3 = (a^2 + 2) f.

    Raises
    ------
    FixInput
        Outside the domain.
    """
    var = -cornish_fisher_quantile(1.0 - level, skew, kurtosis)
    from scipy import special

    q = check_level(level)
    a = float(special.ndtri(q))
    density = math.exp(-0.5 * a * a) / math.sqrt(2.0 * math.pi)
    share = 1.0 - q
    # Moments of z over z <= -a, divided by the share below.
    first = -density / share
    second = 1.0 + a * density / share
    third = -(a * a + 2.0) * density / share
    mean = (
        first
        + (second - 1.0) * skew / 6.0
        + (third - 3.0 * first) * kurtosis / 24.0
        - (2.0 * third - 5.0 * first) * skew * skew / 36.0
    )
    return var, -mean


def polynomial_moments(skew: float, kurtosis: float) -> tuple[float, float, float]:
    """Deviation, skew and excess kurtosis of the expansion's distribution; its mean is 0.

    Exact: the fourth power of a cubic in a normal variable is integrated by 8 Hermite nodes.
    """
    import numpy as np

    nodes, weights = np.polynomial.hermite_e.hermegauss(8)
    weights = weights / weights.sum()
    values = (
        nodes
        + (nodes**2 - 1.0) * skew / 6.0
        + (nodes**3 - 3.0 * nodes) * kurtosis / 24.0
        - (2.0 * nodes**3 - 5.0 * nodes) * skew**2 / 36.0
    )
    variance = float(weights @ values**2)
    third, fourth = float(weights @ values**3), float(weights @ values**4)
    return math.sqrt(variance), third / variance**1.5, fourth / variance**2 - 3.0


def parameters_of(skew: float, kurtosis: float) -> tuple[float, float, float] | None:
    """Parameters (S, K) whose distribution has these moments, and its deviation.

    None where no parameters inside the domain have them (Maillard 2012).
    """
    from scipy import optimize

    def gap(point: list[float]) -> list[float]:
        _, found_skew, found_kurtosis = polynomial_moments(point[0], point[1])
        return [found_skew - skew, found_kurtosis - kurtosis]

    best = optimize.root(gap, [0.7 * skew, 0.5 * kurtosis], method="hybr")
    s, k = float(best.x[0]), float(best.x[1])
    if not best.success or max(abs(entry) for entry in gap([s, k])) > 1e-8 or not in_domain(s, k):
        return None
    return s, k, polynomial_moments(s, k)[0]
