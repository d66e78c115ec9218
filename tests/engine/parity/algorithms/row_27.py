from AlgorithmImports import *


class OneSymbolRefused(DefaultBrokerageModel):
    default_markets = {SecurityType.EQUITY: Market.USA, SecurityType.CRYPTO: Market.BINANCE}

    def can_submit_order(self, security, order, message):
        if security.symbol.value == "AIG":
            return False, BrokerageMessageEvent(BrokerageMessageType.INFORMATION, "", "Symbol AIG can not be submitted")
        return True, None

    def can_update_order(self, security, order, request, message):
        return False, BrokerageMessageEvent(BrokerageMessageType.INFORMATION, "", "This order can not be updated")


class RefusingBrokerage(QCAlgorithm):
    """A brokerage model in Python that refuses one symbol and every update."""

    def initialize(self):
        self.set_start_date(2013, 10, 7)
        self.set_end_date(2013, 10, 11)
        self.set_brokerage_model(OneSymbolRefused())
        for ticker in ("SPY", "AIG"):
            self.add_equity(ticker, Resolution.DAILY)
        self.changed = None
        assert self.brokerage_model.default_markets[SecurityType.EQUITY] == Market.USA
        assert self.brokerage_model.default_markets[SecurityType.CRYPTO] == Market.BINANCE

    def on_data(self, data):
        if not self.portfolio.invested:
            self.market_order("SPY", 100.0)
            self.refused = self.market_order("AIG", 100.0)

    def on_order_event(self, order_event):
        if self.changed is None:
            self.changed = self.transactions.get_order_ticket(order_event.order_id)
            fields = UpdateOrderFields()
            fields.quantity = self.changed.quantity + 10
            self.changed.update(fields)

    def on_end_of_algorithm(self):
        said = self.refused.submit_request.response.error_message
        assert said == "BrokerageModel declared unable to submit order: [2] Information - Code:  - Symbol AIG can not be submitted"
        said = self.changed.update_requests[0].response.error_message
        assert said == "OrderID: 1 Information - Code:  - This order can not be updated"
