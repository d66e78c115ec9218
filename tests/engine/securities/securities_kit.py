"""An account with real hours, properties and prices, and the golden runs it is compared with."""

from __future__ import annotations

import json
import os
import zipfile
from datetime import date, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

from engine.algorithm.settings import AlgorithmSettings
from engine.data.factors import FactorFile
from engine.data.hours import MarketHoursDatabase
from engine.data.properties import SymbolPropertiesDatabase
from engine.securities.brokerages import create_brokerage_model
from engine.securities.cash import CashAmount
from engine.securities.fees.base import OrderFee
from engine.securities.initializers import BrokerageModelSecurityInitializer
from engine.securities.manager import SecurityManager
from engine.securities.portfolio import SecurityPortfolioManager
from engine.securities.security import Security
from engine.securities.service import SecurityService
from engine.types.bars import Bar, BarSource, QuoteBar, TradeBar
from engine.types.enums import (
    AccountType,
    BrokerageName,
    DataNormalizationMode,
    SecurityType,
)
from engine.types.symbol import Symbol
from engine.types.timekeeper import TimeKeeper
from engine.types.timezones import TimeZones, to_utc

ROOT = Path(__file__).resolve().parents[3]
_FOLDERS = [
    ROOT / "tests" / "golden" / "lean",
    ROOT.parent / "shared" / "reference" / "lean_golden",
]
GOLDEN = next(folder for folder in _FOLDERS if any(folder.glob("*.json")))
DATA = Path(os.environ.get("LEAN_DATA", ROOT.parent / "shared" / "lean-data"))
START = datetime(2008, 9, 2, 13)


def golden(name: str) -> dict[str, Any]:
    """Read one golden run; its numbers are exact decimals."""
    path = GOLDEN / f"{name}.json"
    run: dict[str, Any] = json.loads(path.read_text(), parse_float=Decimal)
    return run


class Ticket:
    """The part of an order ticket that margin models read."""

    _quantity_filled = Decimal(0)


class Transactions:
    """The part of the transaction manager that accounts call, over a plain list of orders."""

    def __init__(self) -> None:
        self.open: list[Any] = []
        self.records: list[tuple[datetime, Decimal, bool]] = []

    def get_order_ticket(self, order_id: int) -> Ticket:
        return Ticket()

    def get_open_orders(self) -> list[Any]:
        return list(self.open)

    def _add_transaction_record(self, time: datetime, profit: Decimal, win: bool) -> None:
        self.records.append((time, profit, win))


class Account:
    """Securities, portfolio and clock of one brokerage model."""

    def __init__(
        self,
        brokerage: BrokerageName = BrokerageName.DEFAULT,
        account_type: AccountType = AccountType.MARGIN,
        cash: int = 100_000,
        utc: datetime = START,
    ) -> None:
        self.keeper = TimeKeeper(utc)
        self.model = create_brokerage_model(None, brokerage, account_type)
        self.securities = SecurityManager(self.keeper)
        self.transactions = Transactions()
        self.settings = AlgorithmSettings()
        self.portfolio = SecurityPortfolioManager(self.securities, self.transactions, self.settings)
        self.portfolio.set_cash(cash)
        self.service = SecurityService(
            self.portfolio.cash_book,
            MarketHoursDatabase._from_data_folder(DATA),
            SymbolPropertiesDatabase._from_data_folder(DATA),
            lambda: BrokerageModelSecurityInitializer(self.model),
            self.securities,
            self.keeper,
        )
        self.securities.set_security_service(self.service)

    def add(
        self,
        ticker: str,
        kind: SecurityType = SecurityType.EQUITY,
        market: str = "usa",
        price: Any = None,
    ) -> Security:
        security = self.service.create_security(Symbol.create(ticker, kind, market))
        self.securities.add(security)
        if price is not None:
            self.price(security, price)
        return security

    def price(self, security: Security, price: Any) -> None:
        """Give a security a bar whose four prices are the same."""
        end = self.keeper.utc
        number = float(price)
        security.set_market_price(
            TradeBar(end - timedelta(minutes=1), security.symbol, number, number, number, number, 1)
        )
        self.portfolio._invalidate()

    def fill(
        self, security: Security, quantity: Any, price: Any, fee: Any = 0, currency: str = "USD"
    ) -> None:
        self.portfolio.process_fills([Fill(security, quantity, price, fee, currency, self.keeper)])


class Fill:
    """The part of an order event that accounts read."""

    def __init__(
        self, security: Security, quantity: Any, price: Any, fee: Any, currency: str, keeper: Any
    ) -> None:
        self.symbol = security.symbol
        self._fill_quantity = Decimal(str(quantity))
        self._fill_price = Decimal(str(price))
        self._utc_time = keeper.utc
        self.order_fee = OrderFee(CashAmount(Decimal(str(fee)), currency))


def hour_bars(ticker: str, first: date, last: date) -> dict[datetime, TradeBar]:
    """Return adjusted hour bars of LEAN's sample data by their end in UTC."""
    symbol = Symbol.create(ticker, SecurityType.EQUITY, "usa")
    folder = DATA / "equity" / "usa"
    factors = FactorFile.read(folder / "factor_files" / f"{ticker.lower()}.csv")
    bars = {}
    with zipfile.ZipFile(folder / "hour" / f"{ticker.lower()}.zip") as archive:
        text = archive.read(archive.namelist()[0]).decode()
    for line in text.splitlines():
        day = date(int(line[:4]), int(line[4:6]), int(line[6:8]))
        if not first <= day <= last:
            continue
        stamp, *cells = line.split(",")
        start = datetime.strptime(stamp, "%Y%m%d %H:%M")
        end = start + timedelta(hours=1)
        factor = factors.factor(day, DataNormalizationMode.ADJUSTED)
        raw = [[int(cell)] for cell in cells[:4]]
        shown = [[float(int(cell) * Decimal("0.0001") * factor)] for cell in cells[:4]]
        source = BarSource(symbol, [start], [end], shown, raw, [[float(cells[4])]], factor=factor)
        bars[to_utc(end, TimeZones.NEW_YORK)] = TradeBar._of(source, 0)
    return bars


def coin_bars(ticker: str, day: date, market: str = "coinbase") -> dict[datetime, list[Any]]:
    """Return trade and quote bars of one day of minutes by their end in UTC, trades first."""
    symbol = Symbol.create(ticker, SecurityType.CRYPTO, market)
    bars: dict[datetime, list[Any]] = {}
    for kind in ("trade", "quote"):
        folder = DATA / "crypto" / market / "minute" / ticker.lower()
        with zipfile.ZipFile(folder / f"{day:%Y%m%d}_{kind}.zip") as archive:
            text = archive.read(archive.namelist()[0]).decode()
        for line in text.splitlines():
            stamp, *cells = line.split(",")
            start = datetime(day.year, day.month, day.day) + timedelta(milliseconds=int(stamp))
            numbers = [float(cell) if cell else 0.0 for cell in cells]
            if kind == "trade":
                bar: Any = TradeBar(start, symbol, *numbers)
            else:
                bid, ask = Bar(*numbers[:4]), Bar(*numbers[5:9])
                bar = QuoteBar(start, symbol, bid, numbers[4], ask, numbers[9])
            bars.setdefault(start + timedelta(minutes=1), []).append(bar)
    return bars
