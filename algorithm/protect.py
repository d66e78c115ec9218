"""``protect(algorithm)``: puts the whole protection under any algorithm, on the last line of
``initialize``.
"""

from __future__ import annotations

from AlgorithmImports import *

import json
import types
from collections import Counter
from typing import Any

from algorithm.bridge import Bridge, make_ledger, make_store
from algorithm.execution import ProtectedExecutionModel
from algorithm.gate import ProtectedBrokerageModel
from algorithm.guard import BreakerRiskModel
from algorithm.margin import guard_updates
from algorithm.thinning import Thinning
from protection.contracts import records
from protection.contracts.actions import Action, Verdict
from protection.contracts.clock import HostClock
from protection.contracts.settings import ProtectionSettings
from protection.system import ProtectionSystem

#: a change of the size multiplier below this is not worth its trades
SIZE_BAND = 0.05
SUMMARY_KEY = "protection/summary"


def protect(
    algorithm: QCAlgorithm,
    settings: ProtectionSettings | None = None,
    *,
    state: str = "auto",
    audit: str = "off",
) -> Protection:
    """Guard an algorithm; call it on the last line of ``initialize``.

    The models that the algorithm set stay in charge of what they did before: the brokerage model,
    the risk models and the execution model are wrapped, nothing is replaced.

    Parameters
    ----------
    algorithm : QCAlgorithm
    settings : ProtectionSettings, optional
        Thresholds; the defaults when missing.
    state : str
        ``keep``: breakers, peaks and a kill survive a restart (files beside the Object Store);
        ``memory``: each run begins anew; ``auto``: keep in live trading, memory in a backtest.
    audit : str
        Where every input and decision is recorded: ``off``, ``on`` (a folder beside the Object
        Store's files), or a folder or ``.sqlite`` file; see :mod:`protection.blockchain`.

    Returns
    -------
    Protection
        ``.system`` is the :class:`~protection.system.ProtectionSystem`.
    """
    return Protection(algorithm, settings or ProtectionSettings(), state, audit)


