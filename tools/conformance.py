"""``make conformance``: how much of LEAN's Python API the engine has, from quantconnect-stubs.

usage: python tools/conformance.py [--check]

Writes ``docs/engine_conformance.md``: for each class that algorithms hold in their hands, which
members work, which are refused with a clear sentence, and which are absent. ``--check`` only says
whether the page is up to date.
"""

from __future__ import annotations

import argparse
import ast
import importlib.util
import inspect
import sys
import textwrap
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from engine.shim.exports import exports  # noqa: E402
from engine.types.dotnet import _LEAN_MEMBERS, LeanObject  # noqa: E402
from engine.types.members import Absent  # noqa: E402

PAGE = ROOT / "docs" / "engine_conformance.md"
#: the classes of the report, by what an algorithm does with them
GROUPS = {
    "The algorithm": ("QCAlgorithm", "AlgorithmSettings", "ScheduleManager", "ObjectStore"),
    "Securities and the account": (
        "Security", "Equity", "Crypto", "Forex", "SecurityManager", "SecurityExchange",
        "SecurityExchangeHours", "SecurityCache", "SymbolProperties", "SecurityHolding",
        "SecurityPortfolioManager", "CashBook", "Cash",
    ),
    "Orders": (
        "SecurityTransactionManager", "OrderTicket", "OrderEvent", "OrderRequest",
        "SubmitOrderRequest", "UpdateOrderRequest", "CancelOrderRequest", "OrderResponse",
        "Order", "MarketOrder", "LimitOrder", "StopMarketOrder", "StopLimitOrder",
        "TrailingStopOrder", "LimitIfTouchedOrder", "MarketOnOpenOrder", "MarketOnCloseOrder",
        "ComboMarketOrder", "ComboLimitOrder", "ComboLegLimitOrder", "OptionExerciseOrder",
        "OrderProperties", "TimeInForce",
    ),
    "Data": (
        "Symbol", "SecurityIdentifier", "Slice", "TradeBar", "QuoteBar", "Tick", "Dividend",
        "Split", "Delisting", "SymbolChangedEvent", "PythonData", "SubscriptionManager",
        "SubscriptionDataConfig",
    ),
    "Models": (
        "DefaultBrokerageModel", "SecurityMarginModel", "CashBuyingPowerModel", "FillModel",
        "EquityFillModel", "FeeModel", "SlippageModel", "ImmediateSettlementModel",
        "DefaultMarginCallModel",
    ),
    "Universes and the framework": (
        "UniverseManager", "Universe", "UniverseSettings", "SecurityChanges", "InsightManager",
        "Insight", "InsightCollection", "PortfolioTarget", "PortfolioTargetCollection",
        "AlphaModel", "PortfolioConstructionModel", "RiskManagementModel", "ExecutionModel",
    ),
    "Indicators and consolidators": (
        "IndicatorBase", "RollingWindow", "IndicatorDataPoint", "TradeBarConsolidator",
        "QuoteBarConsolidator",
    ),
    "Research": ("QuantBook",),
}  # fmt: skip
#: .NET's own members, that no algorithm is written for
_LEFT_OUT = frozenset(("equals", "get_hash_code", "get_type", "to_string", "reference_equals"))


@dataclass(slots=True)
class _Stub:
    """Bases and public members of a class of the stubs."""

    bases: list[str] = field(default_factory=list)
    members: set[str] = field(default_factory=set)


@dataclass(frozen=True, slots=True)
class Coverage:
    """One class: members that work, that are refused clearly, and that are absent."""

    name: str
    implemented: tuple[str, ...]
    refused: tuple[str, ...]
    absent: tuple[str, ...]
    there: bool

    @property
    def total(self) -> int:
        return len(self.implemented) + len(self.refused) + len(self.absent)


@cache
def stubs() -> dict[str, _Stub]:
    """Return the classes of quantconnect-stubs by name, without the fundamental data."""
    found: dict[str, _Stub] = {}
    spec = importlib.util.find_spec("QuantConnect")
    if spec is None or spec.origin is None:
        raise SystemExit("expected quantconnect-stubs to be installed; pip install '.[dev]'")
    for file in sorted(Path(spec.origin).parent.rglob("*.pyi")):
        if "Fundamental" in file.parts:
            continue
        for node in ast.parse(file.read_text(encoding="utf-8")).body:
            if isinstance(node, ast.ClassDef):
                entry = found.setdefault(node.name, _Stub())
                entry.bases += [_base(base) for base in node.bases]
                entry.members |= set(_names(node))
    return found


def _base(node: ast.expr) -> str:
    if isinstance(node, ast.Subscript):
        return _base(node.value)
    return node.attr if isinstance(node, ast.Attribute) else getattr(node, "id", "")


def _names(node: ast.ClassDef) -> list[str]:
    names: list[str] = []
    for item in node.body:
        if isinstance(item, ast.FunctionDef):
            names.append(item.name)
        elif isinstance(item, ast.AnnAssign) and isinstance(item.target, ast.Name):
            names.append(item.target.id)
        elif isinstance(item, ast.Assign):
            names += [target.id for target in item.targets if isinstance(target, ast.Name)]
    return [name for name in names if not name.startswith("_") and name not in _LEFT_OUT]


