"""Names of .NET and refusals as members of classes, without ``__getattr__``."""

from __future__ import annotations

from typing import Any

import pytest

from engine.algorithm.qcalgorithm import QCAlgorithm
from engine.securities.portfolio import SecurityPortfolioManager
from engine.securities.security import Equity, Security
from engine.shim.exports import exports
from engine.types.bars import QuoteBar, TradeBar
from engine.types.dotnet import LeanObject
from engine.types.errors import EngineUnsupported
from engine.types.slice import Slice

exports()


@pytest.mark.parametrize(
    "kind", [QCAlgorithm, Security, Equity, SecurityPortfolioManager, Slice, TradeBar, QuoteBar]
)
def test_hot_classes_find_attributes_without_getattr(kind: Any) -> None:
    assert not any("__getattr__" in vars(base) for base in kind.__mro__)
    assert not kind._dynamic


def test_names_of_net_read_and_write_the_same_attributes() -> None:
    bar = TradeBar()
    bar.Close = 12.5
    assert (bar.close, bar.Close, bar.Value) == (12.5, 12.5, 12.5)
    assert bar.EndTime == bar.end_time
    assert str(bar) == bar.ToString()


def test_attributes_that_methods_set_have_names_of_net() -> None:
    class _Lean(LeanObject):
        def __init__(self) -> None:
            self.unit_price = 3

    _Lean.__module__ = "engine.somewhere"
    made: Any = type("Made", (_Lean,), {"__module__": "engine.somewhere", "size": 2})()
    assert made.Size == 2
    from engine.types.members import add_net_names

    add_net_names(_Lean, LeanObject)
    assert made.UnitPrice == 3


def test_an_override_is_reached_by_both_names() -> None:
    class Mine(QCAlgorithm):
        def on_data(self, data: Any) -> str:
            return "mine"

        def OnEndOfAlgorithm(self) -> str:
            return "end"

    mine = object.__new__(Mine)
    assert mine.OnData(None) == "mine"
    assert mine.on_end_of_algorithm() == "end"


def test_an_attribute_of_the_user_hides_a_method_of_that_name() -> None:
    mine = object.__new__(QCAlgorithm)
    mine.EMA = 5
    assert mine.EMA == 5
    assert callable(mine.ema)


def test_members_that_only_lean_has_refuse_by_both_names() -> None:
    algorithm = object.__new__(QCAlgorithm)
    for name in ("option_chain", "OptionChain"):
        with pytest.raises(EngineUnsupported, match=r"QCAlgorithm\.option_chain"):
            getattr(algorithm, name)
        with pytest.raises(EngineUnsupported, match=r"QCAlgorithm\.option_chain"):
            getattr(QCAlgorithm, name)
    with pytest.raises(AttributeError, match="no attribute 'no_such_thing'"):
        algorithm.no_such_thing  # noqa: B018


def test_a_mixin_of_the_user_may_bring_what_the_engine_lacks() -> None:
    class Mixin:
        def option_chain(self) -> str:
            return "mine"

    class Mine(QCAlgorithm, Mixin):
        pass

    assert object.__new__(Mine).option_chain() == "mine"
