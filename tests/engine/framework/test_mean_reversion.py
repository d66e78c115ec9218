"""The projection onto the simplex, against its definition."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.framework.construction.mean_reversion import MeanReversionPortfolioConstructionModel
from engine.types.enums import PortfolioBias
from engine.types.errors import ArgumentException

project = MeanReversionPortfolioConstructionModel.simplex_projection
VECTORS = st.lists(st.floats(-3, 3, allow_nan=False), min_size=1, max_size=6)


@given(VECTORS, st.lists(st.floats(0.01, 1), min_size=6, max_size=6))
def test_no_other_portfolio_is_nearer(vector: list[float], other: list[float]) -> None:
    point = np.array(vector)

    found = project(point)

    assert found.min() >= 0
    assert found.sum() == pytest.approx(1)
    rival = np.array(other[: len(point)])
    rival /= rival.sum()
    assert np.linalg.norm(found - point) <= np.linalg.norm(rival - point) + 1e-9


def test_weights_that_are_a_portfolio_stay() -> None:
    assert project([0.2, 0.5, 0.3]) == pytest.approx([0.2, 0.5, 0.3])


def test_a_total_of_nothing_is_refused() -> None:
    with pytest.raises(ArgumentException, match="expected total > 0, was 0"):
        project([0.5, 0.5], 0)


def test_a_short_bias_is_refused() -> None:
    with pytest.raises(ArgumentException, match="Long position must be allowed"):
        MeanReversionPortfolioConstructionModel(portfolio_bias=PortfolioBias.SHORT)
