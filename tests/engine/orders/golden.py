"""Reading the recorded LEAN runs for the tests of orders."""

from __future__ import annotations

import json
import os
from datetime import datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

from engine.orders import kinds
from engine.orders.order import Order, OrderSubmissionData
from engine.orders.properties import InteractiveBrokersOrderProperties, OrderProperties
from engine.orders.time_in_force import TimeInForce
from engine.types.enums import DataNormalizationMode, OrderStatus, OrderType
from engine.types.symbol import SecurityIdentifier, Symbol

ROOT = Path(__file__).parents[3]
FOLDERS = [
    folder
    for folder in (
        ROOT / "tests" / "golden" / "lean",
        ROOT.parent / "shared" / "reference" / "lean_golden",
    )
    if folder.is_dir()
]
DATA = Path(os.environ.get("LEAN_DATA", ROOT.parent / "shared" / "lean-data"))

CLASSES: dict[int, type[Order]] = {
    0: kinds.MarketOrder,
    1: kinds.LimitOrder,
    2: kinds.StopMarketOrder,
    3: kinds.StopLimitOrder,
    4: kinds.MarketOnOpenOrder,
    5: kinds.MarketOnCloseOrder,
    7: kinds.LimitIfTouchedOrder,
    11: kinds.TrailingStopOrder,
}


def path(name: str) -> Path:
    """Find a recorded file; the repository's own comes first."""
    return next(folder / name for folder in FOLDERS if (folder / name).exists())


def run(name: str) -> dict[str, Any]:
    """Read one recorded run, numbers as exact decimals."""
    loaded: dict[str, Any] = json.loads(path(name).read_text(), parse_float=Decimal)
    return loaded


def names() -> list[str]:
    """Name every recorded run with complete orders and a hash."""
    found = []
    for name in sorted({file.name for folder in FOLDERS for file in folder.glob("*.json")}):
        loaded = json.loads(path(name).read_text())
        orders = loaded.get("orders")
        complete = orders is not None and "same_as" not in orders
        if complete and loaded["statistics"].get("OrderListHash"):
            found.append(name)
    return found


def moment(text: str) -> datetime:
    return datetime.fromisoformat(text.rstrip("Z"))


def order_of(values: dict[str, Any]) -> Order:
    """Make the order that a recorded JSON order describes."""
    order = CLASSES[values["type"]](
        Symbol(SecurityIdentifier.parse(values["symbol"]["id"]), values["symbol"]["value"])
    )
    for key in ("limitPrice", "stopPrice", "triggerPrice", "trailingAmount"):
        if key in values:
            name = "".join("_" + c.lower() if c.isupper() else c for c in key)
            setattr(order, name, values[key])
    for key in ("stopTriggered", "triggerTouched", "trailingAsPercentage"):
        if key in values:
            name = "".join("_" + c.lower() if c.isupper() else c for c in key)
            setattr(order, name, values[key])
    order._set_id(values["id"])
    order.broker_id = values["brokerId"]
    order.price = values["price"]
    order.quantity = values["quantity"]
    order.price_currency = values["priceCurrency"]
    order.time = moment(values["time"])
    if len(values["time"]) == len("2014-03-04T05:00:00.0000001Z"):
        order._time_ticks = int(values["time"][-2])
    for key in ("lastFillTime", "lastUpdateTime", "canceledTime"):
        if key in values:
            name = "".join("_" + c.lower() if c.isupper() else c for c in key)
            setattr(order, name, moment(values[key]))
    order.status = OrderStatus(values["status"])
    order.tag = values["tag"]
    given = values["properties"]
    properties: OrderProperties = OrderProperties()
    if "faGroup" in given:
        properties = InteractiveBrokersOrderProperties()
        properties.outside_regular_trading_hours = given["outsideRegularTradingHours"]
    kind = given["timeInForce"].get("$type", "")
    if kind.endswith("DayTimeInForce"):
        properties.time_in_force = TimeInForce.DAY
    elif kind.endswith("GoodTilDateTimeInForce"):
        properties.time_in_force = TimeInForce.good_til_date(moment(given["timeInForce"]["Expiry"]))
    order.properties = properties
    data = values["orderSubmissionData"]
    if data is not None:
        order.order_submission_data = OrderSubmissionData(
            data["bidPrice"], data["askPrice"], data["lastPrice"]
        )
    order.price_adjustment_mode = DataNormalizationMode(values["priceAdjustmentMode"])
    assert order.type == OrderType(values["type"])
    return order
