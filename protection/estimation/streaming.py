"""Mean and covariance of a stream, in which no observation and no source has more than its say."""

from __future__ import annotations

import math
from collections.abc import Hashable, Mapping, Sequence
from typing import Any

import numpy as np

from protection.contracts.errors import FixInput, RecoverState, UpgradeSoftware
from protection.estimation.clipping import clip_radius, clipping_factor
from protection.estimation.influence import InfluenceBound, capped_shares, clipping_bound
from protection.estimation.inputs import Array, as_frame
from protection.estimation.streaming_kernel import COUNT, LATEST, SQUARES, WEIGHT, absorb

VERSION = 1


class StreamingMoments:
    """Mean and covariance of clipped observations, updated one by one or in blocks.

    Every observation x is clipped in a fixed frame (mu0, Sigma0) at radius r::

        y = mu0 + (x - mu0) min(1, r / d(x)),    d(x)^2 = (x - mu0)' Sigma0^-1 (x - mu0)

    and joins its source's weighted mean and second moment with weight ``w exp(-g (T - t))`` at
    time T, where g = log 2 / half_life: an observation's age counts, not the order of arrival
    (forward decay, Cormode and others 2009). The published estimate is the mixture of the sources
    in proportion to their weights, none above ``max_share``. With too few sources for that cap,
    the rest of the mass is the frame's.

    Whatever one source sends, and whenever it says it did, the published mean moves by no more
    than ``2 r max_share`` and the covariance by no more than :meth:`influence_bound` says
    (law 10; proof in :func:`~protection.estimation.clipping_bound`). This is why the frame is
    fixed: take it from :func:`~protection.estimation.mrcd` of a trusted sample, and start a new
    object when the frame has to move.

    Parameters
    ----------
    location, covariance : the frame (mu0, Sigma0), shapes (p,) and (p, p)
    radius : clip radius in units of the frame; None is
        :func:`~protection.estimation.clip_radius` (chi-square, tail 2.5%), ``numpy.inf`` is never
    half_life : time in which a weight halves, in the unit of ``time``; None: nothing fades.
        Where no times are given it counts observations
    max_share : largest share of one source in the published estimate, in (0, 1]; 1 is no cap
    max_sources : how many sources may appear; each takes 8 p^2 bytes

    Raises
    ------
    FixInput
        When the frame is not positive definite or a parameter is outside its range.

    Notes
    -----
    Not safe to be updated from several threads at once. The covariance is over the total weight
    (no n - 1) and is divided by :func:`~protection.estimation.clipping_factor`, so that it is
    consistent for Gaussian observations around the frame.
    """

    __slots__ = (
        "_centre", "_columns", "_count", "_covariance", "_decay", "_distances", "_factor",
        "_half_life", "_ignored", "_lower", "_max_share", "_max_sources", "_means", "_radius",
        "_row", "_seconds", "_slot", "_slots", "_sums", "_time", "_weight",
    )  # fmt: skip

    def __init__(
        self,
        location: Any,
        covariance: Any,
        *,
        radius: float | None = None,
        half_life: float | None = None,
        max_share: float = 1.0,
        max_sources: int = 1024,
    ) -> None:
        self._centre, self._covariance, self._lower = as_frame(location, covariance)
        p = self._centre.size
        self._columns = np.ascontiguousarray(self._lower.T)
        self._radius = clip_radius(p) if radius is None else float(radius)
        if not self._radius > 0:
            raise FixInput(f"expected radius above 0, was {radius}")
        if half_life is not None and not 0 < half_life < math.inf:
            raise FixInput(f"expected half_life above 0 or None, was {half_life}")
        if not 0 < max_share <= 1:
            raise FixInput(f"expected max_share in (0, 1], was {max_share}")
        if max_sources < 1:
            raise FixInput(f"expected max_sources at least 1, was {max_sources}")
        self._half_life = half_life
        self._decay = 0.0 if half_life is None else math.log(2) / half_life
        self._max_share = float(max_share)
        self._max_sources = int(max_sources)
        self._factor = clipping_factor(p, self._radius)
        self._slots: dict[Hashable, int] = {}
        self._means = np.zeros((0, p))
        self._seconds = np.zeros((0, p, p))
        self._sums = np.zeros((0, 4))
        self._count = 0
        self._ignored = 0
        # One observation's worth of arguments, so that an update allocates nothing.
        self._row = np.zeros((1, p))
        self._time, self._weight = np.zeros(1), np.ones(1)
        self._slot = np.zeros(1, dtype=np.int64)
        self._distances = np.zeros(1)

    # -- taking in ---------------------------------------------------------------------------

    def update(
        self,
        x: Any,
        *,
        time: float | None = None,
        weight: float = 1.0,
        source: Hashable = None,
    ) -> float:
        """Take in one observation and return its Mahalanobis distance before clipping.

        An observation that is not finite, or whose time or weight is not, changes nothing but
        :attr:`ignored` and has the distance NaN.

        Parameters
        ----------
        x : shape (p,)
        time : event time as a number; None counts observations
        weight : trust in it, above 0; scaling all weights changes nothing
        source : who sent it; all that come without a source count as one

        Raises
        ------
        FixInput
            When x has another shape, or more than ``max_sources`` sources appear.
        """
        try:
            row = np.asarray(x, dtype=np.float64)
            if row.shape != self._centre.shape:
                raise ValueError(f"shape {row.shape}")
            self._row[0] = row
            self._time[0] = self._count if time is None else time
            self._weight[0] = weight
        except (TypeError, ValueError) as error:
            raise FixInput(
                f"expected x of shape {self._centre.shape}, and time and weight as numbers, "
                f"was not: {error}"
            ) from None
        slot = self._slots.get(source)
        if slot is None:
            slot = self._open(source)
        self._slot[0] = slot
        absorb(
            self._row, self._time, self._weight, self._slot, self._centre, self._columns,
            self._radius, self._decay, self._means, self._seconds, self._sums, self._distances,
        )  # fmt: skip
        distance = float(self._distances[0])
        if distance == distance:
            self._count += 1
        else:
            self._ignored += 1
        return distance

    def extend(
        self,
        X: Any,
        *,
        times: Any = None,
        weights: Any = None,
        sources: Sequence[Hashable] | Any = None,
    ) -> Array:
        """Take in the rows of X (n, p), in order, and return their distances, shape (n,).

        The same as one :meth:`update` for each row, without Python in the loop.

        Parameters
        ----------
        X : shape (n, p)
        times, weights : shape (n,), or None as in :meth:`update`
        sources : one source for each row, shape (n,), or None

        Raises
        ------
        FixInput
            When shapes do not match, or more than ``max_sources`` sources appear.
        """
        table = np.ascontiguousarray(X, dtype=np.float64)
        p = self._centre.size
        if table.ndim != 2 or table.shape[1] != p:
            raise FixInput(f"expected X of shape (n, {p}), was {table.shape}")
        n = table.shape[0]
        weight = _column(weights, n, "weights")
        distances = np.empty(n)
        if times is None:
            # Without times an observation's place is its time, and those ignored take no place.
            good = np.isfinite(table).all(axis=1) & (weight > 0) & (weight < np.inf)
            when = self._count + np.cumsum(good) - 1.0
        else:
            when = _column(times, n, "times")
        if sources is None:
            slots = np.full(n, self._find(None) if n else 0, dtype=np.int64)
        else:
            named = sources.tolist() if isinstance(sources, np.ndarray) else list(sources)
            if len(named) != n:
                raise FixInput(f"expected {n} sources, were {len(named)}")
            slots = np.array([self._find(source) for source in named], dtype=np.int64)
        absorb(
            table, when, weight, slots, self._centre, self._columns, self._radius, self._decay,
            self._means, self._seconds, self._sums, distances,
        )  # fmt: skip
        ignored = int(np.isnan(distances).sum())
        self._count += n - ignored
        self._ignored += ignored
        return distances

    def _find(self, source: Hashable) -> int:
        slot = self._slots.get(source)
        return self._open(source) if slot is None else slot

    def _open(self, source: Hashable) -> int:
        slot = len(self._slots)
        if slot >= self._max_sources:
            raise FixInput(
                f"expected at most {self._max_sources} sources, {source!r} is one more; "
                "raise max_sources, or name sources by their signature"
            )
        if slot >= self._sums.shape[0]:
            # Doubling: a new source costs constant time in the long run.
            room = max(1, min(2 * slot, self._max_sources)) - slot
            p = self._centre.size
            self._means = np.concatenate([self._means, np.zeros((room, p))])
            self._seconds = np.concatenate([self._seconds, np.zeros((room, p, p))])
            self._sums = np.concatenate([self._sums, np.zeros((room, 4))])
        self._slots[source] = slot
        return slot

    # -- the estimate ------------------------------------------------------------------------

    @property
    def location(self) -> Array:
        """Mean of the clipped observations, shape (p,); NaN before the first one."""
        if not self._count:
            return np.full(self._centre.size, np.nan)
        mean, _, _ = self._mixed()
        return self._centre + self._lower @ mean

    @property
    def covariance(self) -> Array:
        """Covariance, shape (p, p), over the total weight; NaN before the second observation."""
        p = self._centre.size
        if self._count < 2:
            return np.full((p, p), np.nan)
        mean, second, rest = self._mixed()
        # The mass that no source may have is the frame's, clipped like everything else.
        inner = (second - np.outer(mean, mean)) / self._factor
        if rest:
            inner += rest * np.eye(p)
        found = self._lower @ inner @ self._lower.T
        return (found + found.T) / 2

    def shares(self) -> dict[Hashable, float]:
        """Share of each source in the published estimate; they sum to 1 less the frame's share."""
        shares, _ = self._mixture()
        return dict(zip(self._slots, shares.tolist(), strict=True))

    def influence_bound(self, source: Hashable = ...) -> InfluenceBound:
        """Largest move of the estimate that one source can cause (law 10).

        Parameters
        ----------
        source : the move between what is published now and what would be without this source.
            Left out: between any two behaviours of any one source, the others being as they are.
            With ``max_share`` below 1 it holds for all time; else it is that of the sources heard
            so far at their present shares, and a source that sends more raises it.

        Raises
        ------
        FixInput
            When the source never sent anything, or the radius is infinite: nothing is bounded then.
        """
        if source is ...:
            largest = max(self.shares().values(), default=1.0)
            share = self._max_share if self._max_share < 1 else largest
        elif source in self._slots:
            share = self.shares()[source]
        else:
            raise FixInput(f"expected a source that has sent something, was {source!r}")
        return clipping_bound(self._radius, share, self._factor)

    @property
    def count(self) -> int:
        """Number of observations taken in."""
        return self._count

    @property
    def ignored(self) -> int:
        """Number of observations left out because they, their time or weight were not finite."""
        return self._ignored

    @property
    def effective_count(self) -> float:
        """Number of equal observations that the present weights and shares are worth (Kish)."""
        shares, _ = self._mixture()
        if not self._count:
            return 0.0
        sums = self._sums[: shares.size]
        kept = shares > 0
        squares = shares[kept] ** 2 * sums[kept, SQUARES] / sums[kept, WEIGHT] ** 2
        return float(shares.sum() ** 2 / squares.sum())

    @property
    def radius(self) -> float:
        """Clip radius in units of the frame."""
        return self._radius

    @property
    def frame(self) -> tuple[Array, Array]:
        """Location and covariance that observations are clipped in."""
        return self._centre.copy(), self._covariance.copy()

    def _mixed(self) -> tuple[Array, Array, float]:
        shares, rest = self._mixture()
        used = shares.size
        if used == 1 and not rest:
            return self._means[0], self._seconds[0], 0.0
        mean = shares @ self._means[:used]
        return mean, np.tensordot(shares, self._seconds[:used], axes=1), rest

    def _mixture(self) -> tuple[Array, float]:
        sums = self._sums[: len(self._slots)]
        if self._count and len(sums) == 1 and self._max_share == 1:
            return np.ones(1), 0.0
        logs = np.full(len(sums), -np.inf)
        heard = sums[:, WEIGHT] > 0
        if heard.any():
            logs[heard] = np.log(sums[heard, WEIGHT])
            if self._decay:
                latest = sums[heard, LATEST]
                logs[heard] += self._decay * (latest - latest.max())
        return capped_shares(logs, self._max_share)

    # -- state ------------------------------------------------------------------------------

    def snapshot(self) -> dict[str, Any]:
        """Everything a restart needs, of plain types; a JSON round trip changes nothing.

        Sources have to be text, numbers or None for that.
        """
        used = len(self._slots)
        return {
            "version": VERSION,
            "location": self._centre.tolist(),
            "covariance": self._covariance.tolist(),
            "radius": None if self._radius == math.inf else self._radius,
            "half_life": self._half_life,
            "max_share": self._max_share,
            "max_sources": self._max_sources,
            "count": self._count,
            "ignored": self._ignored,
            "sources": list(self._slots),
            "means": self._means[:used].tolist(),
            "seconds": self._seconds[:used].tolist(),
            "sums": self._sums[:used].tolist(),
        }

    @classmethod
    def restore(cls, state: Mapping[str, Any]) -> StreamingMoments:
        """Continue from a snapshot: what follows is as if nothing had happened.

        Raises
        ------
        UpgradeSoftware
            When a newer version wrote it.
        RecoverState
            When it is no snapshot.
        """
        try:
            if state["version"] > VERSION:
                raise UpgradeSoftware(
                    f"expected streaming moments of version {VERSION} or before, "
                    f"was {state['version']}"
                )
            made = cls(
                state["location"],
                state["covariance"],
                radius=math.inf if state["radius"] is None else state["radius"],
                half_life=state["half_life"],
                max_share=state["max_share"],
                max_sources=state["max_sources"],
            )
            p, used = made._centre.size, len(state["sources"])
            made._slots = {source: slot for slot, source in enumerate(state["sources"])}
            made._means = np.array(state["means"], dtype=np.float64).reshape(used, p)
            made._seconds = np.array(state["seconds"], dtype=np.float64).reshape(used, p, p)
            made._sums = np.array(state["sums"], dtype=np.float64).reshape(used, 4)
            made._count, made._ignored = int(state["count"]), int(state["ignored"])
            if len(made._slots) != used or made._sums[:, COUNT].sum() != made._count:
                raise ValueError("sources and counts do not agree")
        except (KeyError, TypeError, ValueError) as error:
            raise RecoverState(
                f"expected a snapshot of streaming moments, was not: {error!r}"
            ) from error
        return made


def _column(values: Any, n: int, name: str) -> Array:
    if values is None:
        return np.ones(n)
    column = np.ascontiguousarray(values, dtype=np.float64)
    if column.shape != (n,):
        raise FixInput(f"expected {name} of shape ({n},), was {column.shape}")
    return column
