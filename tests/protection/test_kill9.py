"""Kills at random points of a running gate and ledger, a few dozen (``make kill-9``: 1,000)."""

from __future__ import annotations

from pathlib import Path

import pytest

from protection.contracts.stores.file_log import FileLog
from tools.kill9 import Outcome, kills


def told(outcome: Outcome) -> str:
    return "\n".join(outcome.examples)


def test_forty_kills_lose_nothing_that_was_acknowledged(tmp_path: Path) -> None:
    outcome = kills(40, 20_200_316, tmp_path)

    assert outcome.good, told(outcome)
    assert outcome.kills == 40
    assert outcome.states > 40, "too little happened between the kills"
    assert outcome.persons > 5
    assert outcome.while_saving > 0
    assert outcome.refused_while_killed > 0, "nobody tried to add while it was killed"
    assert 0 < outcome.killed_at_death < 40


def test_a_log_that_forgets_is_found_out(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The same with a log that acknowledges and writes nothing: the check must see it."""
    monkeypatch.setattr(FileLog, "append", lambda self, number, text: None)

    outcome = kills(12, 7, tmp_path)

    assert outcome.other_state > 0
