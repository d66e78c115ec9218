"""Order statistics of all pairwise differences of sorted rows, in O(n) space and time per row.

The answer is one of the differences x_j - x_i, exactly. A thinned row says roughly where it lies,
one pass over the full row counts the differences below a bracket around that and collects those
inside, and the wanted one is selected among them. Where the row misleads (ties, clusters), a
bisection on the count takes over, whose steps end on differences that occur.

Eight rows are worked on side by side, number j of row ``lane`` at place 8 j + lane, so that none of
them waits for another's comparisons. Places are unsigned: a signed index costs a test for negative
ones at every access.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from protection.estimation.compiled import compiled
from protection.estimation.inputs import Array, Indices

Places = NDArray[np.uint64]

_BUCKETS = 64
_LANES = 8  # rows that are worked on side by side
_SHORT = 32  # rows up to this length are bisected
_THIN = 64  # numbers of a thinned row, or an eighth of the row
_BEFORE = 4  # places before a row that hold minus infinity
_ROW, _TWO, _THREE = np.uint64(_LANES), np.uint64(2 * _LANES), np.uint64(3 * _LANES)
_FRONT, _SHIFT, _STEP = np.uint64(_LANES * _BEFORE), np.uint64(3), np.uint64(1)


def kth_difference_twin(rows: Array, k: int, out: Array) -> None:
    """NumPy twin of :func:`kth_difference`."""
    n = rows.shape[1]
    i, j = np.triu_indices(n, 1)
    for r in range(rows.shape[0]):
        out[r] = np.partition(rows[r, j] - rows[r, i], k - 1)[k - 1]


@compiled()
def _count(x: Array, t: float, reach: Indices) -> int:
    """Return the number of pairs i < j with x_j - x_i <= t; reach[j] is the first such i.

    Four walks side by side, each through a quarter of the row, so that they do not wait for one
    another's comparisons.
    """
    n = x.size
    quarter = n // 4
    one, two, three = quarter, 2 * quarter, 3 * quarter
    i0 = 0
    i1 = _first(x, one, t)
    i2 = _first(x, two, t)
    i3 = _first(x, three, t)
    for s in range(quarter):
        y0, y1, y2, y3 = x[s], x[s + one], x[s + two], x[s + three]
        # Two steps without a branch are nearly always enough.
        i0 += y0 - x[i0] > t
        i1 += y1 - x[i1] > t
        i2 += y2 - x[i2] > t
        i3 += y3 - x[i3] > t
        i0 += y0 - x[i0] > t
        i1 += y1 - x[i1] > t
        i2 += y2 - x[i2] > t
        i3 += y3 - x[i3] > t
        while y0 - x[i0] > t:
            i0 += 1
        while y1 - x[i1] > t:
            i1 += 1
        while y2 - x[i2] > t:
            i2 += 1
        while y3 - x[i3] > t:
            i3 += 1
        reach[s] = i0
        reach[s + one] = i1
        reach[s + two] = i2
        reach[s + three] = i3
    for j in range(4 * quarter, n):
        while x[j] - x[i3] > t:
            i3 += 1
        reach[j] = i3
    total = n * (n - 1) // 2
    for j in range(n):
        total -= reach[j]
    return total


@compiled()
def _first(x: Array, j: int, t: float) -> int:
    """First i with x_j - x_i <= t."""
    low, high = 0, j
    while low < high:
        middle = (low + high) >> 1
        if x[j] - x[middle] <= t:
            high = middle
        else:
            low = middle + 1
    return low


@compiled()
def _walk(x: Array, size: int, t: Array, reach: Places, place: Places) -> None:
    """Find reach for eight rows at once: the place of the first i with x_j - x_i <= t[lane].

    Parameters
    ----------
    x : eight ascending rows of ``size`` numbers side by side, with an infinity behind each
    t : 0 <= t < infinity, shape (8,)
    reach : shape (8 size + 8,); written
    place : shape (8,); overwritten

    A step moves one of the two places of a row, so that they add up to the number of the step.
    """
    for lane in range(_LANES):
        place[lane] = np.uint64(lane)
    for step in range(2 * size):
        both = np.uint64(_LANES * step)
        for lane in range(_LANES):
            here = place[lane]
            there = both - here + np.uint64(2 * lane)
            inside = x[here] - x[there] <= t[lane]
            reach[here] = there
            place[lane] = here + (np.uint64(inside) << _SHIFT)


@compiled()
def _walk_again(x: Array, lane: int, n: int, t: float, reach: Places) -> int:
    """As :func:`_walk` for one of the rows; how many of its pairs are within reach."""
    here, there = np.uint64(lane), np.uint64(lane)
    within = 0
    for j in range(n):
        while x[here] - x[there] > t:
            there += _ROW
        reach[here] = there
        within += j - int(there >> _SHIFT)
        here += _ROW
    return within


@compiled()
def _counted(reach: Places, n: int, within: Indices) -> None:
    """Write how many pairs of each row are within reach."""
    within[:] = 0
    for j in range(n):
        for lane in range(_LANES):
            within[lane] += np.int64(reach[_LANES * j + lane])
    for lane in range(_LANES):  # a place is 8 i + lane
        within[lane] = n * (n - 1) // 2 - (within[lane] - n * lane) // _LANES


@compiled()
def _guess(
    x: Array,
    n: int,
    k: int,
    thin: Array,
    reach: Places,
    place: Places,
    within: Indices,
    places: Array,
    slopes: Array,
) -> None:
    """Rough place of each row's k-th difference, and how many differences a unit holds there.

    A thinned row stands for blocks of equal size: each of its pairs for size^2 pairs, and pairs
    within a block for differences of 0. A slope of 0 says that the row has no place to be found
    this way.
    """
    m = thin.size // _LANES - 1
    size = n / m
    same = m * size * (size - 1) / 2
    before, counts = np.zeros(_LANES), np.zeros(_LANES)
    for q in range(m):
        middle = (q + 0.5) * size - 0.5
        part = middle - int(middle)
        left, right = _LANES * int(middle), _LANES * min(int(middle) + 1, n - 1)
        for lane in range(_LANES):
            low = x[left + lane]
            thin[_LANES * q + lane] = low + part * (x[right + lane] - low)
    for lane in range(_LANES):
        # Two spans of the row, as the quarter of all differences of a Gaussian one has them.
        inner = x[_LANES * ((3 * n) // 4) + lane] - x[_LANES * (n // 4) + lane]
        outer = x[_LANES * ((9 * n) // 10) + lane] - x[_LANES * (n // 10) + lane]
        places[lane] = 0.167 * inner + 0.0879 * outer
        slopes[lane] = 0.0
    for _ in range(3):
        near = True
        for lane in range(_LANES):
            if not 0 <= places[lane] < np.inf:
                places[lane] = 0.0
        _walk(thin, m, places, reach, place)
        _counted(reach, m, within)
        for lane in range(_LANES):
            t = places[lane]
            count = same + size * size * within[lane]
            slope = count / t if t > 0 else 0.0
            if not slope > 0:
                slopes[lane] = 0.0
                continue
            if counts[lane] > 0 and abs(t - before[lane]) > 0.1 * t:
                # Between places close by, counts of a thinned row are too coarse for a slope.
                secant = (count - counts[lane]) / (t - before[lane])
                slope = min(max(secant, 0.75 * slope), 1.33 * slope)
            before[lane], counts[lane] = t, count
            step = (k - count) / slope
            if abs(count - k) <= 0.1 * k:
                places[lane] = t + step
                slopes[lane] = slope
            else:
                places[lane] = min(max(t + step, 0.25 * t), 4 * t)
                slopes[lane] = 0.0
                near = False
        if near:
            break


@compiled()
def _gather(block: Array, lane: int, n: int, high: float, reach: Places, found: Array) -> int:
    """Collect a row's differences above the reach and up to ``high``; -1 if there is no room.

    ``block`` has minus infinity before its n numbers, so that three differences can be written
    without looking, and the place advances by those that belong.
    """
    m = 0
    room = found.size - 3
    here = np.uint64(lane)
    for _ in range(n):
        y = block[here + _FRONT]
        q = reach[here] + _THREE  # of number i - 1, where the reach is i
        here += _ROW
        while True:
            if m > room:
                return -1
            d0, d1, d2 = y - block[q], y - block[q - _ROW], y - block[q - _TWO]
            place = np.uint64(m)
            found[place] = d0
            found[place + _STEP] = d1
            found[place + _STEP + _STEP] = d2
            if d2 <= high:
                m += 3
                q -= _THREE
                if q < _FRONT:
                    break
            else:
                m += int(d0 <= high) + int(d1 <= high)
                break
    return m


@compiled()
def _select(
    found: Array,
    m: int,
    k: int,
    low: float,
    high: float,
    other: Array,
    buckets: Indices,
    counts: Indices,
) -> float:
    """k-th smallest of found[:m], all in (low, high]: buckets first, then a sort of one."""
    scale = _BUCKETS / (high - low)
    counts[:] = 0
    for i in range(m):
        bucket = max(0, min(int((found[i] - low) * scale), _BUCKETS - 1))
        buckets[i] = bucket
        counts[bucket] += 1
    wanted = 0
    while k > counts[wanted]:
        k -= counts[wanted]
        wanted += 1
    size = 0
    for i in range(m):
        if buckets[i] == wanted:
            value = found[i]
            place = size
            while place > 0 and other[place - 1] > value:
                other[place] = other[place - 1]
                place -= 1
            other[place] = value
            size += 1
    return other[k - 1]


@compiled()
def _bisect(x: Array, k: int, reach: Indices) -> float:
    """k-th difference by bisection on the count, each step ended on differences that occur."""
    n = x.size
    low, high = 0.0, x[n - 1] - x[0]  # count(low) < k <= count(high)
    if _count(x, low, reach) >= k:
        return 0.0
    while True:
        middle = low + (high - low) / 2
        count = _count(x, middle, reach)
        # The largest difference that is at most `middle`, and the smallest one beyond it.
        below, above = 0.0, high
        for j in range(n):
            if reach[j] < j:
                below = max(below, x[j] - x[reach[j]])
            if reach[j] > 0:
                above = min(above, x[j] - x[reach[j] - 1])
        if count < k:
            if _count(x, above, reach) >= k:
                return above
            low = above
        elif _count(x, np.nextafter(below, 0.0), reach) < k:
            return below
        else:
            high = np.nextafter(below, 0.0)


@compiled(twin=kth_difference_twin)
def kth_difference(rows: Array, k: int, out: Array) -> None:
    """Write the k-th smallest x_j - x_i, i < j, of every row; rows are sorted and finite.

    Parameters
    ----------
    rows : shape (m, n), each row ascending, n >= 2
    k : from 1 to n (n - 1) / 2
    out : shape (m,); written
    """
    m, n = rows.shape
    one = np.empty(n, dtype=np.int64)
    if n < _SHORT:
        for r in range(m):
            out[r] = _bisect(rows[r], k, one)
        return
    block = np.full(_LANES * (_BEFORE + n + 1), -np.inf)
    block[_LANES * (_BEFORE + n) :] = np.inf
    x = block[_LANES * _BEFORE :]
    thin = np.full(_LANES * (min(n, max(_THIN, n // 8)) + 1), np.inf)
    reach, place = np.empty(_LANES * (n + 1), dtype=np.uint64), np.empty(_LANES, dtype=np.uint64)
    within = np.empty(_LANES, dtype=np.int64)
    places, slopes, lows = np.empty(_LANES), np.empty(_LANES), np.empty(_LANES)
    found, other = np.empty(8 * n), np.empty(8 * n)
    buckets, counts = np.empty(8 * n, dtype=np.int64), np.empty(_BUCKETS, dtype=np.int64)
    for start in range(0, m, _LANES):
        for lane in range(_LANES):
            row = rows[min(start + lane, m - 1)]
            for j in range(n):
                x[_LANES * j + lane] = row[j]
        _guess(x, n, k, thin, reach, place, within, places, slopes)
        for lane in range(_LANES):
            # The guess is off by less than this for 98 rows of 100.
            lows[lane] = 0.0
            if slopes[lane] > 0:
                low = places[lane] - 0.25 * n / slopes[lane]
                lows[lane] = low if 0 < low < np.inf else 0.0
        _walk(x, n, lows, reach, place)
        _counted(reach, n, within)
        for lane in range(min(_LANES, m - start)):
            slope, low = slopes[lane], lows[lane]
            done = False
            wanted = k - within[lane]
            stretch = 1.15
            for _ in range(5):
                if not slope > 0 or wanted > 4 * n:
                    break
                if wanted <= 0:
                    if low == 0:
                        break
                    low = max(0.0, low - (0.2 * n - 1.5 * wanted) / slope)
                    wanted = k - _walk_again(x, lane, n, low, reach)
                    continue
                high = low + (stretch * wanted + 0.04 * n) / slope
                if not low < high < np.inf:
                    break
                size = _gather(block, lane, n, high, reach, found)
                if size >= wanted:
                    out[start + lane] = _select(
                        found, size, wanted, low, high, other, buckets, counts
                    )
                    done = True
                    break
                stretch *= 1.7
            if not done:
                out[start + lane] = _bisect(rows[start + lane], k, one)
