"""A bounded sample of a stream, by source: trust decides what is kept, no source can flood it."""

from __future__ import annotations

import hashlib
import heapq
import math
from collections.abc import Hashable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from protection.contracts.errors import FixInput, RecoverState, UpgradeSoftware
from protection.estimation.influence import InfluenceBound, capped_shares, clipping_bound
from protection.estimation.inputs import Array

VERSION = 1


@dataclass(frozen=True, slots=True, eq=False)
class Sample:
    """Rows kept by a :class:`StratifiedReservoir`.

    Attributes
    ----------
    X : shape (n, p)
    weights : share of each row, shape (n,); they sum to 1 - unassigned
    sources : source of each row
    largest_share : of one source
    unassigned : mass nobody may have, as there are fewer sources than 1 / max_share
    """

    X: Array
    weights: Array
    sources: tuple[Hashable, ...]
    largest_share: float
    unassigned: float


class _Stratum:
    """One source's reservoir: the rows with the earliest exponential clocks (A-ExpJ).

    A row of weight w has a clock E / w, E standard exponential; the k earliest are a sample drawn
    one by one without replacement with probabilities in proportion to the weights left. Rather
    than a clock for every row one draws how much weight passes until the next row gets in
    (Efraimidis and Spirakis 2006). All clocks are kept as logarithms: no weight under- or
    overflows.
    """

    __slots__ = ("heap", "jump", "offered", "passed", "rng", "trust")

    def __init__(self, rng: np.random.Generator) -> None:
        self.rng = rng
        self.heap: list[tuple[float, int, Array, float]] = []  # (-log clock, age, row, trust)
        self.passed = -math.inf  # log of the weight that went by since the last jump was drawn
        self.jump = 0.0  # log of the weight to let by
        self.offered = 0
        self.trust = 0.0  # sum over kept rows

    def offer(self, row: Array, log_weight: float, trust: float, cap: int) -> bool:
        self.offered += 1
        if len(self.heap) < cap:
            clock = math.log(self.rng.exponential()) - log_weight
            heapq.heappush(self.heap, (-clock, self.offered, row, trust))
            self.trust += trust
            if len(self.heap) == cap:
                self._draw_jump()
            return True
        high, low = max(self.passed, log_weight), min(self.passed, log_weight)
        self.passed = high + math.log1p(math.exp(low - high))
        if self.passed < self.jump:
            return False
        clock = self._clock_before(-self.heap[0][0], log_weight)
        out = heapq.heapreplace(self.heap, (-clock, self.offered, row, trust))
        self.trust += trust - out[3]
        self._draw_jump()
        return True

    def _draw_jump(self) -> None:
        self.passed = -math.inf
        self.jump = math.log(self.rng.exponential()) + self.heap[0][0]

    def _clock_before(self, limit: float, log_weight: float) -> float:
        """Log of an exponential clock of that rate, given that it is before exp(limit)."""
        u = 1.0 - self.rng.random()  # in (0, 1]
        rate = limit + log_weight
        if rate < -30:  # the clock is uniform there, and exp(rate) might vanish
            return math.log(u) + limit
        within = -math.expm1(-math.exp(min(rate, 700.0)))
        return math.log(max(-math.log1p(-u * within), 5e-324)) - log_weight


