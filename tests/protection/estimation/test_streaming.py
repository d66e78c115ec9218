"""Streaming moments: what they publish, and how far one source can move it."""

from __future__ import annotations

import json
import math
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from protection.contracts import FixInput, RecoverState, UpgradeSoftware
from protection.estimation import StreamingMoments, clip_influence, clipping_factor
from protection.estimation.inputs import Array
from protection.estimation.streaming_kernel import absorb, absorb_twin

FRAME = (
    np.array([0.5, -1.0, 2.0]),
    np.array([[2.0, 0.3, 0.1], [0.3, 1.0, -0.2], [0.1, -0.2, 0.5]]),
)


def draw(n: int, seed: int = 0) -> Array:
    """Heavy-tailed rows around the frame."""
    rng = np.random.default_rng(seed)
    return FRAME[0] + rng.standard_t(2.5, (n, 3)) @ np.linalg.cholesky(FRAME[1]).T


def whitened(change: Array) -> float:
    return float(np.linalg.norm(np.linalg.solve(np.linalg.cholesky(FRAME[1]), change)))


def spectral(change: Array) -> float:
    inverse = np.linalg.inv(np.linalg.cholesky(FRAME[1]))
    return float(np.linalg.norm(inverse @ change @ inverse.T, 2))


def test_without_decay_they_are_the_moments_of_the_clipped_rows() -> None:
    X = draw(400)
    moments = StreamingMoments(*FRAME, radius=2.5)

    moments.extend(X)

    Y = clip_influence(X, *FRAME, radius=2.5)
    assert (Y != X).any()
    np.testing.assert_allclose(moments.location, Y.mean(axis=0), rtol=1e-12)
    expected = np.cov(Y.T, bias=True) / clipping_factor(3, 2.5)
    np.testing.assert_allclose(moments.covariance, expected, rtol=1e-11)
    assert moments.effective_count == pytest.approx(400)


def test_weights_fade_with_the_age_of_the_event_and_not_with_the_order_of_arrival() -> None:
    X = draw(60)
    times = np.random.default_rng(3).uniform(0, 50, 60)
    trust = np.random.default_rng(4).uniform(0.05, 1, 60)
    moments = StreamingMoments(*FRAME, half_life=7.0)

    moments.extend(X, times=times, weights=trust)

    w = trust * 0.5 ** ((times.max() - times) / 7.0)
    Y = clip_influence(X, *FRAME)
    mean = w @ Y / w.sum()
    np.testing.assert_allclose(moments.location, mean, rtol=1e-12)
    expected = (Y - mean).T @ ((Y - mean) * w[:, None]) / w.sum()
    np.testing.assert_allclose(
        moments.covariance, expected / clipping_factor(3, moments.radius), rtol=1e-11
    )
    assert moments.effective_count == pytest.approx(w.sum() ** 2 / (w**2).sum())


def test_one_by_one_is_the_same_as_at_once_to_the_last_bit() -> None:
    X = draw(50)
    X[7, 1] = np.nan
    sources = [f"s{i % 3}" for i in range(50)]
    at_once = StreamingMoments(*FRAME, half_life=20, max_share=0.4)
    single = StreamingMoments(*FRAME, half_life=20, max_share=0.4)

    distances = at_once.extend(X, sources=sources)
    singly = [single.update(x, source=s) for x, s in zip(X, sources, strict=True)]

    np.testing.assert_array_equal(distances, singly)
    np.testing.assert_array_equal(at_once.location, single.location)
    np.testing.assert_array_equal(at_once.covariance, single.covariance)
    assert (at_once.count, at_once.ignored) == (single.count, single.ignored) == (49, 1)


