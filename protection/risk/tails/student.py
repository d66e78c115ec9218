"""Student's t: closed-form VaR and ES."""

from __future__ import annotations

import math
from functools import lru_cache

from protection.contracts.errors import FixInput
from protection.risk.tails.empirical import check_level


@lru_cache(maxsize=1024)
def student_var_es(df: float, level: float, *, unit_variance: bool = False) -> tuple[float, float]:
    """VaR and ES of a centred t loss of scale 1 (or of variance 1).

    With t_q the quantile and f the density, ES = f(t_q) (df + t_q^2) / ((1 - q)(df - 1)). The scale
    that gives variance 1 is sqrt((df - 2) / df).

    Parameters
    ----------
    df : degrees of freedom, above 0; infinite is the normal
    level : probability
    unit_variance : divide by the standard deviation, which needs df > 2

    Returns
    -------
    VaR and ES; ES is infinite for df <= 1, where the mean loss does not exist.

    Raises
    ------
    FixInput
        For df <= 0, or df <= 2 with ``unit_variance``.
    """
    from scipy import special

    level = check_level(level)
    if not df > (2.0 if unit_variance else 0.0):
        raise FixInput(
            f"expected df above {2 if unit_variance else 0}, was {df}"
            + ("; the variance is infinite" if unit_variance and df > 0 else "")
        )
    if math.isinf(df) or df > 1e7:
        quantile = float(special.ndtri(level))
        density = math.exp(-0.5 * quantile**2) / math.sqrt(2.0 * math.pi)
        return quantile, density / (1.0 - level)
    quantile = float(special.stdtrit(df, level))
    log_density = (
        special.gammaln(0.5 * (df + 1.0))
        - special.gammaln(0.5 * df)
        - 0.5 * math.log(df * math.pi)
        - 0.5 * (df + 1.0) * math.log1p(quantile**2 / df)
    )
    shortfall = math.inf
    if df > 1.0:
        shortfall = math.exp(log_density) * (df + quantile**2) / ((1.0 - level) * (df - 1.0))
    scale = math.sqrt((df - 2.0) / df) if unit_variance else 1.0
    return quantile * scale, shortfall * scale
