"""Settings: defaults, refusals, and the estimators made from them."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

import protection.estimation
from protection.contracts import FixSettings
from protection.estimation import EstimationSettings, mrcd

ROOT = Path(__file__).resolve().parents[3]


def test_unknown_keys_and_impossible_values_are_refused() -> None:
    with pytest.raises(FixSettings, match=r"estimation\.radius"):
        EstimationSettings.from_dict({"radis": 3.0})
    for values in ({"blocks": 0}, {"rho": 1.0}, {"max_share": 0.0}, {"target": "zero"}):
        with pytest.raises(FixSettings, match="expected estimation"):
            EstimationSettings.from_dict(values)
    assert EstimationSettings.from_dict({}) == EstimationSettings()


def test_the_estimators_are_made_as_configured() -> None:
    X = np.random.default_rng(0).standard_normal((60, 3))
    specified = EstimationSettings.specified()
    found = specified.mrcd(X)
    assert found.rho == 0.3
    expected = mrcd(X, rho=0.3, target="equicorrelation")
    np.testing.assert_array_equal(found.covariance, expected.covariance)
    stream = specified.stream(found.location, found.covariance)
    assert (stream.radius, stream.influence_bound().share) == (3.0, 1 / 3)
    assert EstimationSettings().stream([0.0], [[1.0]]).radius == pytest.approx(2.2414, abs=1e-4)
    assert specified.plan(100).delta == pytest.approx(0.287, abs=5e-4)
    reservoir = EstimationSettings(cap=5, floor=2).reservoir(seed=1)
    for i in range(9):
        reservoir.offer([float(i)], source="a")
    assert len(reservoir) == 5


def test_every_public_name_is_there_and_loaded_only_when_asked_for() -> None:
    for name in protection.estimation.__all__:
        assert getattr(protection.estimation, name).__module__.startswith("protection.estimation.")
    code = (
        "import sys, protection.estimation; "
        "print([m for m in ('numba', 'scipy', 'pandas', 'sklearn') if m in sys.modules])"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == "[]"


def test_without_numba_the_twins_give_the_same_answers() -> None:
    code = """
import sys
if sys.argv[1] == "without":
    sys.modules["numba"] = None
import numpy as np
from protection.estimation import StreamingMoments, catoni_mean, mrcd
X = np.random.default_rng(0).standard_t(3, (60, 3))
m = StreamingMoments(np.zeros(3), np.eye(3), half_life=9)
m.extend(X)
found = mrcd(X)
print(*map(float, [catoni_mean(X[:, 0]), *m.location, *m.covariance.ravel(),
                   *found.location, *found.covariance.ravel()]))
"""
    answers = []
    for mode in ("with", "without"):
        done = subprocess.run(
            [sys.executable, "-c", code, mode], cwd=ROOT, capture_output=True, text=True, check=True
        )
        answers.append([float(part) for part in done.stdout.split()])
    np.testing.assert_allclose(answers[0], answers[1], rtol=1e-10)
