"""Compilation of loops where machine code can be kept, and where it cannot."""

from __future__ import annotations

import sys

import pytest

from protection.contracts.compiled import jit
from protection.estimation.compiled import compiled


def twice(value: float) -> float:
    return 2.0 * value


def test_a_compiled_loop_gives_the_answer_of_the_plain_one() -> None:
    loop = jit(twice)
    assert loop is not twice
    assert loop(1.5) == twice(1.5)


def test_where_no_folder_can_be_written_the_loop_is_compiled_all_the_same() -> None:
    space: dict[str, object] = {}
    exec("def thrice(value):\n    return 3.0 * value\n", space)  # has no file to keep code beside
    loop = jit(space["thrice"])  # type: ignore[type-var]
    assert loop(1.5) == 4.5  # type: ignore[operator]


def test_without_numba_the_twin_or_the_plain_loop_answers(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "numba", None)
    with pytest.raises(ImportError):
        jit(twice)

    def twin(value: float) -> float:
        return value + value

    assert compiled()(twice) is twice
    assert compiled(twin)(twice) is twin
