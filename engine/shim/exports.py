"""Collects what ``AlgorithmImports`` exports: the engine's classes under LEAN's names, refusals for
the rest.
"""

from __future__ import annotations

import builtins
import importlib
import json
import math
import os
import sys
import typing
from datetime import date, datetime, time, timedelta
from functools import cache
from typing import Any

import engine
from engine.shim import LazyModule, Refusing, lean_members, lean_names
from engine.types.dotnet import register_lean_members

#: packages whose public classes carry LEAN's names
PACKAGES = (
    "types",
    "scheduling",
    "data",
    "orders",
    "securities",
    "indicators",
    "consolidators",
    "universes",
    "framework",
    "statistics",
    "results",
    "algorithm",
)
#: classes of the engine that share a name with one of LEAN's and are something else
NOT_LEANS = frozenset(
    {
        "CapacityEstimate",
        "FactorFile",
        "Factors",
        "HistoryRequest",
        "MapFile",
        "Parameter",
        "StatisticsBuilder",
        "TimeKeeper",
    }
)
#: names that LEAN's ``System`` namespace brings and that algorithms use
SYSTEM_NAMES = (
    "Action",
    "ArgumentException",
    "Color",
    "DateTime",
    "DayOfWeek",
    "Decimal",
    "Func",
    "InvalidOperationException",
    "Math",
    "Object",
    "Random",
    "String",
    "TimeSpan",
)


@cache
def exports() -> dict[str, Any]:
    """Return the namespace of ``from AlgorithmImports import *``."""
    register_lean_members(lean_members())
    wanted = lean_names()
    sought = (wanted - NOT_LEANS).union(SYSTEM_NAMES)
    found: dict[str, Any] = {}
    for module in _modules():
        for name, value in vars(module).items():
            if name in sought and name not in found:
                found[name] = value
    for name in wanted - found.keys():
        found[name] = Refusing(name)
    found.update({name: getattr(typing, name) for name in typing.__all__})
    numpy = importlib.import_module("numpy")
    found.update(
        np=numpy,
        pd=LazyModule("pandas"),
        plt=LazyModule("matplotlib.pyplot"),
        date=date,
        time=time,
        datetime=datetime,
        timedelta=timedelta,
        math=math,
        json=json,
        os=os,
        sys=sys,
        Exception=builtins.Exception,
    )
    found["QCAlgorithmFramework"] = found["QCAlgorithmFrameworkBridge"] = found["QCAlgorithm"]
    return found


def _modules() -> list[Any]:
    modules = []
    for package in PACKAGES:
        modules += _modules_of(importlib.import_module(f"{engine.__name__}.{package}"))
    return modules


def _modules_of(package: Any) -> list[Any]:
    """Return a package and all modules in it, by name; each package before what is in it."""
    modules = [package]
    folder = package.__path__[0]
    for entry in sorted(os.listdir(folder)):
        name, _, ending = entry.rpartition(".")
        if ending == "py" and name != "__init__":
            modules.append(importlib.import_module(f"{package.__name__}.{name}"))
        elif not name and os.path.isfile(os.path.join(folder, entry, "__init__.py")):
            modules += _modules_of(importlib.import_module(f"{package.__name__}.{entry}"))
    return modules
