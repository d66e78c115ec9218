"""The link to the broker: what its messages do, and when adding is let go again.

LEAN sends orders into a broken link, and with a message handler of one's own it no longer stops at
an error: freezing, halting and timing the outage is done here. Three things hold adding back: a
link that is lost, an error that nobody has looked into, and an account that is not reconciled.
"""

from __future__ import annotations

from AlgorithmImports import *

import threading
from typing import TYPE_CHECKING, Any

from protection.contracts.records import BrokerEvent, BrokerStatus, OpenOrder

if TYPE_CHECKING:
    from algorithm.lifeline import Lifeline

_STOPS = (BrokerageMessageType.ERROR, BrokerageMessageType.ACTION_REQUIRED)


class Link:
    """State of the link, told to the system as it changes.

    Attributes
    ----------
    lost : whether the link is broken
    failed : the error that waits for a person, else empty
    doubt : why the account is not reconciled, else empty
    """

    def __init__(self, lifeline: Lifeline) -> None:
        self._lifeline = lifeline
        self._lock = threading.RLock()
        self._told: tuple[BrokerStatus, str] | None = None
        self.lost = False
        self.failed = ""
        self.doubt = ""

    def set(
        self, *, lost: bool | None = None, failed: str | None = None, doubt: str | None = None
    ) -> None:
        """Change the state and tell the system; what holds adding back longest is told first."""
        with self._lock:
            self.lost = self.lost if lost is None else lost
            self.failed = self.failed if failed is None else failed
            self.doubt = self.doubt if doubt is None else doubt
            if self.failed:
                status, text = BrokerStatus.ERROR, self.failed
            elif self.lost:
                status, text = BrokerStatus.DISCONNECTED, "the link is lost"
            elif self.doubt:
                status, text = BrokerStatus.DISCONNECTED, self.doubt
            else:
                status, text = BrokerStatus.CONNECTED, ""
            if (status, text) == self._told:
                return
            protection = self._lifeline.protection
            now = protection.clock.feed(protection.bridge.now())
            protection.system.on_broker(BrokerEvent(now, status, text))
            self._told = (status, text)


class MessageHandler:
    """What LEAN asks about each message of the broker, and each order that is not the algorithm's.

    A handler that the algorithm had set is asked after it, for both; without one, messages go to
    the log as LEAN's own handler would send them.
    """

    def __init__(self, inner: Any, lifeline: Lifeline) -> None:
        self._inner = inner
        self._lifeline = lifeline

    def handle_message(self, message: BrokerageMessageEvent) -> None:
        lifeline = self._lifeline
        try:
            self._take(message)
        except BaseException as error:
            lifeline.failed("a message of the broker", error)
        try:
            if self._inner is not None:
                self._inner.handle_message(message)
            else:
                self._log(message)
        except BaseException as error:  # LEAN would drop the rest of the chain
            lifeline.failed("the algorithm's own message handler", error)

    def _take(self, message: BrokerageMessageEvent) -> None:
        lifeline, kind = self._lifeline, message.type
        if kind == BrokerageMessageType.DISCONNECT:
            lifeline.link.set(lost=True)
            lifeline.protection.counts["disconnects"] += 1
            lifeline.disconnected()
        elif kind == BrokerageMessageType.RECONNECT:
            lifeline.reconnected()
        elif kind in _STOPS:
            lifeline.link.set(failed=f"{message.code}: {message.message}")
            lifeline.protection.counts["broker_errors"] += 1
            lifeline.protection.say(
                f"the broker reports {message.code}: {message.message}; adding is halted until "
                "somebody resumes"
            )

    def _log(self, message: BrokerageMessageEvent) -> None:
        algorithm = self._lifeline.protection.algorithm
        if message.type == BrokerageMessageType.INFORMATION:
            algorithm.debug(f"Brokerage Info: {message.message}")
        elif message.type == BrokerageMessageType.WARNING:
            algorithm.error(f"Brokerage Warning: {message.message}")

    def handle_order(self, event_args: NewBrokerageOrderNotificationEventArgs) -> bool:
        """Whether LEAN adopts an order that was placed elsewhere.

        While killed it does, and the order is cancelled with the others. Otherwise, as with LEAN's
        own handler, it does not; but it is counted as what it is, and adding waits for a person.
        """
        lifeline = self._lifeline
        try:
            if self._inner is not None and bool(self._inner.handle_order(event_args)):
                lifeline.adopted(event_args.order)
                return True
        except BaseException as error:
            lifeline.failed("the algorithm's own message handler", error)
        try:
            return lifeline.foreign(event_args.order)
        except BaseException as error:
            lifeline.failed("a foreign order", error)
            return False


def foreign_order(lifeline: Lifeline, order: Order) -> OpenOrder:
    """Return an order that LEAN does not know as one that may still fill."""
    protection = lifeline.protection
    securities = protection.algorithm.securities
    security = securities[order.symbol] if securities.contains_key(order.symbol) else None
    price = None if security is None else float(security.price)
    number = ",".join(str(each) for each in order.broker_id) or f"foreign {order.symbol.value}"
    return OpenOrder(
        number,
        protection.bridge.key(order.symbol),
        float(order.quantity),
        protection.bridge.kind(order.type),
        price,
        1.0 if security is None else protection.bridge.multiplier(security),
    )