@settings(max_examples=30, deadline=None)
@given(st.integers(1, 40), st.integers(0, 2**32 - 1))
def test_what_comes_later_changes_nothing_published_before(t: int, seed: int) -> None:
    X, garbage = draw(60, seed), draw(60, seed)
    garbage[t:] = np.random.default_rng(seed).choice([np.nan, np.inf, 1e300, -4.0], (60 - t, 3))
    first, second = (StreamingMoments(*FRAME, half_life=9) for _ in range(2))

    published = []
    for i in range(60):
        first.update(X[i])
        second.update(garbage[i])
        if i < t:
            published.append((first.location, second.location))
            np.testing.assert_array_equal(first.covariance, second.covariance)

    for ours, theirs in published:
        np.testing.assert_array_equal(ours, theirs)
    prefix = StreamingMoments(*FRAME, half_life=9)
    prefix.extend(X[:t])
    np.testing.assert_array_equal(prefix.location, published[-1][0])


def test_the_compiled_loop_and_its_numpy_twin_agree() -> None:
    rng = np.random.default_rng(1)
    X = np.vstack([draw(200), [[1e200, -1e300, 5.0]], [[np.inf, 0.0, 0.0]]])
    n = len(X)
    times, weights = rng.uniform(0, 9, n), rng.uniform(0.1, 1, n)
    slots = rng.integers(0, 4, n)
    columns = np.ascontiguousarray(np.linalg.cholesky(FRAME[1]).T)

    def state() -> list[Any]:
        return [np.zeros((4, 3)), np.zeros((4, 3, 3)), np.zeros((4, 4)), np.zeros(n)]

    ours, twin = state(), state()
    for function, where in ((absorb, ours), (absorb_twin, twin)):
        function(X, times, weights, slots, FRAME[0], columns, 3.0, 0.3, *where)

    for left, right in zip(ours, twin, strict=True):
        np.testing.assert_allclose(left, right, rtol=1e-10, atol=1e-13)
    assert np.isnan(ours[3][-1])


def test_an_observation_of_any_size_is_pulled_onto_the_radius() -> None:
    for size in (1e2, 1e150, 1e308, math.nextafter(math.inf, 0)):
        moments = StreamingMoments(*FRAME, radius=3.0)
        distance = moments.update(np.array([size, -size, size]))
        assert whitened(moments.location - FRAME[0]) == pytest.approx(3.0, rel=1e-12)
        assert distance > 3


def test_no_source_has_more_than_its_share_and_the_frame_holds_the_rest() -> None:
    moments = StreamingMoments(*FRAME, max_share=0.3)
    moments.extend(np.tile(FRAME[0] + 1, (500, 1)), sources=["loud"] * 500)
    assert moments.shares() == {"loud": 0.3}
    np.testing.assert_allclose(moments.location, FRAME[0] + 0.3)
    for name in "abcd":
        moments.update(FRAME[0], source=name)
    assert moments.shares()["loud"] == pytest.approx(0.3)
    assert moments.shares()["a"] == pytest.approx(0.175)


def test_a_time_stamp_from_the_future_does_not_silence_the_other_sources() -> None:
    moments = StreamingMoments(*FRAME, half_life=1.0, max_share=0.34)
    for name in "abcd":
        moments.update(FRAME[0] + 1, time=0.0, source=name)
    before = moments.location
    moments.update(FRAME[0] - 50, time=1e12, source="liar")
    assert moments.shares()["liar"] == pytest.approx(0.34)
    assert moments.shares()["a"] == pytest.approx(0.165)
    assert whitened(moments.location - before) <= moments.influence_bound("liar").location


@pytest.mark.parametrize("half_life", [None, 1.0])
def test_time_stamps_at_the_ends_of_the_numbers_leave_finite_estimates(
    half_life: float | None,
) -> None:
    moments = StreamingMoments(*FRAME, half_life=half_life, max_share=0.5)
    for time in (-1.7e308, 1.7e308, 0.0, -1.7e308):
        moments.update(FRAME[0] + 1, time=time, source="liar")
        moments.update(FRAME[0] - 1, time=1.0, source="b")
        moments.update(FRAME[0] - 1, time=2.0, source="c")
        assert np.isfinite(moments.location).all()
    assert np.isfinite(moments.covariance).all()
    assert moments.shares()["liar"] <= 0.5


