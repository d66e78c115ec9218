"""The command line: bad data, bad files, options, Ctrl-C, kill -9, exit codes."""

from __future__ import annotations

import json
import re
import signal
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from engine.cli import main

sys.path.insert(0, str(Path(__file__).parent))

import run_kit as kit

Change = Callable[[Path], None]


@pytest.fixture
def run(tmp_path: Path, lean_data: Path, capfd: pytest.CaptureFixture[str]) -> Any:
    """Run the small algorithm; give exit code, what was said on stderr, and the result."""
    kit.make_folder(tmp_path / "data", lean_data)
    kit.write_algorithm(tmp_path / "algo")

    def go(*more: str) -> tuple[int, str, dict[str, Any] | None]:
        code = main(
            [
                *("run", str(tmp_path / "algo" / "main.py"), "--data", str(tmp_path / "data")),
                *("--output", str(tmp_path / "out"), "--quiet"),
                *("--object-store", str(tmp_path / "store"), *more),
            ]
        )
        file = tmp_path / "out" / "result.json"
        result = json.loads(file.read_text()) if file.exists() else None
        return code, capfd.readouterr().err, result

    return go


def _cells(row: str, **changed: str) -> str:
    names = ["time", "open", "high", "low", "close", "volume"]
    cells = dict(zip(names, row.split(","), strict=True)) | changed
    return ",".join(cells[name] for name in names)


ROWS = kit.rows()
BAD_ROWS = {
    "a column too few": ([*ROWS[:10], ROWS[10].rpartition(",")[0], *ROWS[11:]], 11),
    "not a number": ([*ROWS[:10], _cells(ROWS[10], close="nan"), *ROWS[11:]], 11),
    "unsorted": ([*ROWS[:10], ROWS[11], ROWS[10], *ROWS[12:]], 12),
    "twice": ([*ROWS[:10], ROWS[10], ROWS[10], *ROWS[11:]], 12),
    "negative": ([*ROWS[:10], _cells(ROWS[10], low="-5"), *ROWS[11:]], 11),
    "nothing": ([*ROWS[:10], _cells(ROWS[10], low="0"), *ROWS[11:]], 11),
    "high below low": ([*ROWS[:10], _cells(ROWS[10], high="1"), *ROWS[11:]], 11),
    "no date": ([*ROWS[:10], _cells(ROWS[10], time="20131316 00:00"), *ROWS[11:]], 11),
}


@pytest.mark.parametrize("case", BAD_ROWS)
def test_a_bad_row_is_named_with_its_file_and_the_run_does_not_complete(
    run: Any, tmp_path: Path, case: str
) -> None:
    lines, row = BAD_ROWS[case]
    path = kit.write_zip(tmp_path / "data", lines)
    code, said, result = run()
    assert code == 1
    assert str(path) in said
    assert f"row {row}" in said
    assert said.count("error: ") == 1
    assert "Traceback" not in said
    assert result is not None
    assert result["status"] == "RuntimeError"


def test_a_price_that_leaves_the_statistics_empty_is_said(run: Any, tmp_path: Path) -> None:
    spike = dict.fromkeys(("open", "high", "low", "close"), "99999999999999")
    kit.write_zip(tmp_path / "data", [*ROWS[:7], _cells(ROWS[7], **spike), *ROWS[8:]])
    code, said, result = run()
    assert code == 0
    assert "warning: the statistics are empty" in said
    assert result is not None
    assert list(result["statistics"]) == ["OrderListHash"]


def _cut(folder: Path) -> None:
    path = folder / "data" / "equity" / "usa" / "daily" / "aaa.zip"
    path.write_bytes(path.read_bytes()[:400])


def _flip(folder: Path) -> None:
    path = folder / "data" / "equity" / "usa" / "daily" / "aaa.zip"
    held = bytearray(path.read_bytes())
    held[200] ^= 0xFF
    path.write_bytes(bytes(held))


@pytest.mark.parametrize("spoil", [_cut, _flip])
def test_a_broken_zip_is_named(run: Any, tmp_path: Path, spoil: Change) -> None:
    spoil(tmp_path)
    code, said, _ = run()
    assert code == 1
    assert "aaa.zip" in said
    assert "copy the file again" in said
    assert "Traceback" not in said


