"""Trades far too much in every way there is, under protection, as long as somebody lets it."""

import sys

from AlgorithmImports import *

from datetime import UTC

from algorithm.protect import protect
from protection.circuit_breakers.kill_switch import lock_text
from protection.contracts.settings import ProtectionSettings

LIMITS = {"limits.max_position": "0.20", "limits.max_leverage": "0.50", "drawdown.halt": "none"}


class Soaked(QCAlgorithm):
    def initialize(self):
        self.set_start_date(2013, 10, 7)
        self.set_end_date(2013, 10, 7)
        self.set_cash(1_000_000)
        self.spy = self.add_equity("SPY", Resolution.MINUTE).symbol
        self.bars = 0
        given = {pair.key: pair.value for pair in self.get_parameters() if "." in pair.key}
        settings = ProtectionSettings.from_flat(LIMITS | given)
        self.protection = protect(self, settings, audit=self.get_parameter("audit", "off"))
        self.killed_at, self.added = None, 0
        self.road = self.get_parameter("road", "")
        moment = self.get_parameter("moment", "")
        self.moment = datetime.fromisoformat(moment) if moment else None
        # the tool that runs this looks at every life, also at those that end without a last word
        lives = getattr(sys.modules.get("soak_registry"), "lives", None)
        if lives is not None:
            lives.append(self)

    def watch(self):
        """Throw the kill when it is due, and note from when on it was seen."""
        if self.road and self.moment and self.utc_time.replace(tzinfo=None) >= self.moment:
            road, self.road = self.road, ""
            if road == "call":
                self.protection.kill("soak", "drill")
            elif road in ("file", "touch"):
                text = lock_text("soak", "drill", self.utc_time) if road == "file" else ""
                with open(self.get_parameter("lock"), "w") as file:
                    file.write(text)
        if self.killed_at is None and self.protection.system.killed:
            self.killed_at, self.added = self.utc_time.replace(tzinfo=UTC), self.adding()

    def adding(self):
        """Orders that were let through and add."""
        counters = self.protection.system.counters
        return counters["allowed"] - counters["reducing"]

    def on_data(self, data):
        self.watch()
        self.bars += 1
        if self.bars % 15 == 1:
            for quantity in (400, 300, 500, 200, 350, 250):
                self.market_order(self.spy, quantity, asynchronous=True)
            price = self.securities[self.spy].price
            self.resting = self.limit_order(self.spy, 10, round(price * 0.95, 2), True)
        elif self.bars % 15 == 4 and getattr(self, "resting", None) is not None:
            fields = UpdateOrderFields()
            fields.quantity = 5000
            fields.limit_price = round(self.securities[self.spy].price * 1.01, 2)
            self.resting.update(fields)
        elif self.bars % 15 == 8:
            self.transactions.cancel_open_orders(self.spy)
            held = self.portfolio[self.spy].quantity
            if held > 0:
                self.market_order(self.spy, -(held // 2), asynchronous=True)
        elif self.bars % 15 == 11:
            self.market_order(self.spy, 700)

    def on_order_event(self, event):
        if event.status == OrderStatus.FILLED and event.fill_quantity < 0 and self.bars % 2:
            self.market_order(self.spy, 300, asynchronous=True)
