from AlgorithmImports import *


class CloseOrdersAndTheirBuffer(QCAlgorithm):
    """Orders at the close, before and inside a submission buffer of ten minutes, and after the close."""

    def initialize(self):
        self.set_start_date(2013, 10, 7)
        self.set_end_date(2013, 10, 8)
        self.add_equity("SPY", Resolution.MINUTE)
        self.early = self.late = None
        self.schedule.on(self.date_rules.today, self.time_rules.at(17, 0), self.after_the_close)
        MarketOnCloseOrder.submission_time_buffer = timedelta(minutes=10)

    def after_the_close(self):
        self.evening = self.market_on_close_order("SPY", 2)

    def on_data(self, data):
        clock = (self.time.hour, self.time.minute)
        if clock == (15, 49) and self.early is None:
            self.early = self.market_on_close_order("SPY", 2)
        if clock == (15, 51) and self.late is None:
            self.late = self.market_on_close_order("SPY", 2)

    def on_end_of_algorithm(self):
        MarketOnCloseOrder.submission_time_buffer = MarketOnCloseOrder.DEFAULT_SUBMISSION_TIME_BUFFER
        assert self.early.status == OrderStatus.FILLED
        assert self.late.status == OrderStatus.INVALID
        assert self.evening.status == OrderStatus.FILLED
