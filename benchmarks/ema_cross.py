"""The algorithm of the speed benchmark."""

from AlgorithmImports import *


class EmaCross(QCAlgorithm):
    """Holds SPY while the fast average is above the slow one."""

    def initialize(self):
        self.set_start_date(2003, 1, 1)
        self.set_end_date(2012, 12, 31)
        self.set_cash(100000)
        self.spy = self.add_equity("SPY", Resolution.MINUTE).symbol
        self.fast = self.ema(self.spy, 10, Resolution.MINUTE)
        self.slow = self.ema(self.spy, 30, Resolution.MINUTE)

    def on_data(self, data):
        if not self.slow.is_ready:
            return
        held = self.portfolio[self.spy].quantity
        fast, slow = self.fast.current.value, self.slow.current.value
        if held <= 0 and fast > slow * 1.001:
            self.set_holdings(self.spy, 1)
        elif held > 0 and fast < slow:
            self.liquidate(self.spy)