BEHAVIOUR = st.lists(
    st.tuples(
        st.tuples(*[st.floats(-1e6, 1e6)] * 3),
        st.floats(-1e4, 1e4),
        st.floats(1e-3, 1e3),
    ),
    max_size=8,
)


@settings(max_examples=150, deadline=None)
@given(BEHAVIOUR, BEHAVIOUR, st.sampled_from([0.1, 1 / 3, 0.6]), st.integers(1, 5))
def test_no_source_moves_the_estimate_beyond_the_bound_whatever_it_sends(
    one: list[Any], other: list[Any], cap: float, honest: int
) -> None:
    found = []
    for behaviour in (one, other):
        moments = StreamingMoments(*FRAME, half_life=50.0, max_share=cap)
        X = draw(20 * honest)
        moments.extend(
            X, times=np.arange(len(X)), sources=[f"s{i % honest}" for i in range(len(X))]
        )
        for x, time, weight in behaviour:
            moments.update(x, time=time, weight=weight, source="attacker")
        found.append(moments)
    bound = found[0].influence_bound()
    assert bound.share == cap
    assert whitened(found[0].location - found[1].location) <= bound.location * (1 + 1e-9)
    assert spectral(found[0].covariance - found[1].covariance) <= bound.covariance * (1 + 1e-9)


def test_both_bounds_are_attained_so_they_cannot_be_lower() -> None:
    root = np.linalg.cholesky(FRAME[1])
    pole = root @ np.array([1e6, 0, 0])

    def run(sign: int) -> StreamingMoments:
        moments = StreamingMoments(*FRAME, max_share=0.25)
        for name in "abc":
            moments.update(FRAME[0] + pole, source=name)
        moments.update(FRAME[0] + sign * pole, source="attacker")
        return moments

    up, down = run(1), run(-1)
    bound = up.influence_bound()
    assert whitened(up.location - down.location) == pytest.approx(bound.location)
    assert spectral(up.covariance - down.covariance) == pytest.approx(bound.covariance)


def test_clean_gaussian_rows_give_their_covariance_back() -> None:
    rng = np.random.default_rng(8)
    X = FRAME[0] + rng.standard_normal((40_000, 3)) @ np.linalg.cholesky(FRAME[1]).T
    for radius in (1.5, None, math.inf):
        moments = StreamingMoments(*FRAME, radius=radius)
        moments.extend(X)
        assert spectral(moments.covariance - FRAME[1]) < 0.03


def test_a_snapshot_goes_on_as_if_nothing_had_happened() -> None:
    X = draw(80)
    sources = [None, "a", 3] * 27
    whole = StreamingMoments(*FRAME, half_life=5, max_share=0.5)
    half = StreamingMoments(*FRAME, half_life=5, max_share=0.5)
    whole.extend(X, sources=sources[:80])
    half.extend(X[:30], sources=sources[:30])

    half = StreamingMoments.restore(json.loads(json.dumps(half.snapshot())))
    half.extend(X[30:], sources=sources[30:80])

    np.testing.assert_array_equal(half.location, whole.location)
    np.testing.assert_array_equal(half.covariance, whole.covariance)
    assert half.snapshot() == whole.snapshot()


def test_a_damaged_or_newer_snapshot_is_refused() -> None:
    state = StreamingMoments(*FRAME).snapshot()
    with pytest.raises(UpgradeSoftware):
        StreamingMoments.restore(state | {"version": 99})
    with pytest.raises(RecoverState):
        StreamingMoments.restore(state | {"count": 7})
    with pytest.raises(RecoverState):
        StreamingMoments.restore({k: v for k, v in state.items() if k != "sums"})


