from AlgorithmImports import *


class FractionsOfACoin(QCAlgorithm):
    """Fractional orders on daily bitcoin with margin, placed from a consolidator; one is too small."""

    def initialize(self):
        self.set_start_date(2015, 11, 12)
        self.set_end_date(2016, 4, 1)
        self.set_cash(100000)
        self.set_brokerage_model(BrokerageName.GDAX, AccountType.CASH)
        self.set_time_zone(TimeZones.UTC)
        coin = self.add_security(SecurityType.CRYPTO, "BTCUSD", Resolution.DAILY, Market.GDAX, False, 1, True)
        coin.set_buying_power_model(SecurityMarginModel(3.3))
        every_bar = TradeBarConsolidator(1)
        self.subscription_manager.add_consolidator("BTCUSD", every_bar)
        every_bar.data_consolidated += self.on_bar
        self.set_benchmark(coin.symbol)

    def on_bar(self, sender, bar):
        whole = math.floor((self.portfolio.cash + self.portfolio.total_fees) / abs(bar.value + 1))
        held = float(self.portfolio["BTCUSD"].quantity)
        if not self.portfolio.invested:
            self.order("BTCUSD", whole)
        elif held == whole:
            self.order("BTCUSD", 0.1)
        elif held == whole + 0.1:
            self.order("BTCUSD", 0.01)
        elif held == whole + 0.11:
            self.order("BTCUSD", -0.02)
        elif held == whole + 0.09:
            self.order("BTCUSD", 0.00001)
            self.set_holdings("BTCUSD", -2.0)
            self.set_holdings("BTCUSD", 2.0)
            self.quit()
