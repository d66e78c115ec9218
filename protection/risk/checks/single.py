"""Checks that need the order and the market, but no history of orders."""

from __future__ import annotations

from datetime import datetime
from zoneinfo import ZoneInfo

from protection.contracts.order_settings import OrderSettings, read_hours, read_names
from protection.contracts.records import OpenOrder, OrderKind
from protection.risk.checks.base import Asked, Check, Refusal
from protection.risk.checks.market import Market

_FRIDAY = 4
_LIMIT = OrderKind.LIMIT
_SLACK = 1e-9
_REMEMBERED = 10_000


def ticker(symbol: str) -> str:
    """The word in front of a symbol's key."""
    return symbol.split(" ", 1)[0]


class _Listed(dict[str, bool]):
    """Whether a symbol, or the ticker in front of its key, is on a list; looked up once each."""

    def __init__(self, names: str) -> None:
        super().__init__()
        self._names = read_names(names)

    def __missing__(self, symbol: str) -> bool:
        if len(self) >= _REMEMBERED:
            self.clear()
        answer = self[symbol] = symbol in self._names or ticker(symbol) in self._names
        return answer


def restricted(names: str) -> Check:
    """No adding of some symbols."""
    banned = _Listed(names)

    def check(asked: Asked) -> Refusal | None:
        if not banned[asked.symbol]:
            return None
        return Refusal("restricted", f"{asked.symbol} is on the restricted list", 0.0)

    return check


def instruments(names: str) -> Check:
    """Adding of some symbols only."""
    known = _Listed(names)

    def check(asked: Asked) -> Refusal | None:
        if known[asked.symbol]:
            return None
        text = f"{asked.symbol} is none of the instruments that may be traded"
        return Refusal("instruments", text, 0.0)

    return check


def observed(market: Market) -> Check:
    """Adding only of symbols whose prices have been seen."""

    def check(asked: Asked) -> Refusal | None:
        if asked.symbol in market.seen:
            return None
        text = f"{asked.symbol} is unknown: no price of it has been observed"
        return Refusal("observed", text, 0.0)

    return check


def session(hours: str, zone: str) -> Check:
    """Adding on weekdays between two times of day only."""
    begin, end = read_hours(hours)
    place = ZoneInfo(zone)
    inside: datetime | None = None  # a time that was: several orders are asked at one

    def check(asked: Asked) -> Refusal | None:
        nonlocal inside
        now = asked.now
        if now is inside:
            return None
        local = now.astimezone(place)
        if local.weekday() <= _FRIDAY and begin <= local.time() < end:
            inside = now
            return None
        text = f"outside the session {hours} {zone}: it is {local:%a %H:%M:%S} there"
        return Refusal("session", text, 0.0)

    return check


def collar(share: float) -> Check:
    """Limit and stop prices near the reference price."""

    def check(asked: Asked) -> Refusal | None:
        order, price = asked.order, asked.price
        if order.limit_price is None and order.stop_price is None:
            return None
        for word, own in (("limit", order.limit_price), ("stop", order.stop_price)):
            if own is not None and not abs(own / price - 1.0) <= share + _SLACK:
                text = (
                    f"price collar of {asked.symbol}: {word} price {own:g} is further than "
                    f"{share:.1%} from the reference {price:g}"
                )
                return Refusal("collar", text, 0.0)
        return None

    return check


def luld(tier: int, market: Market) -> Check:
    """Prices within the limit-up limit-down bands."""

    def check(asked: Asked) -> Refusal | None:
        bands = market.bands(asked.symbol, tier, asked.now)
        if isinstance(bands, str):
            return Refusal("luld", bands, 0.0)
        if bands is None:
            return None
        low, high = bands
        own = asked.order.limit_price
        price = asked.price if own is None else own
        if low <= price <= high:
            return None
        text = f"limit-up limit-down: {asked.symbol} at {price:g} is outside {low:.2f}-{high:.2f}"
        return Refusal("luld", text, 0.0)

    return check


def max_quantity(limit: float) -> Check:
    """Largest quantity of one order."""

    def check(asked: Asked) -> Refusal | None:
        if abs(asked.quantity) <= limit * (1.0 + _SLACK):
            return None
        text = f"order quantity of {asked.symbol}: {abs(asked.quantity):,.4g}, limit {limit:,.4g}"
        return Refusal("max_quantity", text, asked.sized(limit))

    return check


def max_notional(limit: float) -> Check:
    """Largest value of one order."""

    def check(asked: Asked) -> Refusal | None:
        value = abs(asked.quantity) * asked.unit
        if value <= limit * (1.0 + _SLACK):
            return None
        text = f"order value of {asked.symbol}: {value:,.2f}, limit {limit:,.2f}"
        return Refusal("max_notional", text, asked.sized(limit / asked.unit))

    return check


def adv(settings: OrderSettings, share: float, market: Market) -> Check:
    """Quantity against the average daily volume."""

    def check(asked: Asked) -> Refusal | None:
        volume = market.average_volume(asked.symbol)
        if not volume > 0.0:
            text = f"expected volume of {asked.symbol} in past sessions, none was observed"
            return Refusal("adv", text, 0.0)
        if abs(asked.quantity) <= share * volume * (1.0 + _SLACK):
            return None
        text = (
            f"fat finger: {abs(asked.quantity):,.4g} {asked.symbol} is more than {share:.1%} of "
            f"the daily volume {volume:,.4g} over {settings.adv_sessions} sessions"
        )
        return Refusal("adv", text, asked.sized(share * volume))

    return check


def self_trade() -> Check:
    """No order that would meet a resting limit order of the same account."""
    listed: tuple[OpenOrder, ...] | None = None
    resting: dict[str, list[tuple[OpenOrder, float]]] = {}

    def check(asked: Asked) -> Refusal | None:
        nonlocal listed
        orders = asked.portfolio.open_orders
        if orders is not listed or type(orders) is not tuple:
            listed = orders
            resting.clear()
            for order in orders:
                if order.kind is _LIMIT and order.price is not None:
                    resting.setdefault(order.symbol, []).append((order, order.price))
        found = resting.get(asked.symbol)
        if found is None:
            return None
        own, buys = asked.order.limit_price, asked.quantity > 0.0
        price = asked.price if own is None else own
        for other, level in found:
            if (
                other.quantity * asked.quantity < 0.0
                and other.order_id != asked.order.order_id
                and (level <= price if buys else level >= price)
            ):
                text = (
                    f"self-trade: {asked.symbol} at {price:g} would meet the own order "
                    f"{other.order_id} at {level:g}"
                )
                return Refusal("self_trade", text, 0.0)
        return None

    return check
