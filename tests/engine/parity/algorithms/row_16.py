from AlgorithmImports import *


class FourStepsInOne(QCAlgorithm):
    """Four targets in one step, given as float, float, numpy float and int."""

    def initialize(self):
        self.set_start_date(2013, 10, 7)
        self.set_end_date(2013, 10, 8)
        self.add_equity("SPY", Resolution.MINUTE)

    def on_data(self, data):
        if not self.portfolio.invested:
            for share in (0.1, float(0.2), np.float64(0.3), 1):
                self.set_holdings("SPY", share)

    def on_end_of_algorithm(self):
        assert not any(t.submit_request.asynchronous for t in self.transactions.get_order_tickets())
