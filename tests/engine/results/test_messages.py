"""The order of messages: three queues, emptied when the equity is sampled."""

from __future__ import annotations

from engine.results.messages import MessageLog


def test_queues_are_emptied_debug_first_then_error_then_log() -> None:
    messages = MessageLog()
    messages.add_log("log 1")
    messages.add_error("error 1")
    messages.add_debug("debug 1")
    assert messages.lines == []
    messages.flush()
    messages.add_log("log 2")
    messages.add_debug("debug 2")
    messages.flush()
    assert messages.lines == ["debug 1", "error 1", "log 1", "debug 2", "log 2"]
    assert (messages.debug, messages.error) == (["debug 1", "debug 2"], ["error 1"])


def test_a_line_of_the_engine_passes_no_queue() -> None:
    messages = MessageLog()
    messages.add_log("of the algorithm")
    messages.add_now("Algorithm Stopped", "log")
    messages.flush()
    assert messages.lines == ["Algorithm Stopped", "of the algorithm"]
    assert messages.debug == []
