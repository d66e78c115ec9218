"""``self.settings``."""

from __future__ import annotations

from datetime import timedelta

from engine.types.decimals import DecimalField
from engine.types.dotnet import LeanObject
from engine.types.enums import Resolution


class AlgorithmSettings(LeanObject):
    """Settings of a run with LEAN's defaults; amounts are fractions of the portfolio value."""

    max_absolute_portfolio_target_percentage = DecimalField()
    min_absolute_portfolio_target_percentage = DecimalField()
    minimum_order_margin_portfolio_percentage = DecimalField()
    free_portfolio_value = DecimalField()
    free_portfolio_value_percentage = DecimalField()

    def __init__(self) -> None:
        self.automatic_indicator_warm_up = False
        self.rebalance_portfolio_on_security_changes: bool | None = None
        self.rebalance_portfolio_on_insight_changes: bool | None = None
        self.max_absolute_portfolio_target_percentage = 1_000_000_000
        self.min_absolute_portfolio_target_percentage = 1e-10
        self.minimum_order_margin_portfolio_percentage = 0.001
        self.data_subscription_limit = 2**31 - 1
        self.free_portfolio_value = None
        self.free_portfolio_value_percentage = 0.0025
        self.liquidate_enabled = True
        self.stale_price_time_span = timedelta(hours=1)
        self.warmup_resolution: Resolution | None = None
        self.trading_days_per_year: int | None = None
        self.daily_precise_end_time = True
        self.daily_consolidation_use_extended_market_hours = False
        self.databases_refresh_period = timedelta(days=1)
        self.ignore_unknown_asset_holdings = True
        self.performance_sample_period = timedelta(0)
        self.seed_initial_prices = False

    @property
    def warm_up_resolution(self) -> Resolution | None:
        return self.warmup_resolution

    @warm_up_resolution.setter
    def warm_up_resolution(self, resolution: Resolution | None) -> None:
        self.warmup_resolution = resolution
