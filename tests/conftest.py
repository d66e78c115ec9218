"""What all tests share: where LEAN's sample data lies."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent


@pytest.fixture(scope="session")
def lean_data() -> Path:
    """Return the folder of LEAN's sample data: ``$LEAN_DATA``, else ``../shared/lean-data``."""
    folder = Path(os.environ.get("LEAN_DATA", ROOT.parent / "shared" / "lean-data"))
    if not folder.is_dir():
        pytest.skip(f"LEAN's sample data is not at {folder}; set LEAN_DATA")
    return folder
