"""Every public name and signature of the shim against quantconnect-stubs 18211."""

from __future__ import annotations

import importlib.metadata
import inspect
import sys
from enum import IntEnum
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from engine.shim.exports import SYSTEM_NAMES, exports

sys.path.insert(0, str(Path(__file__).parent))

from stub_kit import Call, own_call, public_members, stub_classes, stub_members

#: the stubs show the bases of these as a name without a class; LEAN's source has them
BASES = {
    "IndicatorBase": "WindowBase",
    "RenkoConsolidator": "ConsolidatorBase",
    "ClassicRenkoConsolidator": "ConsolidatorBase",
}
#: what every object of .NET has; the stubs leave it out
OF_OBJECT = {"tostring", "equals", "gethashcode", "gettype"}
#: a function in a static field: LEAN ran it under this name in the recorded run 05
RECORDED = {("TimeInForce", "goodtildate")}
#: the stubs add the interface of Python's dict, where LEAN's method of the name is another one
OF_DICT = {("UniverseManager", "update")}
#: made by the engine alone and handed to the algorithm: their constructors are the engine's own
MADE_BY_ENGINE = {
    "AlgorithmPerformance",
    "Crypto",
    "CustomUniverse",
    "DrawdownMetrics",
    "Equity",
    "EquityExchange",
    "Forex",
    "ForexExchange",
    "GroupOrderManager",
    "IndicatorHistory",
    "LocalMarketHours",
    "MarketHoursDatabase",
    "ObjectStore",
    "PortfolioStatistics",
    "PositionGroup",
    "RenkoBar",
    "Security",
    "SecurityBenchmark",
    "SecurityChanges",
    "SecurityHoldingQuantityChangedEventArgs",
    "SecurityService",
    "SubscriptionDataConfig",
    "SubscriptionManager",
    "SymbolProperties",
    "SymbolPropertiesDatabase",
    "Universe",
}


def _plain(name: str) -> str:
    return name.replace("_", "").lower()


def _own_classes() -> dict[str, type]:
    return {
        name: value
        for name, value in sorted(exports().items())
        if isinstance(value, type)
        and value.__module__.startswith("engine")
        and name not in ("QCAlgorithmFramework", "QCAlgorithmFrameworkBridge", *SYSTEM_NAMES)
    }


CLASSES = _own_classes()


@cache
def _lean_members(name: str) -> dict[str, list[Call]]:
    members = stub_members(name)
    for derived, base in BASES.items():
        if any(b.__name__ == derived for b in CLASSES[name].__mro__):
            members = {**stub_members(base), **members}
    return members


def test_the_stubs_are_those_of_the_pinned_version() -> None:
    assert importlib.metadata.version("quantconnect-stubs") == "18211"
    assert len(CLASSES) > 400
    assert len(stub_classes()) > 4000


def test_every_exported_class_is_one_of_leans() -> None:
    assert set(CLASSES) - set(stub_classes()) == set()


@pytest.mark.parametrize("name", CLASSES)
def test_no_public_name_that_lean_lacks(name: str) -> None:
    lean = {_plain(member) for member in _lean_members(name)} | OF_OBJECT
    more = sorted(
        member
        for member in public_members(CLASSES[name])
        if _plain(member) not in lean
        and not any((b.__name__, _plain(member)) in RECORDED for b in CLASSES[name].__mro__)
    )
    assert more == []


@pytest.mark.parametrize("name", CLASSES)
def test_signatures_take_what_leans_take(name: str) -> None:
    lean = _lean_members(name)
    wrong = []
    for member, value in public_members(CLASSES[name]).items():
        calls = lean.get(member)
        own = own_call(value)
        if own is not None and calls:
            wrong += _differences(name, member, own, calls)
    init = vars(CLASSES[name]).get("__init__")
    calls = stub_classes()[name].members.get("__init__")
    if name not in MADE_BY_ENGINE and inspect.isfunction(init) and calls:
        own = own_call(init)
        assert own is not None
        wrong += _differences(name, "__init__", own, calls)
    assert wrong == []


def _differences(name: str, member: str, own: Call, calls: list[Call]) -> list[str]:
    known = {parameter for call in calls for parameter in call.names}
    found = []
    strange = [p for p in own.names if p not in known]
    if strange and not any(call.variadic for call in calls):
        found.append(f"{member}: LEAN has no parameters {strange}, but {sorted(known)}")
    least = min(call.required for call in calls)
    if own.required > least and (name, member) not in OF_DICT:
        found.append(f"{member}: asks for {own.required} arguments, LEAN for {least}")
    return found


def _enums() -> dict[str, Any]:
    return {name: cls for name, cls in CLASSES.items() if issubclass(cls, IntEnum)}


@pytest.mark.parametrize("name", _enums())
def test_enumerations_have_all_of_leans_members(name: str) -> None:
    lean = {m for m in stub_members(name) if m.isupper() and not m.startswith("_")}
    missing = {m for m in lean if m not in _enums()[name].__members__}
    assert missing == set()
