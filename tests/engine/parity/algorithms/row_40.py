from AlgorithmImports import *


class CrossOfTheMacd(QCAlgorithm):
    """Holds SPY while the MACD is above its signal, with a band against noise."""

    def initialize(self):
        self.set_start_date(2004, 1, 1)
        self.set_end_date(2015, 1, 1)
        self.set_cash(100000)
        self.add_equity("SPY", Resolution.DAILY)
        self.cross = self.macd("SPY", 12, 26, 9, MovingAverageType.EXPONENTIAL, Resolution.DAILY)
        self.plot_indicator("MACD", True, self.cross, self.cross.signal)
        self.plot_indicator("SPY", self.cross.fast, self.cross.slow)
        self.day = None

    def on_data(self, data):
        if not self.cross.is_ready or self.day == self.time.date():
            return
        gap = (self.cross.current.value - self.cross.signal.current.value) / self.cross.fast.current.value
        held = self.portfolio["SPY"].quantity
        if held <= 0 and gap > 0.0025:
            self.set_holdings("SPY", 1.0)
        elif held >= 0 and gap < -0.0025:
            self.liquidate("SPY")
        self.day = self.time.date()
