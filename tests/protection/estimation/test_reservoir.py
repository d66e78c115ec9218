"""Reservoir: inclusion probabilities, caps, isolation of sources, restarts."""

from __future__ import annotations

import itertools
import json
import math
from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from protection.contracts import FixInput, RecoverState, UpgradeSoftware
from protection.estimation import StratifiedReservoir, clip_influence
from protection.estimation.reservoir import _even_counts, _Stratum

SAMPLING = json.loads(
    (Path(__file__).parents[2] / "golden" / "estimation" / "sampling.json").read_text()
)["sampling"]


def draw(weights: list[float], k: int, rng: np.random.Generator, shift: float = 0.0) -> Any:
    stratum = _Stratum(rng)
    for i, weight in enumerate(weights):
        stratum.offer(np.array([float(i)]), math.log(weight) + shift, weight, k)
    return tuple(sorted(int(entry[2][0]) for entry in stratum.heap))


@pytest.mark.parametrize("case", SAMPLING, ids=lambda case: f"{case['w']} {case['k']}")
@pytest.mark.parametrize("order", ["as listed", "reversed"])
def test_rows_are_kept_with_the_exact_probabilities(case: dict[str, Any], order: str) -> None:
    w, k, tries = case["w"], case["k"], 20_000
    rng = np.random.default_rng(7)
    places = list(range(len(w)))
    if order == "reversed":
        places.reverse()
    kept: Counter[int] = Counter()
    sets: Counter[Any] = Counter()
    for _ in range(tries):
        # Far from 1 in either direction: logarithms neither under- nor overflow.
        found = draw([w[i] for i in places], k, rng, shift=900.0)
        chosen = sorted(places[i] for i in found)
        kept.update(chosen)
        sets[tuple(chosen)] += 1
    for i, p in enumerate(case["inclusion"]):
        error = 4 * math.sqrt(p * (1 - p) / tries)
        assert kept[i] / tries == pytest.approx(p, abs=error + 1e-12)
    for name, p in case.get("set_probs", {}).items():
        error = 4 * math.sqrt(p * (1 - p) / tries)
        members = tuple(int(part) for part in name.strip("()").split(",") if part.strip())
        assert sets[members] / tries == pytest.approx(p, abs=error + 1e-12)


def test_jumping_over_rows_keeps_the_distribution_of_a_clock_for_every_row() -> None:
    rng = np.random.default_rng(3)
    w = rng.uniform(0.05, 1, 60)
    jumped, plain = np.zeros(60), np.zeros(60)
    tries = 4000
    for _ in range(tries):
        jumped[list(draw(w.tolist(), 8, rng))] += 1
        plain[np.argsort(rng.exponential(size=60) / w)[:8]] += 1
    p = (jumped + plain) / (2 * tries)
    error = np.sqrt(2 * p * (1 - p) / tries)
    assert (np.abs(jumped - plain) / tries < 4.5 * error).all()


def test_a_long_stream_draws_seldom() -> None:
    class Counting:
        def __init__(self) -> None:
            self.rng, self.draws = np.random.default_rng(0), 0

        def exponential(self) -> float:
            self.draws += 1
            return self.rng.exponential()

        def random(self) -> float:
            self.draws += 1
            return self.rng.random()

    rng = Counting()
    stratum = _Stratum(rng)  # type: ignore[arg-type]
    row = np.zeros(1)
    for _ in range(20_000):
        stratum.offer(row, 0.0, 1.0, 20)
    assert rng.draws < 20 + 2.5 * 20 * math.log(20_000 / 20)


def filled(**options: Any) -> StratifiedReservoir:
    reservoir = StratifiedReservoir(**options)
    rng = np.random.default_rng(1)
    for i in range(900):
        source = ("flood", "flood", "flood", "b", "c", "d")[i % 6]
        reservoir.offer(rng.standard_normal(2), source=source, weight=rng.uniform(0.2, 1))
    return reservoir


