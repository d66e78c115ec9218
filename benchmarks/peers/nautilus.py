"""EMA cross on nautilus_trader; run in the peers' own environment: python nautilus.py BARS.csv"""

from __future__ import annotations

import sys
import time
from decimal import Decimal

import pandas as pd
from nautilus_trader.backtest.engine import BacktestEngine, BacktestEngineConfig
from nautilus_trader.config import LoggingConfig
from nautilus_trader.examples.strategies.ema_cross import EMACross, EMACrossConfig
from nautilus_trader.model.currencies import USD
from nautilus_trader.model.data import BarType
from nautilus_trader.model.enums import AccountType, OmsType
from nautilus_trader.model.identifiers import Venue
from nautilus_trader.model.objects import Money
from nautilus_trader.persistence.wranglers import BarDataWrangler
from nautilus_trader.test_kit.providers import TestInstrumentProvider


def main() -> None:
    """Print the processor seconds of the loop."""
    frame = pd.read_csv(sys.argv[1], parse_dates=["time"], index_col="time").tz_localize("UTC")
    engine = BacktestEngine(BacktestEngineConfig(logging=LoggingConfig(bypass_logging=True)))
    venue = Venue("XNAS")
    engine.add_venue(
        venue, OmsType.NETTING, AccountType.MARGIN, [Money(1_000_000, USD)], base_currency=USD
    )
    instrument = TestInstrumentProvider.equity("SPY", "XNAS")
    engine.add_instrument(instrument)
    kind = BarType.from_str(f"{instrument.id}-1-MINUTE-LAST-EXTERNAL")
    engine.add_data(BarDataWrangler(kind, instrument).process(frame.round(2)))
    config = EMACrossConfig(
        instrument_id=instrument.id,
        bar_type=kind,
        trade_size=Decimal(100),
        fast_ema_period=10,
        slow_ema_period=30,
    )
    engine.add_strategy(EMACross(config))
    started = time.process_time()
    engine.run()
    print(time.process_time() - started)


main()