class StratifiedReservoir:
    """Reservoirs of bounded size, one for each source, and their mixture.

    Within a source rows are kept with probability rising in their trust, and, with a half-life, in
    their recency (weight times e^(g t), forward decay). Inclusion is *not* proportional to the
    weight: of rows with weights 1, 2, 3, 4 and room for two, the last is kept with probability
    0.716, not 0.8. Across sources each counts for at most its allowance of rows, and for no more
    than ``max_share`` of the whole: what one source sends changes neither the rows kept of another
    nor, by more than its share, what is published (:meth:`influence_bound`).

    Caps do not stop one sender with many names: a name has to be proven by a signature before its
    observations get here.

    Parameters
    ----------
    cap : most rows kept of one source
    floor : allowance of a source of the lowest trust; at the highest trust it is ``cap``, between
        them in proportion to the mean trust of its kept rows
    max_share : largest share of one source in :meth:`weighted`, in (0, 1]
    half_life : time in which a weight halves, in the unit of ``time``; None: age does not matter
    trust : lowest and highest weight; weights outside are moved to the nearer one
    seed : of the draws; every source has its own stream of them, derived from its name
    max_sources : how many sources may appear

    Raises
    ------
    FixInput
        When a parameter is outside its range.
    """

    def __init__(
        self,
        *,
        cap: int = 200,
        floor: int = 50,
        max_share: float = 1 / 3,
        half_life: float | None = None,
        trust: tuple[float, float] = (0.05, 1.0),
        seed: int = 0,
        max_sources: int = 1024,
    ) -> None:
        if not 1 <= floor <= cap:
            raise FixInput(f"expected 1 <= floor <= cap, was floor={floor}, cap={cap}")
        if not 0 < max_share <= 1:
            raise FixInput(f"expected max_share in (0, 1], was {max_share}")
        if half_life is not None and not 0 < half_life < math.inf:
            raise FixInput(f"expected half_life above 0 or None, was {half_life}")
        if not 0 < trust[0] <= trust[1] < math.inf:
            raise FixInput(f"expected 0 < lowest <= highest trust, was {trust}")
        if max_sources < 1:
            raise FixInput(f"expected max_sources at least 1, was {max_sources}")
        self._cap, self._floor, self._max_share = cap, floor, float(max_share)
        self._half_life = half_life
        self._decay = 0.0 if half_life is None else math.log(2) / half_life
        self._trust = (float(trust[0]), float(trust[1]))
        self._seed, self._max_sources = int(seed), int(max_sources)
        self._width: int | None = None
        self._strata: dict[Hashable, _Stratum] = {}
        self._rejected = 0

    def offer(
        self, x: Any, *, source: Hashable, weight: float = 1.0, time: float | None = None
    ) -> bool:
        """Offer one observation; return whether it was kept (a later one may replace it).

        An observation that is not finite, or whose weight is not or is 0 or less, is not kept and
        counts in :attr:`rejected`.

        Parameters
        ----------
        x : shape (p,), the same p every time
        source : who sent it, proven
        weight : trust in it
        time : event time as a number, needed with a half-life

        Raises
        ------
        FixInput
            When x has another shape, the time is missing, or too many sources appear.
        """
        try:
            row = np.array(x, dtype=np.float64)
        except (TypeError, ValueError) as error:
            raise FixInput(f"expected x of numbers, was not: {error}") from None
        if row.ndim != 1 or not row.size or (self._width is not None and row.size != self._width):
            raise FixInput(f"expected x of shape ({self._width or 'p'},), was {row.shape}")
        if self._half_life is not None and time is None:
            raise FixInput("expected a time with every observation, as half_life is set")
        moment = 0.0 if time is None else float(time)
        if not (0 < weight < math.inf and math.isfinite(moment) and np.isfinite(row).all()):
            self._rejected += 1
            return False
        stratum = self._strata.get(source)
        if stratum is None:
            if len(self._strata) >= self._max_sources:
                raise FixInput(
                    f"expected at most {self._max_sources} sources, {source!r} is one more; "
                    "raise max_sources, or name sources by their signature"
                )
            stratum = self._strata[source] = _Stratum(self._stream(source))
        self._width = row.size
        row.flags.writeable = False
        trust = min(max(float(weight), self._trust[0]), self._trust[1])
        return stratum.offer(row, math.log(trust) + self._decay * moment, trust, self._cap)

    def weighted(self) -> Sample:
        """All kept rows, with weights that bound every source's share.

        Each source's mass is the number of its rows or its allowance, whichever is less; shares
        are in proportion to the masses, none above ``max_share``. For estimates that take weights:
        these have the bound of :meth:`influence_bound`.
        """
        shares, unassigned = self._shares()
        rows: list[Array] = []
        weights: list[Array] = []
        sources: list[Hashable] = []
        for (source, stratum), share in zip(self._strata.items(), shares, strict=True):
            kept = len(stratum.heap)
            rows += [entry[2] for entry in _by_age(stratum)]
            weights.append(np.full(kept, share / kept))
            sources += [source] * kept
        return Sample(
            np.array(rows).reshape(len(rows), self._width or 0),
            np.concatenate(weights) if weights else np.zeros(0),
            tuple(sources),
            float(shares.max()) if shares.size else 0.0,
            unassigned,
        )

    def sample(self) -> Sample:
        """As many rows of equal weight as the caps allow, for estimators without weights.

        A source gives its rows with the earliest clocks, which are a sample as one of that size
        would have been. No source has more than ``max_share`` of the rows, or, with fewer sources
        than 1 / max_share, all give equally many: see ``largest_share``.
        """
        masses = [self._mass(stratum) for stratum in self._strata.values()]
        counts = _even_counts(masses, self._max_share)
        rows: list[Array] = []
        sources: list[Hashable] = []
        for (source, stratum), count in zip(self._strata.items(), counts, strict=True):
            # The heap holds negative clocks: the largest are the earliest.
            first = heapq.nlargest(count, stratum.heap, key=lambda entry: (entry[0], -entry[1]))
            rows += [entry[2] for entry in sorted(first, key=lambda entry: entry[1])]
            sources += [source] * count
        total = len(rows)
        return Sample(
            np.array(rows).reshape(total, self._width or 0),
            np.full(total, 1 / total) if total else np.zeros(0),
            tuple(sources),
            max(counts) / total if total else 0.0,
            0.0,
        )

    def shares(self) -> dict[Hashable, float]:
        """Share of each source in :meth:`weighted`."""
        return dict(zip(self._strata, self._shares()[0].tolist(), strict=True))

    def counts(self) -> dict[Hashable, int]:
        """Number of rows kept of each source."""
        return {source: len(stratum.heap) for source, stratum in self._strata.items()}

    def influence_bound(self, radius: float, factor: float = 1.0) -> InfluenceBound:
        """Largest move of the weighted mean and covariance of clipped rows by any one source.

        Of the rows of :meth:`weighted`, clipped at ``radius`` in a frame fixed before, their
        weights completed to 1 by the frame; between any two behaviours of one source (law 10).
        See :func:`~protection.estimation.clipping_bound`.
        """
        return clipping_bound(radius, self._max_share, factor)

    @property
    def rejected(self) -> int:
        """Number of observations that were not finite or had no weight."""
        return self._rejected

    def __len__(self) -> int:
        return sum(len(stratum.heap) for stratum in self._strata.values())

    def _mass(self, stratum: _Stratum) -> int:
        low, high = self._trust
        mean = stratum.trust / len(stratum.heap)
        part = 1.0 if high == low else min(max((mean - low) / (high - low), 0.0), 1.0)
        return min(len(stratum.heap), round(self._floor + (self._cap - self._floor) * part))

    def _shares(self) -> tuple[Array, float]:
        masses = np.array([self._mass(s) for s in self._strata.values()], dtype=np.float64)
        return capped_shares(np.log(masses), self._max_share)

    def _stream(self, source: Hashable) -> np.random.Generator:
        # From the name and not from the order of appearance: sources do not disturb each other.
        name = f"{type(source).__name__}:{source!r}".encode()
        digest = hashlib.blake2b(name, digest_size=16).digest()
        return np.random.default_rng([self._seed, *np.frombuffer(digest, dtype=np.uint32).tolist()])

    # -- state ------------------------------------------------------------------------------

    def snapshot(self) -> dict[str, Any]:
        """Everything a restart needs, of plain types, for sources that are text or numbers."""
        return {
            "version": VERSION,
            "settings": {
                "cap": self._cap,
                "floor": self._floor,
                "max_share": self._max_share,
                "half_life": self._half_life,
                "trust": list(self._trust),
                "seed": self._seed,
                "max_sources": self._max_sources,
            },
            "rejected": self._rejected,
            "strata": [
                {
                    "source": source,
                    "random": stratum.rng.bit_generator.state,
                    "passed": None if stratum.passed == -math.inf else stratum.passed,
                    "jump": stratum.jump,
                    "offered": stratum.offered,
                    "rows": [
                        [key, age, row.tolist(), trust] for key, age, row, trust in stratum.heap
                    ],
                    "trust": stratum.trust,
                }
                for source, stratum in self._strata.items()
            ],
        }

    @classmethod
    def restore(cls, state: Mapping[str, Any]) -> StratifiedReservoir:
        """Continue from a snapshot: the draws that follow are those that would have followed.

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
                    f"expected a reservoir of version {VERSION} or before, was {state['version']}"
                )
            settings = dict(state["settings"])
            made = cls(**settings | {"trust": tuple(settings["trust"])})
            made._rejected = int(state["rejected"])
            for kept in state["strata"]:
                stratum = _Stratum(made._stream(kept["source"]))
                stratum.rng.bit_generator.state = kept["random"]
                stratum.passed = -math.inf if kept["passed"] is None else float(kept["passed"])
                stratum.jump, stratum.offered = float(kept["jump"]), int(kept["offered"])
                stratum.trust = float(kept["trust"])
                for key, age, values, trust in kept["rows"]:
                    row = np.array(values, dtype=np.float64)
                    if made._width not in (None, row.size) or not np.isfinite(row).all():
                        raise ValueError(f"row {values!r}")
                    made._width = row.size
                    row.flags.writeable = False
                    stratum.heap.append((float(key), int(age), row, float(trust)))
                if not stratum.heap or len(stratum.heap) > made._cap:
                    raise ValueError(f"{len(stratum.heap)} rows of {kept['source']!r}")
                made._strata[kept["source"]] = stratum
        except (KeyError, TypeError, ValueError) as error:
            raise RecoverState(f"expected a snapshot of a reservoir, was not: {error!r}") from error
        return made


def _by_age(stratum: _Stratum) -> list[tuple[float, int, Array, float]]:
    return sorted(stratum.heap, key=lambda entry: entry[1])


def _even_counts(masses: list[int], share: float) -> list[int]:
    """Most rows each source may give so that none has more than ``share`` of all."""
    if not masses:
        return []
    share = max(share, 1 / len(masses))
    limit = max(masses)
    while True:
        counts = [min(mass, limit) for mass in masses]
        allowed = int(share * sum(counts) + 1e-9)
        if max(counts) <= allowed:
            return counts
        # Lowering the limit to what is allowed now can only lower what is allowed next.
        limit = max(1, allowed)
        if limit == 1:
            return [min(mass, 1) for mass in masses]