def test_caps_and_shares_hold_and_the_rest_is_told() -> None:
    reservoir = filled(cap=100, floor=20)
    assert max(reservoir.counts().values()) == reservoir.counts()["flood"] == 100
    found = reservoir.weighted()
    assert found.weights.sum() == pytest.approx(1)
    assert found.largest_share <= 1 / 3
    assert len(found.sources) == len(found.X) == len(reservoir)
    few = StratifiedReservoir()
    for i in range(40):
        few.offer([1.0], source=i % 2)
    assert few.weighted().unassigned == pytest.approx(1 / 3)
    assert few.shares() == {0: pytest.approx(1 / 3), 1: pytest.approx(1 / 3)}
    assert few.sample().largest_share == 0.5


def test_the_allowance_rises_with_trust() -> None:
    reservoir = StratifiedReservoir(cap=200, floor=50, max_share=1.0)
    for i in range(2000):
        reservoir.offer([0.0], source=i % 2, weight=(0.05, 1.0)[i % 2])
    shares = reservoir.shares()
    assert shares[1] / shares[0] == pytest.approx(200 / 50)


@settings(max_examples=100, deadline=None)
@given(st.lists(st.integers(1, 200), min_size=1, max_size=15), st.floats(0.05, 1))
def test_even_counts_are_the_most_that_the_share_allows(masses: list[int], share: float) -> None:
    counts = _even_counts(masses, share)
    assert all(0 < count <= mass for count, mass in zip(counts, masses, strict=True))
    limit = max(share, 1 / len(masses))
    assert max(counts) <= limit * sum(counts) + 1e-6
    for higher in range(max(counts) + 1, max(masses) + 1):
        more = [min(mass, higher) for mass in masses]
        assert max(more) == max(counts) or max(more) > limit * sum(more) - 1e-6


def test_the_sample_without_weights_is_the_earliest_clocks() -> None:
    reservoir = filled(cap=100, floor=20)
    sample = reservoir.sample()
    counts = Counter(sample.sources)
    assert sample.largest_share == max(counts.values()) / len(sample.X) <= 1 / 3
    np.testing.assert_allclose(sample.weights, 1 / len(sample.X))
    every = {tuple(row) for row in reservoir.weighted().X}
    assert {tuple(row) for row in sample.X} < every


def test_what_one_source_sends_does_not_change_the_rows_kept_of_another() -> None:
    rng = np.random.default_rng(5)
    rows = rng.standard_normal((600, 2))
    alone, together = StratifiedReservoir(cap=60), StratifiedReservoir(cap=60)
    for i, row in enumerate(rows):
        for _ in range(i % 4):
            together.offer(rng.standard_normal(2) * 99, source="noise", weight=rng.uniform(0, 2))
        for reservoir in (alone, together):
            reservoir.offer(row, source="quiet", weight=0.5)

    def kept(reservoir: StratifiedReservoir) -> Any:
        found = reservoir.weighted()
        return [tuple(r) for r, s in zip(found.X, found.sources, strict=True) if s == "quiet"]

    assert kept(alone) == kept(together)


def test_recent_rows_replace_old_ones_with_a_half_life() -> None:
    reservoir = StratifiedReservoir(cap=50, half_life=100.0, seed=2)
    for t in range(5000):
        reservoir.offer([float(t)], source="a", time=1.7e9 + t)
    times = reservoir.weighted().X[:, 0]
    # The ages of the kept are nearly exponential in clock order: almost all within 12 half-lives.
    assert times.min() > 5000 - 1500
    assert times.mean() > 4700


def estimate(reservoir: StratifiedReservoir, radius: float) -> Any:
    found = reservoir.weighted()
    Y = clip_influence(found.X, [0, 0], np.eye(2), radius)
    return found.weights @ Y  # the frame completes the mass at 0


