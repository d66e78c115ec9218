"""A volatility-targeted trend ensemble under protection: the algorithm that LEAN and the embedded
engine load.
"""

from AlgorithmImports import *

from algorithm.alpha import LOOKBACKS, TrendEnsemble
from algorithm.construction import VolatilityTargetConstruction
from algorithm.parameters import read_parameters
from algorithm.prices import Closes
from algorithm.protect import protect
from algorithm.universe import TickerUniverse, parse_tickers


class QmpOverrider(QCAlgorithm):
    """Reads its parameters, wires the models, and puts the protection under them."""

    def initialize(self) -> None:
        given = {pair.key: pair.value for pair in self.get_parameters()}
        parameters, settings = read_parameters(given)
        self.set_start_date(parameters.first_day())
        self.set_end_date(parameters.last_day())
        self.set_cash(parameters.cash)
        self.set_brokerage_model(BrokerageName.INTERACTIVE_BROKERS_BROKERAGE, AccountType.MARGIN)
        self.universe_settings.resolution = Resolution.DAILY

        tickers = parse_tickers(parameters.universe)
        for ticker in tickers:
            self.add_equity(ticker, Resolution.DAILY)
        self.set_benchmark(parameters.benchmark)
        closes = Closes(max(LOOKBACKS) + 1)
        self.set_universe_selection(TickerUniverse(tickers))
        self.set_alpha(TrendEnsemble(closes))
        self.set_portfolio_construction(
            VolatilityTargetConstruction(
                closes, parameters.target_volatility, parameters.max_position, parameters.max_gross
            )
        )
        self.set_execution(ImmediateExecutionModel())
        self.set_warm_up(max(LOOKBACKS) + 1, Resolution.DAILY)

        self.protection = (
            protect(
                self,
                settings,
                state=parameters.state,
                audit=parameters.audit,
                feeds=parameters.feeds,
                news=parameters.news,
            )
            if parameters.guarded(self.live_mode)
            else None
        )
