"""Makes ``framework_kit`` importable and gives the exchange hours."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from engine.data.hours import MarketHoursDatabase

sys.path.insert(0, str(Path(__file__).parent))


@pytest.fixture(scope="session")
def hours(lean_data: Path) -> MarketHoursDatabase:
    """Return LEAN's market hours database."""
    return MarketHoursDatabase._from_data_folder(lean_data)
