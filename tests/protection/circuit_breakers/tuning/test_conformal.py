"""Conformal thresholds: the rank, the bound for any data, restarts."""

from __future__ import annotations

import json
import math
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from protection.circuit_breakers.tuning.conformal import (
    AdaptiveConformal,
    conformal_quantile,
    coverage_bound,
)

GOLDEN = Path(__file__).parents[3] / "golden" / "misc_aci.json"


def test_the_bound_is_that_of_the_paper() -> None:
    for row in json.loads(GOLDEN.read_text(encoding="utf-8"))["aci_bounds"]:
        assert coverage_bound(row["alpha"], row["gamma"], row["T"]) == pytest.approx(row["bound"])


def test_the_threshold_is_the_conformal_order_statistic() -> None:
    scores = [float(i) for i in range(1, 100)]
    assert conformal_quantile(scores, 0.01) == 99.0
    assert conformal_quantile(scores[:-1], 0.01) == math.inf
    assert conformal_quantile(scores, 0.5) == 50.0
    assert conformal_quantile(scores, 0.0) == math.inf
    assert conformal_quantile(scores, 1.0) == -math.inf


@settings(max_examples=25, deadline=None)
@given(
    st.integers(0, 1000),
    st.sampled_from([0.01, 0.05, 0.2]),
    st.sampled_from(["drift", "burst", "adversary"]),
)
def test_realised_rate_stays_within_the_bound_for_hostile_series(
    seed: int, alpha: float, kind: str
) -> None:
    rng = np.random.default_rng(seed)
    calibration = AdaptiveConformal(alpha, gamma=0.05, window=300)
    crossed = []
    for step in range(1200):
        threshold = calibration.threshold()
        score = float(rng.standard_normal())
        if kind == "drift":
            score += step / 50
        elif kind == "burst" and step % 97 < 20:
            score += 8.0
        elif kind == "adversary" and math.isfinite(threshold):
            score = threshold + (1e-3 if rng.random() < 0.7 else -1e-3)
        counted = calibration.calibrated
        hit = calibration.update(score, threshold)
        if counted:
            crossed.append(hit)
    bound = coverage_bound(alpha, 0.05, len(crossed))
    assert abs(float(np.mean(crossed)) - alpha) <= bound + 1e-9


@settings(max_examples=40, deadline=None)
@given(st.lists(st.floats(-5, 5), min_size=30, max_size=120), st.integers(0, 119))
def test_a_restart_in_the_middle_changes_nothing(values: list[float], cut: int) -> None:
    whole, part = AdaptiveConformal(0.1, window=50), AdaptiveConformal(0.1, window=50)
    for index, value in enumerate(values):
        if index == cut:
            part = AdaptiveConformal.restored(json.loads(json.dumps(part.state())))
        whole.update(value, whole.threshold())
        part.update(value, part.threshold())
    assert part.state() == whole.state()
    assert part.threshold() == whole.threshold()


def test_a_score_that_is_no_number_is_refused() -> None:
    with pytest.raises(ValueError, match="finite score"):
        AdaptiveConformal(0.1).update(math.nan, 0.0)
