"""Messages of the broker, and what LEAN's own handler does with them."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

from engine.algorithm.messages import NotificationManager
from engine.securities.brokerages.messages import BrokerageMessageEvent
from engine.types.enums import BrokerageMessageType

_PATIENCE = timedelta(minutes=15)


class BrokerageStop(Exception):
    """The broker's message that ends the run."""


class MessageChain:
    """Hands a message to the handler, then to the algorithm, in LEAN's order.

    What the algorithm raises is logged and swallowed; an error in the handler drops the rest of the
    chain.
    """

    def __init__(self, session: Any) -> None:
        self._session = session

    def send(self, kind: BrokerageMessageType, code: str, text: str) -> None:
        """Deliver a message on the thread of the broker that called."""
        session = self._session
        algorithm = session.algorithm
        message = BrokerageMessageEvent(kind, code, text)
        session.note("message", f"{kind.name} {text}")
        handler = algorithm.brokerage_message_handler
        if handler is None:
            self._default(message)
        elif not self._try(lambda: handler.handle_message(message)):
            return
        session.turns.give_way()
        self._try(lambda: algorithm.on_brokerage_message(message))
        session.turns.give_way()
        if kind is BrokerageMessageType.DISCONNECT:
            self._try(algorithm.on_brokerage_disconnect)
        elif kind is BrokerageMessageType.RECONNECT:
            self._try(algorithm.on_brokerage_reconnect)

    def _try(self, call: Callable[[], Any]) -> bool:
        try:
            call()
        except Exception as error:
            self._session.algorithm._engine.results.add_system_debug(
                f"a brokerage message handler failed: {type(error).__name__}: {error}"
            )
            return False
        return True

    def _default(self, message: BrokerageMessageEvent) -> None:
        """Do what LEAN's own handler does."""
        session = self._session
        algorithm, kind = session.algorithm, message.type
        if kind is BrokerageMessageType.INFORMATION:
            algorithm.debug(f"Brokerage Info: {message.message}")
        elif kind is BrokerageMessageType.WARNING:
            algorithm.error(f"Brokerage Warning: {message.message}")
        elif kind is BrokerageMessageType.ERROR:
            algorithm._set_runtime_error(BrokerageStop(message.message), "Brokerage Error")
        elif kind is BrokerageMessageType.ACTION_REQUIRED:
            algorithm._set_runtime_error(
                BrokerageStop("Brokerage requires user action"), "Brokerage Disconnect"
            )
        elif kind is BrokerageMessageType.DISCONNECT:
            session.brokerage.later(
                _PATIENCE.total_seconds(), lambda: self._still(message), always=True
            )

    def _still(self, message: BrokerageMessageEvent) -> None:
        """Stop when the link has not come back in time while a market is open."""
        session = self._session
        algorithm = session.algorithm
        if session.brokerage.connected:
            return
        if any(s.exchange.exchange_open for s in algorithm.securities.values()):
            algorithm._set_runtime_error(BrokerageStop(message.message), "Brokerage Disconnect")
        else:
            session.brokerage.later(60, lambda: self._still(message), always=True)


class LiveNotifications(NotificationManager):
    """``self.notify`` of a local live run: nothing is sent, and the answer is True."""

    def email(self, *args: Any, **kwargs: Any) -> bool:
        address = str(args[0] if args else kwargs.get("address", ""))
        name, at, host = address.partition("@")
        if not (name and at and "." in host):
            raise ValueError(f"expected an email address, was {address!r}")
        return True

    def sms(self, *_: Any, **__: Any) -> bool:
        return True

    def web(self, *_: Any, **__: Any) -> bool:
        return True

    def ftp(self, *_: Any, **__: Any) -> bool:
        return True

    def sftp(self, *_: Any, **__: Any) -> bool:
        return True

    def telegram(self, *_: Any, **__: Any) -> bool:
        return True