@settings(max_examples=60, deadline=None)
@given(
    st.lists(st.tuples(st.floats(-1e9, 1e9), st.floats(0.01, 5), st.integers(1, 90)), max_size=4),
    st.lists(st.tuples(st.floats(-1e9, 1e9), st.floats(0.01, 5), st.integers(1, 90)), max_size=4),
    st.integers(1, 4),
)
def test_no_source_moves_the_clipped_mean_beyond_the_bound(
    one: list[Any], other: list[Any], honest: int
) -> None:
    found = []
    for behaviour in (one, other):
        reservoir = StratifiedReservoir(cap=80, floor=10, max_share=0.3)
        rng = np.random.default_rng(0)
        for i in range(100):
            reservoir.offer(1.5 + rng.standard_normal(2), source=i % honest)
        for size, weight, times in behaviour:
            for _ in range(times):
                reservoir.offer([size, 1.0], source="attacker", weight=weight)
        found.append(estimate(reservoir, 2.7))
        bound = reservoir.influence_bound(2.7)
    assert np.linalg.norm(found[0] - found[1]) <= bound.location * (1 + 1e-9)


def test_a_restart_goes_on_with_the_same_draws() -> None:
    whole, half = (StratifiedReservoir(cap=20, half_life=50, floor=5) for _ in range(2))
    rng = np.random.default_rng(4)
    rows = [(rng.standard_normal(3), ("a", 2)[i % 2], rng.uniform(0, 1.2)) for i in range(400)]
    for t, (row, source, weight) in enumerate(rows):
        if t == 170:
            half = StratifiedReservoir.restore(json.loads(json.dumps(half.snapshot())))
        for reservoir in (whole, half):
            reservoir.offer(row, source=source, weight=weight, time=float(t))
    assert half.snapshot() == whole.snapshot()
    np.testing.assert_array_equal(half.weighted().X, whole.weighted().X)


def test_damaged_and_newer_snapshots_are_refused() -> None:
    state = filled().snapshot()
    with pytest.raises(UpgradeSoftware):
        StratifiedReservoir.restore(state | {"version": 2})
    for damage in ({"strata": [{}]}, {"settings": {"cap": -1}}, {"rejected": "x"}):
        with pytest.raises(RecoverState):
            StratifiedReservoir.restore(state | damage)


def test_what_cannot_be_trusted_or_is_no_number_is_not_kept() -> None:
    reservoir = StratifiedReservoir()
    refused: list[Any] = [
        ([math.nan, 1.0], 1.0), ([math.inf, 1.0], 1.0), ([1.0, 1.0], 0.0), ([1.0, 1.0], math.nan),
        ([1.0, 1.0], -2.0), ([1.0, 1.0], math.inf),
    ]  # fmt: skip
    for x, weight in refused:
        assert not reservoir.offer(x, source="a", weight=weight)
    assert (reservoir.rejected, len(reservoir), reservoir.counts()) == (6, 0, {})
    assert reservoir.weighted().X.shape == reservoir.sample().X.shape == (0, 0)
    assert reservoir.weighted().unassigned == 1.0


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"cap": 10}, "floor"),
        ({"max_share": 0}, "max_share"),
        ({"half_life": 0.0}, "half_life"),
        ({"trust": (0.0, 1.0)}, "trust"),
        ({"max_sources": 0}, "max_sources"),
    ],
)
def test_impossible_settings_are_named(options: dict[str, Any], words: str) -> None:
    with pytest.raises(FixInput, match=words):
        StratifiedReservoir(**options)


def test_impossible_calls_are_named() -> None:
    reservoir = StratifiedReservoir(half_life=1, max_sources=2)
    with pytest.raises(FixInput, match="time"):
        reservoir.offer([1.0], source="a")
    for source in "ab":
        reservoir.offer([1.0], source=source, time=1)
    with pytest.raises(FixInput, match="at most 2"):
        reservoir.offer([1.0], source="c", time=1)
    for x in ([1.0, 2.0], 3.0, ["x"], [[1.0]]):
        with pytest.raises(FixInput, match="expected x"):
            reservoir.offer(x, source="a", time=1)


def test_the_order_of_appearance_of_sources_does_not_matter() -> None:
    found = []
    for order in itertools.permutations("abc"):
        reservoir = StratifiedReservoir(cap=10, floor=5)
        for source in order:
            for i in range(50):
                reservoir.offer([float(i)], source=source)
        sample = reservoir.weighted()
        found.append(sorted(zip(sample.sources, sample.X[:, 0], strict=True)))
    assert all(each == found[0] for each in found)
