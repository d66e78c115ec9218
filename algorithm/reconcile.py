"""Reconciliation of LEAN's account with the one that was stored, and with what was heard since.

At a start: the stored record against holdings, cash and open orders that the broker gave back.
After a broken link: positions must have moved by exactly the fills that were told; what is told
late is waited for a little. Until then, and while a difference stays unexplained, orders may only
reduce.
"""

from __future__ import annotations

from AlgorithmImports import *

import threading
from collections import defaultdict
from typing import TYPE_CHECKING

from protection.contracts.errors import RecoverState, RetryWrite
from protection.execution.reconciliation import (
    AccountRecord,
    Difference,
    KnownOrder,
    compare,
    read_account,
)

if TYPE_CHECKING:
    from algorithm.lifeline import Lifeline

ACCOUNT_KEY = "account.record"
#: beats for which a position may differ from what was told, after a broken link
_BEATS = 10
_SHOWN = 5


class Reconciler:
    """Compares, says what it found, and lets adding go or not.

    Attributes
    ----------
    stuck : whether a difference waits for a person
    """

    def __init__(self, lifeline: Lifeline) -> None:
        self._lifeline = lifeline
        self._lock = threading.Lock()
        self._moved: dict[str, float] = defaultdict(float)
        self._before: dict[str, float] | None = None
        self._tries = 0
        self._due = False
        self._kept: object = None
        self.stuck = False

    # -- at the start ----------------------------------------------------------------------------

    def begin(self) -> None:
        """Compare the account that the broker gave back with the stored one."""
        lifeline, now = self._lifeline, self.record()
        try:
            text = lifeline.store.read(ACCOUNT_KEY)
            before = None if text is None else read_account(text)
        except RecoverState as error:
            self._stick(f"the stored account is unreadable ({error})")
            return
        if before is None:
            self._release()
            return
        found = compare(before, now)
        for difference in found[:_SHOWN]:
            lifeline.protection.algorithm.log(f"Protection: since the last run {difference.text}")
        strange = [difference for difference in found if not difference.explained]
        if not strange or now.empty or lifeline.settings.mismatch == "accept":
            if strange:
                lifeline.protection.say(f"{_listed(strange)}; it is taken as it is")
            self._release()
            return
        self._stick(_listed(strange))

    def _stick(self, why: str) -> None:
        lifeline = self._lifeline
        self.stuck = True
        lifeline.protection.counts["mismatches"] += 1
        lifeline.link.set(doubt=why)
        lifeline.protection.say(f"{why}; adding is frozen until somebody resumes")

    def _release(self) -> None:
        self._due = False
        if not self.stuck:
            self._lifeline.link.set(doubt="")

    def accept(self) -> None:
        """Take the account as it is."""
        self.stuck = False
        with self._lock:
            self._before, self._due = None, False

    # -- a broken link ---------------------------------------------------------------------------

    def heard(self, symbol: str, quantity: float) -> None:
        """Take note of a fill that was told."""
        with self._lock:
            self._moved[symbol] += quantity

    def lost(self) -> None:
        """Remember the positions at this moment."""
        positions = self._positions()
        with self._lock:
            if self._before is None:
                self._before, self._moved = positions, defaultdict(float)

    def back(self) -> None:
        """The link is back: compare from the next beat on."""
        self._tries, self._due = 0, True

    def step(self) -> None:
        """One comparison after a broken link, until all is explained or patience is over."""
        lifeline = self._lifeline
        if not self._due or lifeline.link.lost:
            return
        with self._lock:
            before = dict(self._before or {})
            expected = {k: before.get(k, 0.0) + self._moved[k] for k in {*before, *self._moved}}
            known = self._before is not None
        found = self._positions()
        strange = [
            f"position {key} is {found.get(key, 0.0):g}, {expected.get(key, 0.0):g} was told"
            for key in sorted({*expected, *found})
            if abs(found.get(key, 0.0) - expected.get(key, 0.0)) > 1e-9
        ]
        if strange and known:
            self._tries += 1
            if self._tries < _BEATS:
                return
            if lifeline.settings.mismatch == "freeze":
                self._stick("; ".join(strange[:_SHOWN]))
        with self._lock:
            self._before = None
        lifeline.protection.counts["reconciled"] += 1
        self._release()

    # -- the record ------------------------------------------------------------------------------

    def record(self) -> AccountRecord:
        """Return the account as LEAN has it now."""
        protection = self._lifeline.protection
        bridge, algorithm = protection.bridge, protection.algorithm
        account = algorithm.portfolio
        orders = []
        for ticket in algorithm.transactions.get_open_order_tickets():
            rest = float(ticket.quantity) - float(ticket.quantity_filled)
            if rest == 0.0:
                continue
            order = algorithm.transactions.get_order_by_id(ticket.order_id)
            numbers = [] if order is None else sorted(str(each) for each in order.broker_id)
            kind = bridge.kind(ticket.order_type).value
            orders.append(KnownOrder(",".join(numbers), bridge.key(ticket.symbol), rest, kind))
        return AccountRecord(
            bridge.now().isoformat(),
            float(account.total_portfolio_value),
            float(account.cash),
            self._positions(),
            tuple(orders),
        )

    def _positions(self) -> dict[str, float]:
        return {key: held for key, _, held in self._lifeline.protection.bridge.holdings()}

    def keep(self, booked: object = None) -> None:
        """Store the account when it has changed.

        Parameters
        ----------
        booked : what tells whether it has; without it the account is stored in any case
        """
        lifeline = self._lifeline
        if booked is not None and booked == self._kept:
            return
        if lifeline.protection.algorithm.is_warming_up or self.stuck:
            return  # what waits for a person still does after the next start
        try:
            lifeline.store.write(ACCOUNT_KEY, self.record().text())
            self._kept = booked
        except RetryWrite as error:
            lifeline.protection.counts["account_unkept"] += 1
            lifeline.protection.say(f"the account could not be stored ({error}); tried again")


def _listed(strange: list[Difference]) -> str:
    more = f" and {len(strange) - _SHOWN} more" if len(strange) > _SHOWN else ""
    return "; ".join(difference.text for difference in strange[:_SHOWN]) + more
