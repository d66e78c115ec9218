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
def _guess(x: Array, k: int, thin: Array, reach: Indices) -> tuple[float, float]:
    """Rough place of the k-th difference, and how many differences a unit of it holds there.

    The thinned row stands for blocks of equal size: each of its pairs for size^2 pairs, and pairs
    within a block for differences of 0.
    """
    n, m = x.size, thin.size
    size = n / m
    for i in range(m):
        place = (i + 0.5) * size - 0.5
        left = int(place)
        part = place - left
        thin[i] = x[left] + part * (x[min(left + 1, n - 1)] - x[left])
    within = m * size * (size - 1) / 2
    t = 0.334 * (x[(3 * n) // 4] - x[n // 4])
    if not t > 0:
        return 0.0, 0.0
    count = within + size * size * _count(thin, t, reach)
    for _ in range(4):
        wanted = t * k / count
        wanted = min(max(wanted, 0.25 * t), 4 * t)
        found = within + size * size * _count(thin, wanted, reach)
        if wanted != t and found != count:
            slope = (found - count) / (wanted - t)
        else:
            slope = count / t
        if slope <= 0:
            return 0.0, 0.0
        if abs(found - k) <= 0.1 * k:
            return wanted + (k - found) / slope, slope
        t, count = wanted, found
    return 0.0, 0.0


@compiled()
def _gather(x: Array, high: float, reach: Indices, found: Array) -> int:
    """Collect the differences above the reach and up to ``high``; -1 if there is no room."""
    m = 0
    room = found.size
    for j in range(x.size):
        i = reach[j] - 1
        while i >= 0:
            difference = x[j] - x[i]
            if difference > high:
                break
            if m == room:
                return -1
            found[m] = difference
            m += 1
            i -= 1
    return m


@compiled()
def _select(found: Array, m: int, k: int, low: float, high: float, other: Array) -> float:
    """k-th smallest of found[:m], all in (low, high]: buckets first, then a sort of one."""
    scale = _BUCKETS / (high - low)
    counts = np.zeros(_BUCKETS, dtype=np.int64)
    for i in range(m):
        counts[max(0, min(int((found[i] - low) * scale), _BUCKETS - 1))] += 1
    bucket = 0
    while k > counts[bucket]:
        k -= counts[bucket]
        bucket += 1
    size = 0
    for i in range(m):
        if max(0, min(int((found[i] - low) * scale), _BUCKETS - 1)) == bucket:
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
    n = rows.shape[1]
    reach = np.empty(n, dtype=np.int64)
    thin = np.empty(min(n, max(48, n // 8)))
    found = np.empty(8 * n)
    other = np.empty(8 * n)
    # The guess is off by less than this for nine rows of ten; the second width is for the tenth.
    margin = 0.4 * n
    for r in range(rows.shape[0]):
        x = rows[r]
        slope = 0.0
        if n >= 32:
            t, slope = _guess(x, k, thin, reach)
        width = margin
        while slope > 0:
            low, high = t - width / slope, t + width / slope
            count = _count(x, low, reach) if low > 0 else k
            if count < k:
                m = _gather(x, high, reach, found)
                if m >= k - count:
                    out[r] = _select(found, m, k - count, low, high, other)
                    break
            if width > margin:
                slope = 0.0
            width *= 4
        if not slope > 0:
            out[r] = _bisect(x, k, reach)
