"""Order statistics of all pairwise differences of sorted rows, in O(n) space and time per row.

The answer is one of the differences x_j - x_i, exactly. A thinned row says roughly where it lies,
one pass over the full row counts the differences below a bracket around that and collects those
inside, and the wanted one is selected among them. Where the row misleads (ties, clusters), a
bisection on the count takes over, whose steps end on differences that occur.
"""

from __future__ import annotations

import numpy as np

from protection.estimation.compiled import compiled
from protection.estimation.inputs import Array, Indices

_BUCKETS = 64
_LANES = 8  # rows that are worked on side by side
_SHORT = 32  # rows up to this length are bisected


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
def _walk(rows: Array, size: int, t: Array, reach: Indices, i: Indices, j: Indices) -> None:
    """Find reach for all rows at once: reach[l, j] is the first i with x_j - x_i <= t[l].

    A step moves one of the two places of a row, and no step waits for another row's. Every row
    has an infinity behind its ``size`` numbers, where it stays when it is done.
    """
    i[:] = 0
    j[:] = 0
    for _ in range(2 * size):
        for lane in range(rows.shape[0]):
            inside = rows[lane, j[lane]] - rows[lane, i[lane]] <= t[lane]
            reach[lane, j[lane]] = i[lane]
            j[lane] += 1 if inside else 0
            i[lane] += 0 if inside else 1


@compiled()
def _counted(reach: Indices, n: int) -> int:
    """Return the number of pairs within reach."""
    total = n * (n - 1) // 2
    for j in range(n):
        total -= reach[j]
    return total


@compiled()
def _guess(
    rows: Array,
    n: int,
    k: int,
    thin: Array,
    reach: Indices,
    i: Indices,
    j: Indices,
    places: Array,
    slopes: Array,
) -> None:
    """Rough place of each row's k-th difference, and how many differences a unit holds there.

    A thinned row stands for blocks of equal size: each of its pairs for size^2 pairs, and pairs
    within a block for differences of 0. A slope of 0 says that the row has no place to be found
    this way.
    """
    m = thin.shape[1] - 1
    size = n / m
    within = m * size * (size - 1) / 2
    lanes = rows.shape[0]
    before, counts = np.zeros(lanes), np.zeros(lanes)
    for lane in range(lanes):
        x = rows[lane]
        for q in range(m):
            place = (q + 0.5) * size - 0.5
            left = int(place)
            part = place - left
            thin[lane, q] = x[left] + part * (x[min(left + 1, n - 1)] - x[left])
        thin[lane, m] = np.inf
        places[lane] = 0.334 * (x[(3 * n) // 4] - x[n // 4])
        slopes[lane] = 0.0
    for trial in range(2):
        _walk(thin, m, places, reach, i, j)
        for lane in range(lanes):
            t = places[lane]
            count = within + size * size * _counted(reach[lane], m)
            slope = count / t if t > 0 else 0.0
            if trial > 0 and t != before[lane] and count != counts[lane]:
                slope = (count - counts[lane]) / (t - before[lane])
            before[lane], counts[lane] = t, count
            if not slope > 0:
                slopes[lane] = 0.0
                continue
            step = (k - count) / slope
            if trial < 1:
                places[lane] = min(max(t + step, 0.25 * t), 4 * t)
            elif abs(count - k) <= 0.1 * k:
                places[lane] = t + step
                slopes[lane] = slope


@compiled()
def _gather(x: Array, n: int, high: float, reach: Indices, found: Array) -> int:
    """Collect the differences above the reach and up to ``high``; -1 if there is no room.

    ``x`` has four times minus infinity before its n numbers, so that four differences can be
    written without looking, and the place advances by those that belong.
    """
    m = 0
    room = found.size - 4
    for j in range(n):
        y = x[j + 4]
        q = reach[j] + 3
        while True:
            if m > room:
                return -1
            d0, d1, d2, d3 = y - x[q], y - x[q - 1], y - x[q - 2], y - x[q - 3]
            found[m] = d0
            found[m + 1] = d1
            found[m + 2] = d2
            found[m + 3] = d3
            if d3 <= high:
                m += 4
                q -= 4
                if q < 4:
                    break
            else:
                m += int(d0 <= high) + int(d1 <= high) + int(d2 <= high)
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
    lanes = min(_LANES, m)
    block = np.full((lanes, n + 5), -np.inf)
    block[:, n + 4] = np.inf
    thin = np.empty((lanes, min(n, max(48, n // 8)) + 1))
    reach = np.empty((lanes, n + 1), dtype=np.int64)
    i, j = np.empty(lanes, dtype=np.int64), np.empty(lanes, dtype=np.int64)
    places, slopes, lows = np.empty(lanes), np.empty(lanes), np.empty(lanes)
    found, other = np.empty(8 * n), np.empty(8 * n)
    buckets, counts = np.empty(8 * n, dtype=np.int64), np.empty(_BUCKETS, dtype=np.int64)
    for start in range(0, m, lanes):
        for lane in range(lanes):
            block[lane, 4 : n + 4] = rows[min(start + lane, m - 1)]
        _guess(block[:, 4:], n, k, thin, reach, i, j, places, slopes)
        for lane in range(lanes):
            # The guess is off by less than this for nine rows of ten.
            lows[lane] = 0.0
            if slopes[lane] > 0:
                lows[lane] = max(0.0, places[lane] - 0.4 * n / slopes[lane])
        _walk(block[:, 4:], n, lows, reach, i, j)
        for lane in range(min(lanes, m - start)):
            x, slope, low = block[lane], slopes[lane], lows[lane]
            done = False
            wanted = k - _counted(reach[lane], n)
            stretch = 1.2
            for _ in range(4):
                if not slope > 0 or wanted > 4 * n:
                    break
                if wanted <= 0:
                    if low == 0:
                        break
                    low = max(0.0, low - (0.3 * n - 1.5 * wanted) / slope)
                    wanted = k - _count(x[4 : n + 4], low, reach[lane])
                    continue
                high = low + (stretch * wanted + 0.05 * n) / slope
                size = _gather(x, n, high, reach[lane], found)
                if size >= wanted:
                    out[start + lane] = _select(
                        found, size, wanted, low, high, other, buckets, counts
                    )
                    done = True
                    break
                stretch *= 2
            if not done:
                out[start + lane] = _bisect(x[4 : n + 4], k, one)
