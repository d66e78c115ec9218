from AlgorithmImports import *


class MinuteBuyAndHold(QCAlgorithm):
    """One market order on minute bars, filled at the ask of the first quote bar."""

    def initialize(self):
        self.set_start_date(2013, 10, 7)
        self.set_end_date(2013, 10, 11)
        self.set_cash(100000)
        self.add_equity("SPY", Resolution.MINUTE)

    def on_data(self, data):
        if not self.portfolio.invested:
            self.set_holdings("SPY", 1)
