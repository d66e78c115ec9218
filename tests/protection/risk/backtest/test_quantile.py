"""Quantile regression against R's exact linear programme."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from protection.risk.backtest.quantile import pinball, quantile_coefficients

# R quantreg::rq, method "br", on 300 heteroscedastic rows
GOLDEN = json.loads(
    (Path(__file__).parents[3] / "golden" / "quantreg.json").read_text(encoding="utf-8")
)
X = np.array([[1.0, row["x1"], row["x2"]] for row in GOLDEN["data"]])
Y = np.array([row["y"] for row in GOLDEN["data"]])


@pytest.mark.parametrize("number", range(len(GOLDEN["tau"])))
def test_coefficients_and_loss_are_those_of_quantreg(number: int) -> None:
    tau = GOLDEN["tau"][number]
    coefficients = quantile_coefficients(X, Y, tau)
    assert coefficients == pytest.approx(GOLDEN["coef"][number], abs=1e-8)
    loss = pinball(Y - X @ coefficients, tau).sum()
    assert loss == pytest.approx(GOLDEN["pinball_sum"][number], abs=1e-8)


def test_the_covar_regression_is_that_of_quantreg() -> None:
    data = np.array(GOLDEN["covar"]["data"])
    found = [
        quantile_coefficients(
            np.column_stack((np.ones(len(data)), data[:, i])), data[:, 1 - i], 0.05
        )
        for i in (0, 1)
    ]
    wanted = GOLDEN["covar"]["coef"]
    assert min(np.abs(found[i] - wanted).max() for i in (0, 1)) < 1e-8


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 10_000), st.sampled_from([0.01, 0.1, 0.5, 0.9, 0.99]), st.floats(0.1, 10))
def test_no_nearby_coefficients_lose_less_and_scale_goes_through(
    seed: int, tau: float, scale: float
) -> None:
    rng = np.random.default_rng(seed)
    x = np.column_stack((np.ones(250), rng.standard_normal((250, 2))))
    y = x @ rng.standard_normal(3) + rng.standard_t(3, 250)
    best = quantile_coefficients(x, y, tau)
    loss = pinball(y - x @ best, tau).sum()
    for _ in range(20):
        other = best + rng.standard_normal(3) * rng.choice([1e-4, 1e-2, 1.0])
        assert pinball(y - x @ other, tau).sum() >= loss - 1e-9
    assert quantile_coefficients(x, scale * y, tau) == pytest.approx(
        scale * best, rel=1e-6, abs=1e-8
    )


def test_ties_and_constant_targets_have_an_answer() -> None:
    x = np.ones((50, 1))
    assert quantile_coefficients(x, np.full(50, 3.0), 0.9) == pytest.approx([3.0])
    assert quantile_coefficients(x, np.repeat([1.0, 2.0], 25), 0.9) == pytest.approx([2.0])


@pytest.mark.parametrize(
    ("x", "y", "tau", "words"),
    [
        (np.ones((5, 1)), np.ones(5), 1.0, "tau in"),
        (np.ones((5, 2)), np.ones(5), 0.5, "independent columns"),
        (np.ones((5, 1)), np.full(5, np.nan), 0.5, "finite"),
        (np.ones((5, 1)), np.ones(4), 0.5, "one row of features"),
    ],
)
def test_impossible_input_is_refused_in_words(
    x: np.ndarray, y: np.ndarray, tau: float, words: str
) -> None:
    with pytest.raises(ValueError, match=words):
        quantile_coefficients(x, y, tau)
