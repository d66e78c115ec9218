"""The order checks that are on, in the gate's fixed sequence from cheap to dear."""

from __future__ import annotations

import math
from collections.abc import Callable
from datetime import date
from typing import Any

from protection.contracts.order_settings import OrderSettings
from protection.contracts.records import Price
from protection.risk.checks import single
from protection.risk.checks.base import Check
from protection.risk.checks.flow import Flow
from protection.risk.checks.market import Market
from protection.risk.limits.base import Candidate, Objection
from protection.risk.limits.book import book_of


class StageLimit:
    """Gross exposure in account currency, with everything pending at its worst."""

    __slots__ = ("_limit",)

    def __init__(self, limit: float) -> None:
        self._limit = limit

    def object(self, candidate: Candidate) -> Objection | None:
        """Why the order may not pass, or None."""
        book = book_of(candidate)
        if isinstance(book, str):
            return Objection("input", book, 0.0)
        reached = book.size + book.after
        if reached <= self._limit * (1.0 + 1e-9):
            return None
        text = (
            f"stage capital: {reached:,.2f} with everything pending, "
            f"limit {self._limit:,.2f} at this stage"
        )
        room = max(0.0, self._limit - book.size - book.ahead) / candidate.unit
        return Objection("stage_capital", text, math.copysign(room, candidate.quantity))

    def describe(self) -> str:
        """One line on what the limit will do."""
        return f"stage capital: gross exposure up to {self._limit:,.2f}"


class OrderChecks:
    """The checks of ``orders``, before and after the reference price is known.

    Parameters
    ----------
    settings : which are on
    zone : time zone of the session
    session : number of the present session

    Attributes
    ----------
    early, late : the checks in sequence
    counted : those on the flow of orders, asked after the early ones; None where all are off
    market, flow : what they remember
    active : whether anything is on
    """

    def __init__(self, settings: OrderSettings, zone: str, session: Callable[[], int]) -> None:
        s = settings
        self._settings = s
        self.flow = flow = Flow(s, session)
        self.market = market = Market(
            0 if s.adv_share is None else s.adv_sessions, s.luld_tier is not None
        )
        early: list[Check | None] = [
            None if s.restricted is None else single.restricted(s.restricted),
            None if s.instruments is None else single.instruments(s.instruments),
            single.observed(market) if s.observed else None,
            None if s.session is None else single.session(s.session, zone),
        ]
        late: list[Check | None] = [
            None if s.collar is None else single.collar(s.collar),
            None if s.luld_tier is None else single.luld(s.luld_tier, market),
            None if s.max_quantity is None else single.max_quantity(s.max_quantity),
            None if s.max_notional is None else single.max_notional(s.max_notional),
            None if s.history_multiple is None else flow.history,
            None if s.adv_share is None else single.adv(s, s.adv_share, market),
            None if s.window_quantity is None else flow.window_quantity,
            None if s.window_notional is None else flow.window_notional,
            single.self_trade() if s.self_trade else None,
        ]
        self.early: tuple[Check, ...] = tuple(check for check in early if check is not None)
        self.late: tuple[Check, ...] = tuple(check for check in late if check is not None)
        counted = (s.max_messages, s.max_orders, s.per_day, s.duplicate_seconds, s.repeats)
        self.counted = None if counted == (None,) * 5 else flow.early
        self.stage = None if s.stage_capital is None else StageLimit(s.stage_capital)
        self.active = bool(self.early or self.late or self.counted)

    def observe(self, record: Price, session: date, price: float | None) -> None:
        """Take in a good price, where a check needs prices."""
        if self.active:
            self.market.observe(record, session, price)

    def describe(self) -> list[str]:
        """One line on what is checked."""
        on = {k: v for k, v in self._settings.written().items() if not k.endswith("_seconds")}
        if not on:
            return ["order checks: off"]
        return ["order checks: " + ", ".join(f"{name} {value}" for name, value in on.items())]

    def snapshot(self) -> dict[str, Any]:
        """What a restart needs."""
        return self.flow.snapshot() if self.flow.durable else {}