def test_too_few_observations_give_nan_and_not_a_guess() -> None:
    moments = StreamingMoments(*FRAME)
    assert np.isnan(moments.location).all()
    assert moments.effective_count == 0
    moments.update(FRAME[0])
    np.testing.assert_allclose(moments.location, FRAME[0])
    assert np.isnan(moments.covariance).all()
    assert math.isnan(moments.update([math.nan, 0, 0]))
    assert math.isnan(moments.update(FRAME[0], weight=0.0))
    assert math.isnan(moments.update(FRAME[0], time=math.inf))
    assert (moments.count, moments.ignored) == (1, 3)


def test_impossible_arguments_are_named() -> None:
    with pytest.raises(FixInput, match="positive definite"):
        StreamingMoments([0, 0], [[1, 1], [1, 1]])
    with pytest.raises(FixInput, match="max_share"):
        StreamingMoments(*FRAME, max_share=0)
    with pytest.raises(FixInput, match="half_life"):
        StreamingMoments(*FRAME, half_life=-1)
    moments = StreamingMoments(*FRAME, max_sources=1)
    for x in ([1.0, 2.0], 1.0, [[1.0, 2.0, 3.0]], "abc", [1.0]):
        with pytest.raises(FixInput, match=r"shape \(3,\)"):
            moments.update(x)
    with pytest.raises(FixInput, match="time and weight as numbers"):
        moments.update(FRAME[0], time="noon")  # type: ignore[arg-type]
    assert moments.shares() == {}
    with pytest.raises(FixInput, match="shape"):
        moments.extend(FRAME[0])
    with pytest.raises(FixInput, match="weights"):
        moments.extend([FRAME[0]], weights=[1.0, 2.0])
    with pytest.raises(FixInput, match="1 sources, were 2"):
        moments.extend([FRAME[0]], sources="ab")
    moments.update(FRAME[0])
    with pytest.raises(FixInput, match="at most 1 sources"):
        moments.update(FRAME[0], source="second")
    with pytest.raises(FixInput, match="sent something"):
        moments.influence_bound("nobody")


@settings(max_examples=30, deadline=None)
@given(seed=st.integers(0, 9999), max_share=st.sampled_from([1.0, 0.4]))
def test_they_go_along_with_linear_maps_and_do_not_ask_for_the_order_of_arrival(
    seed: int, max_share: float
) -> None:
    rng = np.random.default_rng(seed)
    A, b = np.eye(3) + 0.2 * rng.standard_normal((3, 3)), rng.standard_normal(3)
    X, times = draw(40, seed), rng.uniform(0, 30, 40)
    sources = rng.integers(0, 3, 40)
    plain = StreamingMoments(*FRAME, half_life=8, max_share=max_share)
    plain.extend(X, times=times, sources=sources)
    mapped = StreamingMoments(
        A @ FRAME[0] + b, A @ FRAME[1] @ A.T, half_life=8, max_share=max_share
    )
    mixed = rng.permutation(40)

    mapped.extend((X @ A.T + b)[mixed], times=times[mixed], sources=sources[mixed])

    np.testing.assert_allclose(mapped.location, A @ plain.location + b, rtol=1e-8, atol=1e-9)
    np.testing.assert_allclose(mapped.covariance, A @ plain.covariance @ A.T, rtol=1e-7, atol=1e-8)
    assert mapped.shares() == pytest.approx(plain.shares())


def test_a_share_of_bad_observations_moves_them_by_no_more_than_their_share() -> None:
    clean, dirty = StreamingMoments(*FRAME), StreamingMoments(*FRAME)
    X = draw(1000)
    bad = X.copy()
    bad[:100] = 1e9
    clean.extend(X)
    dirty.extend(bad)
    assert whitened(clean.location - dirty.location) <= 2 * clean.radius * 0.1
    assert whitened(bad.mean(axis=0) - X.mean(axis=0)) > 1e7
