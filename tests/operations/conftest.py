"""Real data shared by the tests of the data commands."""

from __future__ import annotations

from pathlib import Path

import pytest

from operations.data import prepare, series, wheels


@pytest.fixture(scope="session")
def texts() -> dict[wheels.WheelFile, str]:
    """The four source files out of their packages."""
    return wheels.read(series.FILES)


@pytest.fixture(scope="session")
def found(texts: dict[wheels.WheelFile, str]) -> list[series.Series]:
    """All series of the prepared folder."""
    return series.read_series(texts)


@pytest.fixture(scope="session")
def prepared(tmp_path_factory: pytest.TempPathFactory, texts: dict[wheels.WheelFile, str]) -> Path:
    """A prepared data folder. Tests must not change it."""
    folder = tmp_path_factory.mktemp("prepared") / "data"
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(wheels, "read", lambda files: texts)  # downloaded once is enough
        prepare.prepare(folder)
    return folder
