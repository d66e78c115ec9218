"""A file appears whole or not at all."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from engine.results import files


def test_json_is_written_into_a_new_folder(tmp_path: Path) -> None:
    path = tmp_path / "runs" / "one" / "result.json"
    files.write_json(path, {"currency": "€", "value": 1.5})
    assert json.loads(path.read_text(encoding="utf-8")) == {"currency": "€", "value": 1.5}
    assert [p.name for p in path.parent.iterdir()] == ["result.json"]


def test_a_failure_leaves_the_old_file_and_no_rest(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "result.json"
    files.write_text(path, "old")

    def fail(*_: object) -> None:
        raise OSError("disk full")

    monkeypatch.setattr(os, "replace", fail)
    with pytest.raises(OSError, match="disk full"):
        files.write_text(path, "new")
    assert path.read_text() == "old"
    assert [p.name for p in tmp_path.iterdir()] == ["result.json"]


def test_a_number_that_json_does_not_know_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="not JSON compliant"):
        files.write_json(tmp_path / "r.json", {"x": float("nan")})
    assert list(tmp_path.iterdir()) == []


def test_files_written_side_by_side_are_all_there_at_the_end(tmp_path: Path) -> None:
    texts = {f"{number}.txt": f"{number}" * 100_000 for number in range(4)}
    with files.Writing() as out:
        for name, text in texts.items():
            out.text(tmp_path / "run" / name, text)
    held = {path.name: path.read_text() for path in (tmp_path / "run").iterdir()}
    assert held == texts


def test_a_file_that_cannot_be_written_is_said_after_the_others_are(tmp_path: Path) -> None:
    (tmp_path / "taken").write_text("no folder")

    def write() -> None:
        with files.Writing() as out:
            out.text(tmp_path / "taken" / "a.txt", "a")
            out.text(tmp_path / "b.txt", "b")

    with pytest.raises(OSError, match="taken"):
        write()
    assert (tmp_path / "b.txt").read_text() == "b"
