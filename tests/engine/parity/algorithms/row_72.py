from AlgorithmImports import *


class OrdersOfATickerNobodyKnows(QCAlgorithm):
    """Sends an order of a ticker that was never added on every bar; each comes back invalid."""

    def initialize(self):
        self.set_start_date(2013, 10, 7)
        self.set_end_date(2013, 10, 8)
        self.add_equity("SPY", Resolution.MINUTE)

    def on_data(self, data):
        ticket = self.market_order("PEPE", 1)
        if (ticket.order_id, ticket.status) != (-10, OrderStatus.INVALID):
            raise ValueError(f"expected an invalid ticket, was {ticket}")
        if str(ticket.symbol) != "PEPE" or self.liquidate("NOBODY"):
            raise ValueError("expected a symbol by its ticker and nothing to sell")
        if not self.portfolio.invested:
            self.set_holdings("SPY", 1)
