from AlgorithmImports import *


class RibbonOfDelayedAverages(QCAlgorithm):
    """Buys when six delayed averages stand in order, sells when they stand the other way round."""

    def initialize(self):
        self.set_start_date(2009, 1, 1)
        self.set_end_date(2015, 1, 1)
        self.spy = self.add_equity("SPY", Resolution.DAILY).symbol
        average = SimpleMovingAverage(15)
        self.ribbon = []
        for step in range(1, 7):
            delayed = IndicatorExtensions.of(Delay(5 * step), average)
            self.register_indicator(self.spy, delayed, Resolution.DAILY)
            self.plot_indicator("Ribbon", delayed)
            self.ribbon.append(delayed)
        self.day = None

    def on_data(self, data):
        if not data[self.spy] or not all(x.is_ready for x in self.ribbon) or self.day == self.time.date():
            return
        self.plot("Ribbon", "Price", data[self.spy].price)
        values = [x.current.value for x in self.ribbon]
        pairs = list(zip(values, values[1:]))
        held = self.portfolio[self.spy].quantity
        if held <= 0 and all(a >= b for a, b in pairs):
            self.set_holdings(self.spy, 1.0)
        elif held > 0 and all(a <= b for a, b in pairs):
            self.liquidate(self.spy)
        self.day = self.time.date()