def lean_members(name: str) -> set[str]:
    """Return the public members of a class of LEAN's, those of its bases included."""
    members: set[str] = set()
    seen: set[str] = set()
    todo = [name]
    while todo:
        current = todo.pop()
        if current in seen or current not in stubs():
            continue
        seen.add(current)
        members |= stubs()[current].members
        todo += stubs()[current].bases
    return members


def own_members(cls: type) -> set[str]:
    """Return the public members of an engine class, attributes set by methods included."""
    # a member that only refuses is none
    refused = {n for base in cls.__mro__ for n, m in vars(base).items() if type(m) is Absent}
    found = {name for name in dir(cls) if not name.startswith("_")} - refused
    for base in cls.__mro__:
        if base.__module__.startswith("engine"):
            found |= _set_by_methods(base)
            # what the services of a run put there is declared
            found |= {n for n in vars(base).get("__annotations__", {}) if not n.startswith("_")}
    return found


@cache
def _set_by_methods(cls: type) -> frozenset[str]:
    try:
        tree = ast.parse(textwrap.dedent(inspect.getsource(cls)))
    except (OSError, TypeError):
        return frozenset()
    names = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Attribute) and isinstance(node.ctx, ast.Store):
            names.add(node.attr)
    return frozenset(name for name in names if not name.startswith("_"))


def coverage(name: str) -> Coverage:
    """Compare one class with the stubs."""
    wanted = sorted(lean_members(name))
    cls = _class(name)
    if cls is None:
        # the name itself refuses, so every use of it does
        return Coverage(name, (), tuple(wanted), (), False)
    own = own_members(cls)
    refusable: set[str] = set()
    if issubclass(cls, LeanObject) and not cls._dynamic:
        for base in cls.__mro__:
            known = _LEAN_MEMBERS.get(base.__name__, frozenset())
            refusable |= {name for name in known if not name[:1].isupper()}
    return Coverage(
        name,
        tuple(member for member in wanted if member in own),
        tuple(member for member in wanted if member not in own and member in refusable),
        tuple(member for member in wanted if member not in own and member not in refusable),
        True,
    )


def _class(name: str) -> type | None:
    from engine import notebook

    found = notebook.QuantBook if name == "QuantBook" else exports().get(name)
    own = isinstance(found, type) and found.__module__.startswith("engine.")
    return found if own and not type(found).__name__.startswith("_Refusing") else None


def page() -> str:
    """Return the text of the page."""
    exports()
    groups = {
        title: [coverage(name) for name in names if name in stubs()]
        for title, names in GROUPS.items()
    }
    every = [entry for entries in groups.values() for entry in entries]
    total = sum(entry.total for entry in every)
    done = sum(len(entry.implemented) for entry in every)
    refused = sum(len(entry.refused) for entry in every)
    lines = [
        "# What of LEAN's Python API the engine has",
        "",
        "Generated by `make conformance` from quantconnect-stubs; do not edit. *Implemented*: the "
        "member is there. *Refused*:",
        "using it stops the run with `engine does not implement X.y; use lean backtest`. *Absent*: "
        "using it gives Python's own",
        "`AttributeError`. Names are compared here, calls in `tests/engine/shim`, behaviour in "
        "`make golden` and `make parity`.",
        "",
        f"**{done} of {total} members of {len(every)} classes are implemented "
        f"({done / total:.0%}), "
        f"{refused} are refused, {total - done - refused} are absent.**",
    ]
    for title, entries in groups.items():
        lines += ["", f"## {title}", "", "| class | members | implemented | refused | absent |"]
        lines += ["|---|---:|---:|---:|---:|"]
        for entry in entries:
            lines.append(
                f"| {entry.name} | {entry.total} | {len(entry.implemented)} | "
                f"{len(entry.refused)} | {len(entry.absent)} |"
            )
        for entry in entries:
            if not entry.refused and not entry.absent:
                continue
            lines += ["", f"### {entry.name}"]
            if not entry.there:
                lines += ["", "The class itself is refused."]
                continue
            for word, names in (("Refused", entry.refused), ("Absent", entry.absent)):
                if names:
                    text = f"{word}: " + ", ".join(f"`{name}`" for name in names) + "."
                    lines += ["", *textwrap.wrap(text, 120, break_long_words=False)]
    return "\n".join(lines) + "\n"


def main() -> int:
    """Write the page, or check it."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--check", action="store_true", help="say whether the page is up to date")
    options = parser.parse_args()
    text = page()
    if options.check:
        same = PAGE.is_file() and PAGE.read_text(encoding="utf-8") == text
        print("up to date" if same else f"{PAGE.name} is not up to date: make conformance")
        return 0 if same else 1
    PAGE.write_text(text, encoding="utf-8")
    print(next(line for line in text.splitlines() if line.startswith("**")).strip("*"))
    return 0


if __name__ == "__main__":
    sys.exit(main())
