"""The page on robust estimation: its code runs, and its table of odd input is true."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from protection.contracts import FixInput
from protection.estimation import (
    StreamingMoments,
    catoni_mean,
    geometric_median,
    median_of_means,
    mrcd,
    trimmed_mean,
    winsorised_mean,
)

PAGE = (Path(__file__).parents[3] / "docs" / "concepts" / "estimation.md").read_text("utf-8")


def test_the_code_of_the_page_runs_and_survives_the_false_rows() -> None:
    code = re.search(r"```python\n(.*?)```", PAGE, re.DOTALL)
    assert code is not None
    names: dict[str, Any] = {}
    exec(code.group(1), names)
    assert np.abs(names["frame"].location).max() < 0.3
    assert np.abs(names["stream"].location).max() < 1
    assert max(names["stream"].shares().values()) <= 0.25
    assert len(names["sample"].sample().X) <= 1000


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
def test_what_is_no_number_is_refused_or_ignored(bad: float) -> None:
    x = np.array([1.0, bad, 2.0, 3.0, 5.0])
    for estimate in (catoni_mean, median_of_means, trimmed_mean, winsorised_mean):
        with pytest.raises(FixInput, match="finite"):
            estimate(x)
    for of_a_table in (geometric_median, mrcd):
        with pytest.raises(FixInput, match="finite"):
            of_a_table(x[:, None])
    moments = StreamingMoments([0.0], [[1.0]])
    assert np.isnan(moments.update([bad]))
    assert moments.ignored == 1


def test_equal_rows_and_constant_columns_have_the_answers_of_the_table() -> None:
    rng = np.random.default_rng(0)
    X = np.column_stack([rng.standard_normal(30), np.full(30, 4.0)])
    assert geometric_median(X)[1] == 4.0
    with pytest.raises(FixInput, match=r"columns \[1\] are constant; drop them"):
        mrcd(X)
    moments = StreamingMoments([0.0, 4.0], np.eye(2))
    moments.extend(np.full((9, 2), 4.0))
    assert moments.location[1] == 4.0
    np.testing.assert_allclose(moments.covariance, 0, atol=1e-12)
    assert catoni_mean([2.0, 2.0, 2.0, 7.0]) == 2.0


def test_more_columns_than_rows_are_estimated() -> None:
    X = np.random.default_rng(1).standard_normal((12, 40))
    found = mrcd(X)
    assert np.linalg.cond(found.covariance / np.outer(found.scale, found.scale)) < 60
    assert geometric_median(X).shape == (40,)
