"""Lets ``import clr``, ``from System import *`` and ``from QuantConnect.Orders import *`` work.

Older algorithms name .NET's namespaces; each of them gives here what ``AlgorithmImports`` gives.
The finder is installed only while an algorithm runs.
"""

from __future__ import annotations

import sys
import typing
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from importlib.abc import Loader, MetaPathFinder
from importlib.machinery import ModuleSpec
from types import ModuleType
from typing import Any

ROOTS = ("clr", "System", "QuantConnect", "Newtonsoft")
#: packages of LEAN's Python models
MODEL_PACKAGES = ("Alphas", "Execution", "Orders", "Portfolio", "Risk", "Selection")
_FOLDERS = frozenset(("Orders.Fees", "Orders.Fills", "Orders.Slippage"))
_COLLECTIONS = "System.Collections.Generic"
_DATA_FEEDS = "QuantConnect.Lean.Engine.DataFeeds"
_SYSTEM = ("", "Collections", "Collections.Generic", "Drawing", "Globalization", "IO", "Linq")
_QUANTCONNECT = (
    "",
    "Algorithm",
    "Algorithm.Framework",
    "Algorithm.Framework.Alphas",
    "Algorithm.Framework.Execution",
    "Algorithm.Framework.Portfolio",
    "Algorithm.Framework.Portfolio.SignalExports",
    "Algorithm.Framework.Risk",
    "Algorithm.Framework.Selection",
    "Algorithm.Selection",
    "Api",
    "Benchmarks",
    "Brokerages",
    "Commands",
    "Configuration",
    "Data",
    "Data.Auxiliary",
    "Data.Consolidators",
    "Data.Custom",
    "Data.Custom.IconicTypes",
    "Data.Fundamental",
    "Data.Market",
    "Data.Shortable",
    "Data.UniverseSelection",
    "DataSource",
    "Indicators",
    "Indicators.CandlestickPatterns",
    "Interfaces",
    "Lean",
    "Lean.Engine",
    "Lean.Engine.DataFeeds",
    "Logging",
    "Notifications",
    "Orders",
    "Orders.Fees",
    "Orders.Fills",
    "Orders.OptionExercise",
    "Orders.Slippage",
    "Orders.TimeInForces",
    "Parameters",
    "Python",
    "Research",
    "Scheduling",
    "Securities",
    "Securities.Crypto",
    "Securities.CryptoFuture",
    "Securities.Equity",
    "Securities.Forex",
    "Securities.Future",
    "Securities.IndexOption",
    "Securities.Interfaces",
    "Securities.Option",
    "Securities.Positions",
    "Securities.Volatility",
    "Statistics",
    "Storage",
    "Util",
)
NAMESPACES = frozenset(
    ["clr", "Newtonsoft", "Newtonsoft.Json"]
    + [f"System.{name}".rstrip(".") for name in _SYSTEM]
    + [f"QuantConnect.{name}".rstrip(".") for name in _QUANTCONNECT]
)


class _NamespaceLoader(Loader):
    def create_module(self, spec: ModuleSpec) -> ModuleType:
        return ModuleType(spec.name, "Names of LEAN's, for algorithms that ask for a namespace.")

    def exec_module(self, module: ModuleType) -> None:
        module.__path__ = []
        if module.__name__ == "clr":
            for name in ("AddReference", "add_reference"):
                setattr(module, name, _add_reference)
            vars(module)["__all__"] = ["AddReference"]
            return
        names = _names_of(module.__name__)
        vars(module).update(names)
        vars(module)["__all__"] = list(names)


def _names_of(namespace: str) -> dict[str, Any]:
    from engine.shim import lean_names
    from engine.shim.exports import SYSTEM_NAMES, exports
    from engine.types import generic

    if namespace == _COLLECTIONS:
        return dict(generic.NAMES)
    if namespace.startswith("Newtonsoft"):
        from engine.shim.newtonsoft import JsonConvert

        return {"JsonConvert": JsonConvert} if namespace.endswith(".Json") else {}
    if namespace == _DATA_FEEDS:
        from engine.data.providers import DefaultDataProvider

        return {"DefaultDataProvider": DefaultDataProvider}
    # Python's own names (typing's List and the like) come with AlgorithmImports only
    wanted = SYSTEM_NAMES if namespace.startswith("System") else lean_names() - {*typing.__all__}
    found = exports()
    names = {name: found[name] for name in wanted if name in found}
    if namespace == "QuantConnect.Research":
        from engine.notebook import QuantBook

        names["QuantBook"] = QuantBook
    return names


def _add_reference(assembly: str) -> None:
    """Nothing to load: the engine's classes are there."""


class _ModelLoader(Loader):
    def create_module(self, spec: ModuleSpec) -> ModuleType:
        return ModuleType(spec.name, "One of LEAN's models under the name of its Python file.")

    def exec_module(self, module: ModuleType) -> None:
        from engine.shim.exports import exports

        model = _model_of(module.__name__)
        module.__path__ = []
        vars(module)["__all__"] = [model] if model else []
        if model:
            setattr(module, model, exports()[model])


def _model_of(module: str) -> str:
    """Return the model that a module is named after; none for a folder of them."""
    return "" if module in _FOLDERS else module.rpartition(".")[2] if "." in module else ""


class _ModelFinder(MetaPathFinder):
    """Finds ``Portfolio.RiskParityPortfolioOptimizer`` and the like, after files on the path."""

    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: Any = None
    ) -> ModuleSpec | None:
        if fullname.partition(".")[0] not in MODEL_PACKAGES:
            return None
        model = _model_of(fullname)
        from engine.shim.exports import exports

        if model and model not in exports():
            return None
        return ModuleSpec(fullname, _ModelLoader(), is_package=not model)


class _NamespaceFinder(MetaPathFinder):
    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: Any = None
    ) -> ModuleSpec | None:
        if fullname in NAMESPACES:
            return ModuleSpec(fullname, _NamespaceLoader(), is_package=True)
        return None


@contextmanager
def namespaces() -> Iterator[None]:
    """Install the finder for the time of a run and forget what it made."""
    finder, models = _NamespaceFinder(), _ModelFinder()
    hidden = {n: sys.modules.pop(n) for n in list(sys.modules) if n.partition(".")[0] in ROOTS}
    sys.meta_path.insert(0, finder)
    sys.meta_path.append(models)
    try:
        yield
    finally:
        sys.meta_path.remove(finder)
        sys.meta_path.remove(models)
        for name, module in list(sys.modules.items()):
            loader = getattr(getattr(module, "__spec__", None), "loader", None)
            if isinstance(loader, _NamespaceLoader | _ModelLoader):
                del sys.modules[name]
        sys.modules.update(hidden)
