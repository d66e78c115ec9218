"""Buys far more than it may, in every way there is, under protection with tight limits."""

from AlgorithmImports import *

from algorithm.protect import protect
from protection.contracts.settings import ProtectionSettings

LIMITS = {
    "limits.max_position": "0.20",
    "limits.max_leverage": "0.50",
    "live.beat_seconds": "30",  # the laws are the same at every pace
}


class Capped(QCAlgorithm):
    def initialize(self):
        self.set_start_date(2013, 10, 7)
        self.set_end_date(2013, 10, 8)
        self.set_cash(1_000_000)
        self.spy = self.add_equity("SPY", Resolution.MINUTE).symbol
        self.bars = 0
        self.protection = protect(self, ProtectionSettings.from_flat(LIMITS), audit="off")

    def on_data(self, data):
        self.bars += 1
        if self.bars % 15 == 1:
            # many at once, on as many threads as there are
            for quantity in (400, 300, 500, 200, 350, 250):
                self.market_order(self.spy, quantity, asynchronous=True)
            price = self.securities[self.spy].price
            self.resting = self.limit_order(self.spy, 10, round(price * 0.95, 2), True)
        elif self.bars % 15 == 4:
            # the road around the gate: a small order made large
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
