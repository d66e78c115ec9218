"""The end of the process: quick, with nothing lost of what was printed or asked for."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))

import run_kit as kit

AT_EXIT = """
    def on_end_of_algorithm(self):
        import atexit, threading, time
        from pathlib import Path

        def late():
            time.sleep(0.3)
            Path("thread.txt").write_text("done")

        atexit.register(lambda: Path("exit.txt").write_text("called"))
        if self.get_parameter("thread"):
            threading.Thread(target=late).start()
"""


@pytest.mark.parametrize("thread", [False, True])
def test_handlers_run_threads_end_and_all_is_printed_before_the_process_is_gone(
    tmp_path: Path, lean_data: Path, thread: bool
) -> None:
    data = kit.make_folder(tmp_path / "data", lean_data)
    path = kit.write_algorithm(tmp_path / "algo", kit.ALGORITHM + AT_EXIT)
    more = ("-p", "thread=yes") if thread else ()

    process = kit.start(
        path, "--data", data, "--output", tmp_path / "out", "--quiet", *more, cwd=tmp_path
    )
    out, said = process.communicate(timeout=120)

    assert process.returncode == 0, said
    assert out.endswith("result.json\n")
    assert (tmp_path / "exit.txt").read_text() == "called"
    assert (tmp_path / "thread.txt").exists() is thread
