from AlgorithmImports import *


def tag_of(target):
    return f"Portfolio target tag: {target.symbol} - {target.quantity:g}"


def tagged(targets):
    return [PortfolioTarget(t.symbol, t.quantity, tag_of(t)) for t in targets]


class TaggingConstruction(EqualWeightingPortfolioConstructionModel):
    def __init__(self):
        super().__init__(Resolution.DAILY)

    def create_targets(self, algorithm, insights):
        return tagged(super().create_targets(algorithm, insights))


class TaggingRisk(MaximumDrawdownPercentPerSecurity):
    def __init__(self):
        super().__init__(0.01)

    def manage_risk(self, algorithm, targets):
        return tagged(super().manage_risk(algorithm, targets))


class CheckingExecution(ImmediateExecutionModel):
    def __init__(self):
        super().__init__()
        self.seen = 0

    def execute(self, algorithm, targets):
        for target in targets:
            self.seen += 1
            assert target.tag == tag_of(target), target.tag
        super().execute(algorithm, targets)


class TagsReachTheOrders(QCAlgorithm):
    """Tags set by construction and risk models arrive at execution and on the orders."""

    def initialize(self):
        self.set_start_date(2013, 10, 7)
        self.set_end_date(2013, 10, 11)
        self.set_cash(100000)
        self.universe_settings.resolution = Resolution.MINUTE
        spy = Symbol.create("SPY", SecurityType.EQUITY, Market.USA)
        self.set_universe_selection(ManualUniverseSelectionModel([spy]))
        self.set_alpha(ConstantAlphaModel(InsightType.PRICE, InsightDirection.UP, timedelta(minutes=20), 0.025, None))
        self.set_portfolio_construction(TaggingConstruction())
        self.set_risk_management(TaggingRisk())
        self.checking = CheckingExecution()
        self.set_execution(self.checking)

    def on_end_of_algorithm(self):
        assert self.checking.seen
