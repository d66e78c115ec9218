"""The `protect` command: exit codes, one-line errors, quick help, and the sample download."""

from __future__ import annotations

import http.server
import io
import json
import subprocess
import sys
import threading
import zipfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from operations.data.sample import fetch_sample
from operations.errors import FolderError, SourceError

ROOT = Path(__file__).resolve().parents[2]


def protect(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "operations", *arguments], cwd=ROOT, capture_output=True, text=True
    )


def archive(files: dict[str, str]) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as target:
        for name, text in files.items():
            target.writestr(name, text)
    return buffer.getvalue()


@pytest.fixture
def server() -> Iterator[tuple[str, dict[str, bytes]]]:
    """A local web server and the files it serves."""
    files: dict[str, bytes] = {}

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            content = files.get(self.path)
            self.send_response(404 if content is None else 200)
            self.end_headers()
            self.wfile.write(content or b"")

        def log_message(self, *_: object) -> None:
            """Stay silent."""

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler) as running:
        thread = threading.Thread(target=running.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{running.server_port}", files
        running.shutdown()
        thread.join()


def test_help_imports_no_third_party_but_the_command_line() -> None:
    code = (
        "import sys, operations.cli as cli\n"
        "try:\n    cli.app(['--help'])\nexcept SystemExit:\n    pass\n"
        "print({'numpy', 'pandas', 'numba', 'lean', 'exchange_calendars'} & set(sys.modules))"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True)
    assert done.stdout.splitlines()[-1] == "set()", done.stderr


def test_check_exits_3_when_something_is_wrong_and_says_what_as_json(tmp_path: Path) -> None:
    done = protect("data", "check", str(tmp_path), "--json")
    report = json.loads(done.stdout)
    assert done.returncode == 3
    assert report["kinds"] == {"missing": 3}
    assert report["errors"] == len(report["findings"]) == 3


def test_check_passes_prepared_data_and_fails_it_when_strict(prepared: Path) -> None:
    assert protect("data", "check", str(prepared)).returncode == 0
    assert protect("data", "check", str(prepared), "--strict").returncode == 3


def test_an_operators_error_is_one_line_without_a_traceback(tmp_path: Path) -> None:
    done = protect("data", "check", str(tmp_path / "absent"))
    assert done.returncode == 1
    assert done.stderr.startswith("protect: expected a LEAN data folder at")
    assert len(done.stderr.strip().splitlines()) == 1


def test_an_unknown_option_exits_2() -> None:
    assert protect("data", "check", "--no-such-option").returncode == 2


def test_the_sample_is_the_data_folder_of_the_archive(server, tmp_path: Path) -> None:
    url, files = server
    files["/lean.zip"] = archive(
        {
            "Lean-master/Data/equity/usa/map_files/spy.csv": "19980102,spy\n",
            "Lean-master/Data/readme.md": "hello",
            "Lean-master/Engine/Engine.cs": "not data",
        }
    )
    assert fetch_sample(tmp_path / "sample", f"{url}/lean.zip") == 2
    found = {p.relative_to(tmp_path).as_posix() for p in tmp_path.rglob("*") if p.is_file()}
    assert found == {"sample/equity/usa/map_files/spy.csv", "sample/readme.md"}


def test_no_network_is_one_clear_sentence(tmp_path: Path) -> None:
    done = protect("data", "sample", str(tmp_path / "x"), "--url", "http://127.0.0.1:9/lean.zip")
    assert done.returncode == 1
    assert "this needs a network" in done.stderr
    assert len(done.stderr.strip().splitlines()) == 1
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (None, "was refused: Not Found"),
        (b"<html>", "expected a zip archive"),
        (archive({"Lean-master/Engine/Engine.cs": "x"}), "expected a folder Data/"),
        (archive({"Lean-master/Data/../../evil": "x"}), "expected file names inside the archive"),
    ],
)
def test_an_unusable_archive_leaves_nothing_behind(
    server, tmp_path: Path, content: bytes | None, message: str
) -> None:
    url, files = server
    if content is not None:
        files["/lean.zip"] = content
    with pytest.raises(SourceError, match=message):
        fetch_sample(tmp_path / "sample", f"{url}/lean.zip")
    assert list(tmp_path.iterdir()) == []


def test_the_sample_does_not_overwrite_a_folder_with_files(tmp_path: Path) -> None:
    (tmp_path / "mine.txt").write_text("mine")
    with pytest.raises(FolderError, match="expected no or an empty folder"):
        fetch_sample(tmp_path)
