"""The empirical tail: VaR and ES of equally likely losses, with exact order-statistic intervals."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import ArrayLike, NDArray

from protection.contracts.errors import FixInput
from protection.risk.tails.compiled import passes


def check_level(level: float, name: str = "level") -> float:
    """``level`` when it is a probability strictly between 0 and 1.

    Raises
    ------
    FixInput
        "expected level in (0, 1), was 99; write 0.99 for 99%".
    """
    value = float(level)
    if not 0.0 < value < 1.0:
        hint = f"; write {value / 100:g} for {value:g}%" if 1.0 <= value < 100.0 else ""
        raise FixInput(f"expected {name} in (0, 1), was {level}{hint}")
    return value


def clean_losses(values: ArrayLike, name: str = "losses") -> NDArray[np.float64]:
    """One-dimensional float array without its missing (NaN) entries.

    Raises
    ------
    FixInput
        When the shape is not one-dimensional or an entry is infinite.
    """
    array = np.asarray(values, dtype=np.float64)
    if array.ndim != 1:
        raise FixInput(f"expected {name} with one dimension, was shape {array.shape}")
    kept = array[~np.isnan(array)]
    if not np.isfinite(kept).all():
        raise FixInput(f"expected finite {name} or NaN where missing, was infinite; mend the feed")
    return np.ascontiguousarray(kept)


def tail_rows(rows: int, level: float) -> tuple[float, int]:
    """Position (n + 1)(1 - level) and how many of the largest losses it takes to read it."""
    position = (rows + 1) * (1.0 - level)
    # 1 - 0.95 is 5.000...04e-2: without this a whole position would fall to either side.
    if abs(position - round(position)) < 1e-9 * rows:
        position = float(round(position))
    return position, min(rows, int(position) + 1)


def empirical_var_es(losses: ArrayLike, level: float) -> tuple[float, float]:
    """VaR and ES of a sample of losses.

    VaR is the quantile at rank (n + 1) level, linear between order statistics: for independent
    losses the next one exceeds it with probability 1 - level on average over samples, for every n
    (Hyndman and Fan 1996, type 6). ES is the mean of that quantile over the levels above, so it is
    never below VaR, and it is coherent: its weights do not fall from larger to smaller losses.

    Parameters
    ----------
    losses : shape (n,), losses positive, any unit; NaN is left out
    level : probability such as 0.99

    Returns
    -------
    VaR and ES in the unit of the losses; NaN for no losses. Beyond rank n both are the maximum.

    Raises
    ------
    FixInput
        For a level outside (0, 1) or infinite losses.
    """
    level = check_level(level)
    sample = clean_losses(losses)
    if sample.size == 0:
        return math.nan, math.nan
    position, count = tail_rows(sample.size, level)
    if sample.size > 2000:
        top = np.partition(sample, sample.size - count)[sample.size - count :]
        top.sort()
        found = passes("empirical").tail_of(np.ascontiguousarray(top[::-1]), position)
    else:
        kernels = passes("empirical")
        found = kernels.tail_of(kernels.largest(sample, count), position)
    return float(found[0]), float(found[1])


def rank_weights(position: float, count: int) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Weights of the largest losses, largest first, whose sums are VaR and ES; both sum to 1."""
    var = np.zeros(count)
    es = np.zeros(count)
    if position <= 1.0:
        var[0] = es[0] = 1.0
        return var, es
    whole = min(int(position), count)
    rest = position - whole
    es[0] = 1.0
    es[: whole - 1] += 0.5
    es[1:whole] += 0.5
    var[whole - 1] = 1.0
    if whole < count:
        var[whole - 1] -= rest
        var[whole] = rest
    es += 0.5 * rest * var
    es[whole - 1] += 0.5 * rest
    return var, es / position