class Protection:
    """One protected algorithm."""

    def __init__(
        self,
        algorithm: QCAlgorithm,
        settings: ProtectionSettings,
        state: str,
        audit: str = "off",
    ) -> None:
        self.algorithm = algorithm
        self.bridge = Bridge(algorithm)
        self.clock = HostClock()
        self.clock.feed(self.bridge.now())
        store, self.state = make_store(algorithm, state)
        self.ledger, self.audit = make_ledger(algorithm, audit)
        self.system = ProtectionSystem(settings, clock=self.clock, store=store, ledger=self.ledger)
        self.counts: Counter[str] = Counter()
        self.seen: set[int] = set()
        self.engine_orders: dict[int, str] = {}
        self.verdict: Verdict = self.system.verdict
        self.daily: list[list[Any]] = []
        self._full: dict[str, float] = {}
        self._applied: dict[str, float] = {}
        self._given: dict[str, float] = {}
        self._excused: dict[int, tuple[int | str, ...]] = {}
        self._refused: set[str] = set()
        self._said: set[str] = set()
        self._wire()

    # -- wiring --------------------------------------------------------------------------------

    def _wire(self) -> None:
        algorithm = self.algorithm
        # marks the initializer as the user's own: setting a brokerage model then leaves every
        # security's models alone
        algorithm.set_security_initializer(algorithm.security_initializer)
        self.gate = ProtectedBrokerageModel(algorithm.brokerage_model, self)
        algorithm.set_brokerage_model(self.gate)
        if algorithm.live_mode:
            guard_updates(self)
        self.guard = BreakerRiskModel(self)
        algorithm.add_risk_management(self.guard)
        self.execution = ProtectedExecutionModel(algorithm.execution, self)
        algorithm.set_execution(self.execution)
        self.thinning = Thinning(self)
        self._wrap("on_warmup_finished", self._on_warmup_finished)
        self._wrap("on_end_of_algorithm", self._on_end_of_algorithm)

    def _wrap(self, name: str, ours: Any) -> None:
        """Call ours after the user's; only a bound method is taken for Python by LEAN."""
        theirs = getattr(self.algorithm, name)

        def both(_: Any) -> None:
            theirs()
            ours()

        setattr(self.algorithm, name, types.MethodType(both, self.algorithm))

    def installed(self) -> bool:
        """Whether gate, guard and execution model are still ours."""
        model = self.algorithm.brokerage_model
        holder = getattr(model, "get_model", None)
        gate = model is self.gate or (holder is not None and holder() == self.gate)
        return bool(gate) and _same(self.algorithm.execution, self.execution)

    def _on_warmup_finished(self) -> None:
        algorithm = self.algorithm
        if not self.installed():
            algorithm.error(
                "Protection: a model was replaced after protect(); it is put back. "
                "Call protect(self) on the last "
                "line of initialize."
            )
            self.gate.inner = algorithm.brokerage_model
            algorithm.set_brokerage_model(self.gate)
            if not _same(algorithm.execution, self.execution):
                self.execution.inner = algorithm.execution
                algorithm.set_execution(self.execution)
            if not self.installed():
                algorithm.quit("Protection: the order gate cannot be put back; stopping")
        for line in self.system.describe():
            algorithm.log(f"Protection: {line}")
        algorithm.log(f"Protection: state {self.state}")
        algorithm.log(f"Protection: audit {self.audit}")

    # -- the order gate ------------------------------------------------------------------------

    def authorize(self, security: Security, order: Order) -> tuple[bool, str]:
        """Judge a new order; the answer is always a bool and a sentence."""
        self.clock.feed(self.bridge.now())
        self.seen.add(int(order.id))
        self.counts["gate_calls"] += 1
        verdict = self.system.authorize(self.bridge.request(security, order), self.bridge.portfolio)
        if verdict.allowed:
            if verdict.cancel:
                self._excused[int(order.id)] = verdict.cancel
            return True, ""
        self.counts["refused"] += 1
        self._refused.add(self.bridge.key(order.symbol))
        self.thinning.refused(security, order)
        return False, verdict.reason

    def authorize_update(
        self, security: Security, order: Order, request: UpdateOrderRequest
    ) -> tuple[bool, str]:
        """Judge the change of a working order."""
        if request.quantity is None:
            return True, ""
        return self._authorize_quantity(security, order, float(request.quantity))

    def authorize_change(self, security: Security, order: Order) -> tuple[bool, str]:
        """Judge a working order that carries its new quantity; one without a change may stay."""
        ticket = self.algorithm.transactions.get_order_ticket(order.id)
        quantity = float(order.quantity)
        if ticket is not None and float(ticket.quantity) == quantity:
            return True, ""
        return self._authorize_quantity(security, order, quantity)

    def failed_change(
        self, security: Security, order: Order, error: BaseException
    ) -> tuple[bool, str]:
        """Answer when the judgement of a change failed: the order stays as it is."""
        self.counts["gate_errors"] += 1
        return False, f"the gate failed ({error!r}); the change is denied"

    def _authorize_quantity(
        self, security: Security, order: Order, quantity: float
    ) -> tuple[bool, str]:
        self.clock.feed(self.bridge.now())
        self.counts["updates"] += 1
        ticket = self.algorithm.transactions.get_order_ticket(order.id)
        filled = 0.0 if ticket is None else float(ticket.quantity_filled)
        asked = self.bridge.request(security, order, update=True, filled=filled, quantity=quantity)
        verdict = self.system.authorize(asked, self.bridge.portfolio)
        return bool(verdict.allowed), verdict.reason

    def refused_by_broker(self, order: Order) -> None:
        """Count an order that the user's own brokerage model refused."""
        self.seen.add(int(order.id))
        self.counts["gate_calls"] += 1
        self.counts["refused_by_broker"] += 1

    def failed(self, security: Security, order: Order, error: BaseException) -> tuple[bool, str]:
        """Answer when the judgement itself failed: only what plainly reduces may pass."""
        self.counts["gate_errors"] += 1
        reason = f"the gate failed ({error!r}); adding denied"
        try:
            self.say(reason)
            held, asked = float(security.holdings.quantity), float(order.quantity)
            return held * asked < 0 and abs(asked) <= abs(held), reason
        except BaseException:
            return False, reason

    # -- the heartbeat -------------------------------------------------------------------------

    def heartbeat(self, targets: list[IPortfolioTarget]) -> list[IPortfolioTarget]:
        """Evaluate the account on a step with data and cut the step's targets."""
        algorithm, bridge = self.algorithm, self.bridge
        self.clock.feed(bridge.now())
        warming = bool(algorithm.is_warming_up)
        for bar in bridge.bars():
            self.system.observe(bar, warm_up=warming)
        if warming:
            return []
        portfolio = bridge.portfolio()
        self.verdict = verdict = self.system.evaluate(portfolio)
        self._note_day(portfolio, verdict)
        wanted = {bridge.key(t.symbol): float(t.quantity) for t in targets}
        self._full.update(wanted)
        if not wanted and _quiet(verdict) and not self._applied:
            return []
        rescaled = self._rescaled(portfolio, verdict, wanted)
        if not wanted and not rescaled:
            return []
        allowed = self.system.review(wanted | rescaled, portfolio, self._prices(wanted | rescaled))
        changed: list[IPortfolioTarget] = []
        for key, quantity in allowed.items():
            self._remember(key, verdict.for_symbol(key).multiplier)
            symbol = bridge.symbol(key)
            if symbol is None or (key in wanted and quantity == wanted[key]):
                continue
            step = float(algorithm.securities[symbol].symbol_properties.lot_size) or 1.0
            lots = int(quantity / step) * step
            changed.append(
                PortfolioTarget(symbol, lots, verdict.for_symbol(key).reason or "protection")
            )
        return changed

    def _rescaled(
        self, portfolio: records.Portfolio, verdict: Verdict, wanted: dict[str, float]
    ) -> dict[str, float]:
        """Return full-size quantities of holdings whose size multiplier has moved enough."""
        found: dict[str, float] = {}
        for key in {*portfolio.positions, *self._applied} - wanted.keys():
            size = verdict.for_symbol(key).multiplier
            before = self._applied.get(key, 1.0)
            moved = abs(size - before) >= SIZE_BAND or (size != before and size in (0.0, 1.0))
            position = portfolio.positions.get(key)
            held = 0.0 if position is None else position.quantity
            if not moved or (position is None and key not in self._full):
                continue
            if key in self._full:
                found[key] = self._full[key]
            elif size < before and before > 0:
                found[key] = held / before
            else:
                self._remember(key, size)
        return found

    def _remember(self, key: str, size: float) -> None:
        if size == 1.0:
            self._applied.pop(key, None)
        else:
            self._applied[key] = size

    def _prices(self, keys: dict[str, float]) -> dict[str, float]:
        prices = {}
        for key in keys:
            symbol = self.bridge.symbol(key)
            if symbol is not None:
                security = self.algorithm.securities[symbol]
                prices[key] = float(security.price) * self.bridge.multiplier(security)
        return prices

    def heartbeat_failed(self, error: BaseException) -> None:
        """Note that evaluation failed: the gate goes on judging every order."""
        self.counts["heartbeat_errors"] += 1
        self.say(f"the heartbeat failed ({error!r}); orders are still judged one by one")

    def _note_day(self, portfolio: records.Portfolio, verdict: Verdict) -> None:
        reading = self.system.reading
        if reading is None:
            return
        day = self.algorithm.time.date().isoformat()
        gross = 0.0
        for p in portfolio.positions.values():
            gross += abs(p.quantity * p.price * p.multiplier)
        row = [
            day,
            round(reading.equity, 2),
            round(verdict.multiplier, 4),
            verdict.state.name,
            round(reading.lifetime, 6),
            round(reading.window, 6),
            round(gross / reading.equity, 4) if reading.equity > 0 else 0.0,
        ]
        if self.daily and self.daily[-1][0] == day:
            self.daily[-1] = row
        else:
            self.daily.append(row)

    # -- execution -----------------------------------------------------------------------------

    def before_execution(self, targets: list[IPortfolioTarget]) -> list[IPortfolioTarget]:
        """Send exits, cancel adding orders, and return the targets that may be executed."""
        verdict = self.verdict
        if self.algorithm.is_warming_up:
            return targets
        for target in targets:
            self._given[self.bridge.key(target.symbol)] = float(target.quantity)
        if _quiet(verdict) and not self._refused:
            return targets
        kept: list[IPortfolioTarget] = []
        for target in targets:
            key = self.bridge.key(target.symbol)
            standing = verdict.for_symbol(key)
            if standing.state is Action.LIQUIDATE:
                continue
            held = float(self.algorithm.portfolio[target.symbol].quantity)
            if standing.state.adding_allowed or _between(float(target.quantity), held):
                kept.append(target)
        kept += self._forget_pending(verdict, {self.bridge.key(t.symbol) for t in targets})
        self._cancel_adding(verdict)
        self._flatten(verdict)
        return kept

    def _forget_pending(self, verdict: Verdict, fresh: set[str]) -> list[IPortfolioTarget]:
        """Overwrite targets that the inner model may still be working on: it re-sends what is not
        filled.

        A refused order would come back at every step; the strategy's next target for the symbol is
        judged anew.
        """
        over: list[IPortfolioTarget] = []
        refused, self._refused = self._refused - fresh, set()
        for key, quantity in list(self._given.items()):
            symbol = self.bridge.symbol(key)
            if symbol is None or (
                key not in refused and verdict.for_symbol(key).state.adding_allowed
            ):
                continue
            held = float(self.algorithm.portfolio[symbol].quantity)
            if not _between(quantity, held):
                over.append(PortfolioTarget(symbol, held))
                self._given[key] = held
        return over

    def _cancel_adding(self, verdict: Verdict) -> None:
        algorithm = self.algorithm
        for ticket in list(algorithm.transactions.get_open_order_tickets()):
            standing = verdict.for_symbol(self.bridge.key(ticket.symbol))
            if standing.state < Action.HALT or ticket.status == OrderStatus.CANCEL_PENDING:
                continue
            rest = float(ticket.quantity) - float(ticket.quantity_filled)
            held = float(algorithm.portfolio[ticket.symbol].quantity)
            if held * rest >= 0 or abs(rest) > abs(held):
                ticket.cancel(f"Protection: {standing.reason}"[:200])
                self.counts["adding_cancelled"] += 1

    def _flatten(self, verdict: Verdict) -> None:
        algorithm = self.algorithm
        for key, symbol, held in self.bridge.holdings():
            standing = verdict.for_symbol(key)
            if standing.state is not Action.LIQUIDATE or self._exit_pending(symbol, held):
                continue
            algorithm.transactions.cancel_open_orders(symbol)
            self.counts["exits"] += 1
            algorithm.market_order(
                symbol, -held, bool(algorithm.live_mode), f"Protection: {standing.reason}"[:200]
            )

    def _exit_pending(self, symbol: Symbol, held: float) -> bool:
        """Whether orders that will fill without waiting for a price close the position already."""
        resting = (
            OrderType.LIMIT,
            OrderType.STOP_MARKET,
            OrderType.STOP_LIMIT,
            OrderType.TRAILING_STOP,
            OrderType.LIMIT_IF_TOUCHED,
        )
        going = 0.0
        for ticket in self.algorithm.transactions.get_open_order_tickets(symbol):
            rest = float(ticket.quantity) - float(ticket.quantity_filled)
            if (
                rest * held < 0
                and ticket.order_type not in resting
                and ticket.status != OrderStatus.CANCEL_PENDING
            ):
                going += abs(rest)
        return going >= abs(held)

    def hear(self, event: OrderEvent) -> None:
        """Take in an order event: release what was counted, cancel what an exit was excused for."""
        try:
            self.clock.feed(self.bridge.now())
            record = self.bridge.event(event)
            self.system.on_order_event(record)
            number = int(event.order_id)
            if number not in self.seen:
                order = self.algorithm.transactions.get_order_by_id(number)
                self.engine_orders[number] = "" if order is None else str(order.tag)
            for other in self._excused.pop(number, ()):
                ticket = self.algorithm.transactions.get_order_ticket(int(other))
                if ticket is not None:
                    ticket.cancel("Protection: makes room for an exit")
                    self.counts["excused_cancels"] += 1
        except BaseException as error:
            self.counts["event_errors"] += 1
            self.say(f"an order event was not understood ({error!r})")

    # -- words and figures ---------------------------------------------------------------------

    def say(self, text: str) -> None:
        """Say something once."""
        if text not in self._said:
            self._said.add(text)
            self.algorithm.error(f"Protection: {text}")

    def kill(self, actor: str, reason: str) -> None:
        """Stop trading now and after every restart, until :meth:`resume`."""
        self.clock.feed(self.bridge.now())
        self.system.kill(actor, reason)

    def resume(self, actor: str, reason: str) -> None:
        """Clear a kill."""
        self.clock.feed(self.bridge.now())
        self.system.resume(actor, reason)

    def order_count(self) -> dict[str, int]:
        """Return the proof by count: every order was judged, or is of a kind that LEAN never shows
        to a gate.
        """
        orders = list(self.algorithm.transactions.get_orders(lambda order: True))
        unjudged = [o for o in orders if int(o.id) not in self.seen]
        judged = len(orders) - len(unjudged)
        engine = sum(_of_engine(o) for o in unjudged)
        short = sum(o.status == OrderStatus.INVALID and not _of_engine(o) for o in unjudged)
        return {
            "orders": len(orders),
            "judged": judged,
            "engine_orders": engine,
            "refused_before_gate": short,
            "unaccounted": len(orders) - judged - engine - short,
        }

    def summary(self, counted: dict[str, int] | None = None) -> dict[str, Any]:
        """Return everything that a report needs; ``counted`` is a fresh :meth:`order_count`."""
        return {
            "describe": self.system.describe(),
            "settings": self.system.settings.to_dict(),
            "events": [event.as_dict() for event in self.system.events],
            "counters": dict(self.system.counters),
            "gate": {**(counted or self.order_count()), **dict(self.counts)},
            "daily": self.daily,
        }

    def _on_end_of_algorithm(self) -> None:
        algorithm = self.algorithm
        counts = self.order_count()
        algorithm.log(
            "Protection: {orders} orders, {judged} judged by the gate, "
            "{engine_orders} of the engine itself, "
            "{refused_before_gate} refused before the gate, {unaccounted} unaccounted".format(
                **counts
            )
        )
        if not algorithm.object_store.save(
            SUMMARY_KEY, json.dumps(self.summary(counts), default=str)
        ):
            self.say("the summary could not be saved: the Object Store is full")
        if self.ledger is not None:
            self.ledger.close()


def _quiet(verdict: Verdict) -> bool:
    return verdict.state is Action.ALLOW and verdict.multiplier == 1.0 and not verdict.by_symbol


def _between(quantity: float, held: float) -> bool:
    """Whether a target lies between nothing and what is held."""
    return min(0.0, held) <= quantity <= max(0.0, held)


def _of_engine(order: Order) -> bool:
    return order.type == OrderType.OPTION_EXERCISE or str(order.tag) == "Liquidate from delisting"


def _same(model: Any, ours: Any) -> bool:
    """Compare a model with ours through LEAN's wrapper, if there is one."""
    if model is ours:
        return True
    holder = getattr(model, "get_model", None)
    return bool(holder is not None and holder() == ours)
