from AlgorithmImports import *


class HourBarsOverASplit(QCAlgorithm):
    """Adjusted hour bars across Apple's split of 2014; bought on the last day."""

    def initialize(self):
        self.set_start_date(2014, 6, 6)
        self.set_end_date(2014, 6, 9)
        self.set_cash(100000)
        self.set_benchmark(lambda moment: 0)
        self.apple = self.add_equity("AAPL", Resolution.HOUR).symbol

    def on_data(self, data):
        if data.bars.count and not self.portfolio.invested and self.time.date() == self.end_date.date():
            self.buy(self.apple, 1)
