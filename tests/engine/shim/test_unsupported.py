"""What the engine lacks is refused with a sentence that names it, never an AttributeError."""

from __future__ import annotations

import copy
from pathlib import Path
from types import new_class
from typing import Optional, get_args

import pytest

from engine.run import run_backtest
from engine.shim import lean_names
from engine.shim.exports import exports
from engine.types.errors import EngineUnsupported

ALGORITHM = """from AlgorithmImports import *


class Asks(QCAlgorithm):
    def initialize(self):
        self.set_start_date(2013, 10, 7)
        self.set_end_date(2013, 10, 7)
        spy = self.add_equity("SPY", Resolution.DAILY)
        indicator = self.sma("SPY", 2, Resolution.DAILY)
        {line}
"""
ASKED = {
    "self.add_option('SPY')": "QCAlgorithm.add_option",
    "self.AddFutureContract(None)": "QCAlgorithm.add_future_contract",
    "self.option_chain('SPY')": "QCAlgorithm.option_chain",
    "spy.fundamentals.market_cap": "Security.fundamentals",
}


@pytest.mark.parametrize("line", ASKED)
def test_a_member_that_the_engine_lacks(line: str, lean_data: Path, tmp_path: Path) -> None:
    path = tmp_path / "main.py"
    path.write_text(ALGORITHM.format(line=line))
    with pytest.raises(EngineUnsupported) as caught:
        run_backtest(path, lean_data, object_store=tmp_path / "store")
    assert str(caught.value) == f"engine does not implement {ASKED[line]}; use lean backtest"


LACKING = sorted(name for name in lean_names() if type(exports()[name]).__name__ == "Refusing")


def test_exported_names_that_the_engine_lacks_refuse_every_use() -> None:
    assert len(LACKING) > 100
    for name in LACKING:
        held = exports()[name]
        sentence = f"engine does not implement {name}; use lean backtest"
        for use in (
            lambda held=held: held(),
            lambda held=held: held.anything,
            lambda held=held: held[int],
            lambda held=held, name=name: new_class(name, (held,)),
        ):
            with pytest.raises(EngineUnsupported) as caught:
                use()
            assert str(caught.value) == sentence


def test_a_name_that_the_engine_lacks_may_stand_in_type_hints_and_class_questions() -> None:
    held = exports()[LACKING[0]]
    assert get_args(held | None) == get_args(None | held)[::-1] == (held, type(None))
    assert get_args(Optional[held]) == (held, type(None))  # noqa: UP045
    assert not isinstance(held, held)
    assert not isinstance(1, (str, held))
    assert not issubclass(int, held)
    assert held.__name__ == copy.copy(held).__name__ == LACKING[0]
    assert LACKING[0] in repr(held)
