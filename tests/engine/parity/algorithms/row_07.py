from AlgorithmImports import *


class NoBenchmarkBrokerage(DefaultBrokerageModel):
    def get_benchmark(self, securities):
        return FuncBenchmark(lambda moment: 0)


class HourBarsWithoutBenchmark(QCAlgorithm):
    """Hour bars; the brokerage model says that the benchmark is always zero."""

    def initialize(self):
        self.set_start_date(2013, 10, 7)
        self.set_end_date(2013, 10, 8)
        self.set_cash(100000)
        self.add_equity("SPY", Resolution.HOUR)
        self.set_brokerage_model(NoBenchmarkBrokerage())

    def on_data(self, data):
        if not self.portfolio.invested:
            self.set_holdings("SPY", 1)
