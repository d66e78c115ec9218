from AlgorithmImports import *


class OnlyNewerData(EquityFillModel):
    """Fills on nothing that was known when the order was placed."""

    def fill(self, parameters):
        security = parameters.security
        placed = Extensions.convert_from_utc(parameters.order.time, security.exchange.time_zone)
        seen = (security.cache.get_data(kind) for kind in (QuoteBar, TradeBar, Tick))
        if any(point is not None and placed <= point.end_time for point in seen):
            return super().fill(parameters)
        return Fill([])


class PatientFills(QCAlgorithm):
    """A market order at the open waits for the first hour bar that ends after it."""

    def initialize(self):
        self.set_start_date(2013, 10, 1)
        self.set_end_date(2013, 10, 31)
        self.spy = self.add_equity("SPY", Resolution.HOUR)
        self.spy.set_fill_model(OnlyNewerData())
        self.schedule.on(self.date_rules.week_start(), self.time_rules.after_market_open(self.spy.symbol), self.enter)

    def enter(self):
        if self.portfolio.invested:
            return
        assert (self.time.hour, self.time.minute) == (9, 30), self.time
        assert self.buy("SPY", 1).status == OrderStatus.SUBMITTED

    def on_order_event(self, order_event):
        if order_event.status == OrderStatus.FILLED:
            assert (self.time.hour, self.time.minute) == (10, 0), self.time
