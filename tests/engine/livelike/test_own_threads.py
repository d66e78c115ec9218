"""Threads of the user's own live in real time beside the threads that take turns."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from engine.livelike import LiveResult

BODY = """
def begin(self):
    import threading, time
    self.lock = threading.KIND()
    self.held, self.waited, self.told = threading.Event(), [], []
    self.thread = threading.Thread(target=self.hold, daemon=True)
def hold(self):
    import time
    with self.lock:
        self.held.set()
        time.sleep(0.15)
        self.told.append("let go")
def on_data(self, data):
    import time
    self.bars += 1
    if self.bars == 3:
        self.thread.start()
        self.held.wait()
        began = time.monotonic()
        with self.lock: self.told.append("got")
        self.waited.append(time.monotonic() - began)
"""


@pytest.mark.parametrize("kind", ["Lock", "RLock"])
def test_what_such_a_thread_holds_is_waited_for_and_model_time_stands_still(
    live: Callable[..., LiveResult], kind: str
) -> None:
    algorithm = live(BODY.replace("KIND", kind)).algorithm

    assert algorithm.told == ["let go", "got"]
    assert algorithm.waited == [0.0]
    assert algorithm.bars == 390
