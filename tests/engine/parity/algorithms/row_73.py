from AlgorithmImports import *


class ForecastsThatDisagree(QCAlgorithm):
    """Trades a share when two forecasts, with and without a moving average, are a dollar apart."""

    def initialize(self):
        self.set_start_date(2013, 1, 7)
        self.set_end_date(2013, 12, 11)
        self.settings.automatic_indicator_warm_up = True
        self.spy = self.add_equity("SPY", Resolution.DAILY).symbol
        self.forecasts = [self.arima(self.spy, 1, 1, q, 50) for q in (1, 0)]
        self.before = None

    def on_data(self, data):
        mixed, plain = self.forecasts
        if not mixed.is_ready:
            return
        value = mixed.current.value
        if abs(value - plain.current.value) > 1:
            self.market_order(self.spy, 1 if value > self.before else -1)
        self.before = value
