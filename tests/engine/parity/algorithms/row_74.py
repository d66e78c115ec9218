from AlgorithmImports import *
from QuantConnect.Data.Custom.IconicTypes import *


class DataThatBelongsToAShare(QCAlgorithm):
    """Puts points of linked data into a share's cache and looks at them through its data."""

    def initialize(self):
        self.set_start_date(2015, 10, 22)
        self.set_end_date(2015, 10, 30)
        self.share = self.add_equity("GOOGL", Resolution.DAILY)
        linked = self.add_data(LinkedData, "GOOGL", Resolution.DAILY)
        points = []
        for count in (100, 200):
            point = LinkedData()
            point.count, point.symbol, point.end_time = count, linked.symbol, self.start_date
            points.append(point)
        self.share.cache.add_data_list(points, list(linked.subscriptions)[0].type, False)

    def on_data(self, data):
        held = self.share.data
        if held.get(LinkedData).count != 200 or len(held.get_all(LinkedData)) != 2:
            raise ValueError("expected both points")
        if held.get(TradeBar).close != self.share.close or not held.has_data(TradeBar):
            raise ValueError("expected the bar that gave the price")
        if held.LinkedData != held.get_all(LinkedData) or held.has_property("Dividend"):
            raise ValueError("expected the points by the name of their type")
        if not self.portfolio.invested:
            self.buy(self.share.symbol, 10)
