"""What an algorithm may exchange, and what stays: the gate is outermost, whatever is set later.

The setters of the algorithm are wrapped: a brokerage, risk or execution model that is set after
``protect()`` goes inside ours instead of replacing it. What goes round the setters, or overwrites
a method, is found and put back: live before every order and at every beat, and once before trading
begins. That guards against accidents and careless code. Python has no walls: code that means harm
belongs into another process, or on another account.
"""

from __future__ import annotations

from AlgorithmImports import *

import types
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from algorithm.execution import ProtectedExecutionModel
from algorithm.gate import ProtectedBrokerageModel
from algorithm.guard import BreakerRiskModel
from algorithm.margin import GuardedBuyingPower

if TYPE_CHECKING:
    from algorithm.protect import Protection

_METHODS = {
    ProtectedBrokerageModel: ("can_submit_order", "can_update_order", "protection"),
    GuardedBuyingPower: ("has_sufficient_buying_power_for_order", "protection"),
    BreakerRiskModel: ("manage_risk",),
    ProtectedExecutionModel: ("execute", "on_order_event"),
}


class Seals:
    """Keeps gate, guard, execution model and updates in place."""

    def __init__(self, protection: Protection) -> None:
        self.protection = protection
        self._originals = [
            (kind, name, vars(kind)[name]) for kind, names in _METHODS.items() for name in names
        ]
        for name, ours in (
            ("set_brokerage_model", self._brokerage),
            ("set_execution", self._execution),
            ("set_risk_management", self._risk),
        ):
            self._wrap(name, ours)

    def _wrap(self, name: str, ours: Callable[..., None]) -> None:
        algorithm = self.protection.algorithm
        original = getattr(algorithm, name)

        def sealed(_: Any, *args: Any, **kwargs: Any) -> None:
            ours(original, *args, **kwargs)

        setattr(algorithm, name, types.MethodType(sealed, algorithm))

    def _brokerage(self, original: Callable[..., None], *args: Any, **kwargs: Any) -> None:
        protection = self.protection
        original(*args, **kwargs)
        model = protection.algorithm.brokerage_model
        if not same(model, protection.gate):
            protection.gate.inner = model
            original(protection.gate)
            protection.counts["resealed"] += 1

    def _execution(self, original: Callable[..., None], *args: Any, **kwargs: Any) -> None:
        protection = self.protection
        original(*args, **kwargs)
        model = protection.algorithm.execution
        if not same(model, protection.execution):
            protection.execution.inner = model
            original(protection.execution)
            protection.counts["resealed"] += 1

    def _risk(self, original: Callable[..., None], *args: Any, **kwargs: Any) -> None:
        protection = self.protection
        original(*args, **kwargs)
        if not any(same(model, protection.guard) for model in args):
            protection.algorithm.add_risk_management(protection.guard)
            protection.counts["resealed"] += 1

    # -- what goes round the setters -------------------------------------------------------------

    def whole(self) -> bool:
        """Whether the gate is the model that orders are shown to, and its methods are its own."""
        algorithm, gate = self.protection.algorithm, self.protection.gate
        own = getattr(gate, "__dict__", {})
        return (
            same(algorithm.brokerage_model, gate)
            and "can_submit_order" not in own
            and "can_update_order" not in own
            and all(vars(kind).get(name) is made for kind, name, made in self._originals)
        )

    def mend(self) -> bool:
        """Put back what was replaced, and say so; whether everything was in place."""
        protection, found = self.protection, []
        algorithm = protection.algorithm
        for kind, name, made in self._originals:
            if vars(kind).get(name) is not made:
                setattr(kind, name, made)
                found.append(name)
        for thing in (protection.gate, protection.guard, protection.execution):
            own = getattr(thing, "__dict__", {})
            for name in _METHODS[type(thing)]:
                if name in own:
                    delattr(thing, name)
                    found.append(name)
        if not same(algorithm.brokerage_model, protection.gate):
            algorithm.set_brokerage_model(protection.gate)
            found.append("the order gate")
        if not same(algorithm.execution, protection.execution):
            algorithm.set_execution(protection.execution)
            found.append("the execution model")
        self._mend_updates(found)
        if found:
            protection.counts["mended"] += len(found)
            protection.say(
                f"{', '.join(found)} had been replaced, and is put back; call protect(self) on "
                "the last line of initialize, and leave its parts alone"
            )
        return not found

    def _mend_updates(self, found: list[str]) -> None:
        guards = self.protection.guards
        if guards is None:
            return
        for pair in list(self.protection.algorithm.securities):
            security = pair.value
            if guards.guarded(security):
                continue
            if guards.wrap(security):
                found.append(f"the guard of updates of {security.symbol.value}")


def same(model: Any, ours: Any) -> bool:
    """Whether a model is ours, also when LEAN shows it inside a wrapper of its own."""
    if model is ours:
        return True
    holder = getattr(model, "get_model", None)
    return bool(model == ours) if holder is None else bool(holder() == ours)
