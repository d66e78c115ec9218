from AlgorithmImports import *


class PiecewiseModel(FillModel):
    """Fills each leg of a combo in pieces of one size."""

    def __init__(self):
        self.rest = {}

    def pieces(self, parameters, fills, size):
        orders = {pair.key.id: pair.key for pair in parameters.securities_for_orders}
        for fill in fills:
            order = orders[fill.order_id]
            rest = self.rest.get(order.id, order.absolute_quantity)
            part = min(size, rest)
            sign = 1 if order.quantity > 0 else -1
            fill.fill_quantity = sign * part
            fill.status = OrderStatus.FILLED if part == rest else OrderStatus.PARTIALLY_FILLED
            self.rest[order.id] = rest - part
        return fills

    def combo_market_fill(self, order, parameters):
        return self.pieces(parameters, super().combo_market_fill(order, parameters), 50)

    def combo_limit_fill(self, order, parameters):
        return self.pieces(parameters, super().combo_limit_fill(order, parameters), 20)

    def combo_leg_limit_fill(self, order, parameters):
        return self.pieces(parameters, super().combo_leg_limit_fill(order, parameters), 10)


class PairInThreeWays(QCAlgorithm):
    """Buys SPY against IBM at the market, at a limit of the pair, and at a limit a leg."""

    def initialize(self):
        self.set_start_date(2019, 1, 1)
        self.set_end_date(2019, 1, 20)
        self.pair = [self.add_equity(name, Resolution.HOUR) for name in ("SPY", "IBM")]
        for security in self.pair:
            security.set_fill_model(PiecewiseModel())

    def on_data(self, data):
        if self.portfolio.invested:
            return
        long, short = self.pair
        legs = [Leg.create(long.symbol, 1), Leg.create(short.symbol, -1)]
        self.combo_market_order(legs, 100)
        self.combo_limit_order(legs, 100, round(long.bid_price))
        limits = [round(security.bid_price) + 1 for security in self.pair]
        legs = [Leg.create(long.symbol, 1, limits[0]), Leg.create(short.symbol, -1, limits[1])]
        self.combo_leg_limit_order(legs, 100)