@pytest.mark.parametrize("database", ["market-hours", "symbol-properties"])
def test_without_a_database_the_run_does_not_begin(run: Any, tmp_path: Path, database: str) -> None:
    (tmp_path / "data" / database).unlink()
    code, said, result = run()
    assert code == 2
    assert f"{database}-database" in said
    assert result is None


def test_a_symbol_without_data_is_told(run: Any, tmp_path: Path) -> None:
    (tmp_path / "data" / "equity" / "usa" / "daily" / "aaa.zip").unlink()
    code, said, result = run()
    assert "warning: expected data of AAA in" in said
    assert "aaa.zip" in said
    assert code == 0
    assert result is not None
    assert result["order_events"] == []


@pytest.mark.parametrize("file", ["map_files", "factor_files"])
def test_a_bad_row_of_a_map_or_factor_file_is_named(run: Any, tmp_path: Path, file: str) -> None:
    path = tmp_path / "data" / "equity" / "usa" / file / "aaa.csv"
    path.write_text(path.read_text().replace("20501231,", "2050-12-31,"))
    code, said, _ = run()
    assert code in (1, 2)
    assert f"{path}, row 2" in said
    assert "Traceback" not in said


FILES = {
    "no algorithm": ("x = 1\n", "derived from QCAlgorithm"),
    "no Python": ("def x(:\n", "SyntaxError"),
    "no such module": ("import does_not_exist_at_all\n", "does_not_exist_at_all"),
}


@pytest.mark.parametrize("case", FILES)
def test_a_file_that_is_no_algorithm_is_told_so(run: Any, tmp_path: Path, case: str) -> None:
    text, expected = FILES[case]
    kit.write_algorithm(tmp_path / "algo", text)
    code, said, result = run()
    assert code == 2
    assert expected in said
    assert "Traceback" not in said
    assert result is None


def test_no_file_is_told_so(run: Any, tmp_path: Path) -> None:
    (tmp_path / "algo" / "main.py").unlink()
    code, said, _ = run()
    assert code == 2
    assert "does not exist" in said


def test_a_runtime_error_shows_the_users_own_line(run: Any, tmp_path: Path) -> None:
    text = kit.ALGORITHM.replace("self.days += 1", "self.days += 1 + 0 // (self.days - 3)")
    kit.write_algorithm(tmp_path / "algo", text)
    line = text.split("\n").index("        self.days += 1 + 0 // (self.days - 3)") + 1
    code, said, result = run()
    assert code == 1
    assert f"at on_data in main.py: line {line}" in said
    assert "ZeroDivisionError" in said
    assert "Traceback" not in said
    assert result is not None
    assert result["status"] == "RuntimeError"


def test_an_error_in_initialize_shows_the_users_own_line(run: Any, tmp_path: Path) -> None:
    text = kit.ALGORITHM.replace("self.days = 0", 'self.days = int("x")')
    kit.write_algorithm(tmp_path / "algo", text)
    line = text.split("\n").index('        self.days = int("x")') + 1
    code, said, _ = run()
    assert code == 1
    assert f"at initialize in main.py: line {line}" in said


def test_options_reach_the_algorithm(run: Any) -> None:
    code, _, plain = run()
    assert code == 0
    code, _, other = run(
        *("--parameter", "step=2", "--start", "2013-01-15", "--end", "2013-02-15"),
        *("--cash", "50000"),
    )
    assert code == 0
    assert plain["status"] == other["status"] == "Completed"
    assert plain["statistics"]["Start Equity"] == "100000"
    assert other["statistics"]["Start Equity"] == "50000"
    assert len(other["order_events"]) != len(plain["order_events"])
    moments = [event["time"] for event in other["order_events"]]
    assert min(moments) > 1358208000  # 2013-01-15
    assert max(moments) < 1361059200  # 2013-02-17


@pytest.mark.parametrize("pair", ["step", "=3"])
def test_a_parameter_that_is_no_pair_is_told_so(run: Any, pair: str) -> None:
    code, said, result = run("--parameter", pair)
    assert code == 2
    assert "expected a parameter as name=value" in said
    assert result is None


SLOW = kit.ALGORITHM.replace(
    "self.days += 1", "self.days += 1\n        import time; time.sleep(0.05)"
)


