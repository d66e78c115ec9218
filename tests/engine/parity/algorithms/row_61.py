from AlgorithmImports import *


class EuroAccount(QCAlgorithm):
    """A cash account in euros buys bitcoin with all it has."""

    def initialize(self):
        self.set_start_date(2018, 4, 4)
        self.set_end_date(2018, 4, 4)
        self.set_brokerage_model(BrokerageName.GDAX, AccountType.CASH)
        self.set_account_currency("EUR")
        self.set_cash(100000)
        self.coin = self.add_crypto("BTCEUR").symbol

    def on_data(self, data):
        if not self.portfolio.invested:
            self.set_holdings(self.coin, 1)
