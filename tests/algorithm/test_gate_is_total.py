"""The gate never raises; it answers with a bool and None or a message, whatever is given."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.run import run_backtest

ALGORITHM = """from AlgorithmImports import *

from algorithm.protect import protect


class Asked(QCAlgorithm):
    def initialize(self):
        self.set_start_date(2013, 10, 7)
        self.set_end_date(2013, 10, 9)
        self.add_equity("SPY", Resolution.DAILY)
        self.message = BrokerageMessageEvent
        self.protection = protect(self)
"""
ODD = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.floats(allow_nan=True, allow_infinity=True),
    st.text(max_size=5),
    st.just(object()),
)


class Raising:
    """Every look at it fails."""

    def __getattr__(self, name: str) -> Any:
        raise RuntimeError(name)


class Bag:
    """An object with any attributes."""

    def __init__(self, **values: Any) -> None:
        self.__dict__.update(values)


@pytest.fixture(scope="module")
def asked(tmp_path_factory: pytest.TempPathFactory, lean_data: Path) -> Any:
    folder = tmp_path_factory.mktemp("gate")
    (folder / "main.py").write_text(ALGORITHM)
    result = run_backtest(folder / "main.py", lean_data, object_store=folder / "store")
    assert result.status == "Completed", result.error
    return result.algorithm


THINGS = st.one_of(
    ODD,
    st.builds(Raising),
    st.builds(Bag, quantity=ODD, id=ODD, symbol=ODD, type=ODD, tag=ODD, holdings=ODD, price=ODD),
)


@settings(max_examples=150, deadline=None)
@given(security=THINGS, order=THINGS, request=THINGS, real=st.booleans())
def test_every_answer_is_a_bool_and_nothing_or_a_message(
    asked: Any, security: Any, order: Any, request: Any, real: bool
) -> None:
    gate = asked.protection.gate
    if real:
        security = asked.securities["SPY"]
    for answer in (
        gate.can_submit_order(security, order, None),
        gate.can_update_order(security, order, request, None),
    ):
        assert type(answer) is tuple
        allowed, message = answer
        assert type(allowed) is bool
        assert message is None or isinstance(message, asked.message)
        if not allowed:
            assert message is not None