def _wait_for_start(process: Any, folder: Path) -> None:
    """Wait until the algorithm has seen data: it leaves a file then."""
    until = time.monotonic() + 60
    while not (folder / "begun").exists():
        assert process.poll() is None, process.communicate()
        assert time.monotonic() < until
        time.sleep(0.02)


def _slow(folder: Path, lean_data: Path, text: str = SLOW) -> Any:
    kit.make_folder(folder / "data", lean_data)
    mark = f"self.days += 1\n        open({str(folder / 'begun')!r}, 'w').close()"
    kit.write_algorithm(folder / "algo", text.replace("self.days += 1", mark, 1))
    return kit.start(
        *(folder / "algo" / "main.py", "--data", folder / "data", "--output", folder / "out"),
        "--quiet",
        cwd=folder,
    )


def test_ctrl_c_leaves_a_readable_partial_result(tmp_path: Path, lean_data: Path) -> None:
    process = _slow(tmp_path, lean_data)
    _wait_for_start(process, tmp_path)
    time.sleep(0.5)
    process.send_signal(signal.SIGINT)
    _, said = process.communicate(timeout=60)
    assert process.returncode == 130, said
    assert "Traceback" not in said
    result = json.loads((tmp_path / "out" / "result.json").read_text())
    assert result["status"] == "Stopped"
    assert 0 < len(result["equity"]) < 60


def test_an_algorithm_that_catches_everything_can_still_be_interrupted(
    tmp_path: Path, lean_data: Path
) -> None:
    body = "self.days += 1\n        try:\n            import time; time.sleep(0.05)\n"
    body += "        except BaseException:\n            pass"
    process = _slow(tmp_path, lean_data, kit.ALGORITHM.replace("self.days += 1", body))
    _wait_for_start(process, tmp_path)
    process.send_signal(signal.SIGINT)
    _, said = process.communicate(timeout=60)
    assert process.returncode == 130, said


def test_kill_while_results_are_written_never_leaves_half_a_file(
    tmp_path: Path, lean_data: Path
) -> None:
    """The result of an earlier run stays whole until the new one is."""
    kit.make_folder(tmp_path / "data", lean_data)
    writer = tmp_path / "writer.py"
    writer.write_text(
        "import sys\nfrom pathlib import Path\nfrom engine.results.files import write_json\n"
        "number = 0\n"
        "while True:\n"
        "    number += 1\n"
        "    content = {'number': number, 'rows': list(range(200_000)), 'end': number}\n"
        "    write_json(Path(sys.argv[1]) / 'result.json', content)\n"
    )
    target = tmp_path / "out" / "result.json"
    for attempt in range(6):
        process = kit.subprocess.Popen(
            [sys.executable, str(writer), str(tmp_path / "out")],
            env={**kit.os.environ, "PYTHONPATH": str(kit.ROOT)},
        )
        until = time.monotonic() + 30
        while not target.exists() and time.monotonic() < until:
            time.sleep(0.01)
        time.sleep(0.03 + 0.017 * attempt)
        process.kill()
        process.wait()
        held = json.loads(target.read_text())
        assert held["number"] == held["end"]
        assert len(held["rows"]) == 200_000


def test_a_pipe_gets_the_figures_whole(
    lean_data: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """As wide as it takes: the hash of the orders is for comparing."""
    path = tmp_path / "main.py"
    path.write_text(
        "from AlgorithmImports import *\n"
        "class Buys(QCAlgorithm):\n"
        "    def initialize(self):\n"
        "        self.set_start_date(2013, 10, 7); self.set_end_date(2013, 10, 8)\n"
        "        self.spy = self.add_equity('SPY', Resolution.DAILY).symbol\n"
        "    def on_data(self, data): self.market_order(self.spy, 1)\n"
    )
    output = tmp_path / "out"
    store = tmp_path / "store"
    given = ["run", path, "--data", lean_data, "--output", output, "--object-store", store]
    assert main([str(part) for part in given]) == 0
    lines = capsys.readouterr().out.splitlines()
    held = json.loads((output / "result.json").read_text())["statistics"]
    shown = " ".join(lines[1:-2])
    assert lines[0] == "Buys: Completed"
    assert len(held) > 20
    for name, value in held.items():
        assert re.search(rf"(^| ){re.escape(name)} +{re.escape(value)}( |$)", shown), name
    assert re.fullmatch(r"[\d,]+ data points in .* s \(.*/s\)", lines[-2])
