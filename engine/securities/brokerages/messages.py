"""What a brokerage says: message events and the sentences of its refusals."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from engine.types.dotnet import LeanObject
from engine.types.enums import BrokerageMessageType, OrderType


class BrokerageMessageEvent(LeanObject):
    """A message of the brokerage, or the reason of a refusal."""

    __slots__ = ("code", "message", "type")

    def __init__(self, type: Any, code: Any, message: str) -> None:
        self.type = BrokerageMessageType(type)
        self.code = str(code)
        self.message = message

    @staticmethod
    def disconnected(message: str) -> BrokerageMessageEvent:
        return BrokerageMessageEvent(BrokerageMessageType.DISCONNECT, "Disconnect", message)

    @staticmethod
    def reconnected(message: str) -> BrokerageMessageEvent:
        return BrokerageMessageEvent(BrokerageMessageType.RECONNECT, "Reconnect", message)

    def __str__(self) -> str:
        return f"{pascal(self.type)} - Code: {self.code} - {self.message}"


def pascal(member: Any) -> str:
    """Return an enum member as .NET writes it: ``MARKET_ON_OPEN`` is ``MarketOnOpen``."""
    return "".join(part.capitalize() for part in member.name.split("_"))


def name_of(model: Any) -> str:
    """Return the .NET name of a brokerage model: that of LEAN's class, whatever a user derived
    from it.
    """
    native = getattr(model, "_native", type(model))
    name: str = native.__name__
    return name


def refuse(text: str, code: str = "NotSupported") -> tuple[bool, BrokerageMessageEvent]:
    """Return the answer of a model that refuses."""
    return False, BrokerageMessageEvent(BrokerageMessageType.WARNING, code, text)


def unsupported_security(model: Any, security: Any) -> tuple[bool, BrokerageMessageEvent]:
    """Refuse a kind of security."""
    return refuse(f"The {name_of(model)} does not support {pascal(security.type)} security type.")


def unsupported_order_type(
    model: Any, order: Any, supported: Iterable[OrderType]
) -> tuple[bool, BrokerageMessageEvent]:
    """Refuse a kind of order; the kinds are named in the order given."""
    names = ",".join(pascal(kind) for kind in supported)
    return refuse(
        f"The {name_of(model)} does not support {pascal(order.type)} order type. Only supports "
        f"[{names}]"
    )


def unsupported_time_in_force(model: Any, order: Any) -> tuple[bool, BrokerageMessageEvent]:
    """Refuse a time in force."""
    return refuse(
        f"The {name_of(model)} does not support {type(order.time_in_force).__name__} time in force."
    )


UPDATE_NOT_SUPPORTED = "Brokerage does not support update. You must cancel and re-create instead."
