"""What an algorithm knows anyway, told to the gauges: minutes, quotes, fills, answers, news.

====================== ============================== =====================================
gauge                  fed from                       when
====================== ============================== =====================================
``volatility_spike``   closes of minutes              minute bars or finer
``vpin``               closes and volumes of minutes  the same
``imbalance``          sizes at the best prices       quotes of minutes or finer, if asked for
``luld``               minutes against their bands    US shares with minute bars or finer
``market_wide``        a tracker of the S&P 500       subscribed by the hour or finer
``slippage`` (both)    fills of market orders         sent while the exchange was open
``mute_feed``          silence over its own rhythm    backtest; live the lifeline listens
``api_latency``,       submit to first answer         live
``latency_spike``
``news``               a calendar                     a calendar is given
====================== ============================== =====================================

A figure is told while it is at least half its threshold, and once more when it has fallen below;
then its source rests. So the hot path of a quiet minute is the meters' alone, and the ledger does
not fill with figures that say nothing. Daily bars feed nothing: at them this object is asleep.
"""

from __future__ import annotations

from AlgorithmImports import *

import threading
import time as wall
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from typing import TYPE_CHECKING

from algorithm.bridge import utc
from protection.circuit_breakers.flow_meters import AckTimes, FillCost, Imbalance, Spike, Vpin
from protection.circuit_breakers.meters import (
    Cadence,
    LimitState,
    MarketWide,
    NewsCalendar,
)
from protection.contracts import records
from protection.contracts.actions import PORTFOLIO
from protection.contracts.errors import FixSettings
from protection.risk.checks.market import Reference, luld_bands

if TYPE_CHECKING:
    from algorithm.protect import Protection

AUTO = (
    *("volatility_spike", "vpin", "luld", "market_wide", "slippage", "mute_feed", "api_latency"),
    *("latency_spike", "news"),
)
"""What ``auto`` feeds: everything whose usual figures are far from its threshold."""
KNOWN = (*AUTO, "imbalance")
INDEX = frozenset({"SPY", "VOO", "IVV", "SPX", "SP500INDEX"})
"""Tickers that move as the index of the market-wide breaker does."""

_MINUTE = timedelta(minutes=1)
_PAUSE = timedelta(minutes=5)
"""Time within which the next step with data comes."""
_REST, _AGAIN = timedelta(days=7), timedelta(days=1)


@dataclass(slots=True)
class _Flow:
    """Meters of one symbol."""

    symbol: Symbol
    share: bool
    spike: Spike = field(default_factory=Spike)
    vpin: Vpin = field(default_factory=Vpin)
    imbalance: Imbalance = field(default_factory=Imbalance)
    reference: Reference = field(default_factory=Reference)
    limit: LimitState = field(default_factory=LimitState)
    cost: FillCost = field(default_factory=FillCost)
    cadence: Cadence = field(default_factory=lambda: Cadence(_MINUTE))
    session: date | None = None
    last: datetime | None = None
    volume: float = 0.0


class Feeds:
    """Feeds the gauges of one protected algorithm.

    Parameters
    ----------
    protection : whose system is told
    wanted : ``auto``, ``off``, or names of gauges separated by commas
    news : ``off``, or the calendar: a key of the Object Store or a file, see
        :class:`~protection.circuit_breakers.meters.NewsCalendar`

    Attributes
    ----------
    active : whether anything can be fed at all; asked at every step before anything else

    Raises
    ------
    FixSettings
        For an unknown name, or a calendar that cannot be read.
    """

    def __init__(self, protection: Protection, wanted: str = "auto", news: str = "off") -> None:
        self._protection = protection
        self._names = _read_names(wanted)
        specs = protection.system.settings.gauges.specs()
        # half of each threshold; a gauge that is off is not fed
        self._near = {n: 0.5 * specs[n].threshold for n in self._names if n in specs}
        self._news: NewsCalendar | None = None
        if "news" in self._near and news != "off":
            self._news = NewsCalendar.read(_text(protection.algorithm, news))
        self._live = bool(protection.algorithm.live_mode)
        self._flows: dict[str, _Flow] = {}
        self._fine: frozenset[Symbol] = frozenset()
        self._index: Security | None = None
        self._closes: tuple[date, float, float] | None = None  # session, prior close, last price
        self._market = MarketWide()
        self._acks = AckTimes()
        self._lock = threading.Lock()  # orders are sent and answered on other threads
        self._arrivals: dict[int, float] = {}
        kept = protection.system.snapshot()["board"]["gauges"]
        # what a restart found awake must be told when it is over
        known = [(row[0], row[1].removeprefix("symbol:")) for row in kept if row[0] in self._near]
        self._loud = set(known)
        self._again: dict[tuple[str, str], datetime] = {}
        self.active = self._always = bool(self._near) and (self._live or self._news is not None)

    def describe(self) -> str:
        """One sentence for the log."""
        if not self._near:
            return "gauges are fed by nobody"
        return f"gauges fed where the data allow: {', '.join(sorted(self._near))}"

    def changed(self) -> None:
        """Look anew at what is subscribed."""
        if not self._near:
            return
        fine, index = set(), None
        for pair in self._protection.algorithm.securities:
            security = pair.value
            steps = [x.increment for x in security.subscriptions if not x.is_internal_feed]
            if min(steps, default=_REST) <= _MINUTE:
                fine.add(pair.key)
            if pair.key.value in INDEX and min(steps, default=_REST) <= timedelta(hours=1):
                index = security
        self._fine, self._index = frozenset(fine), index
        self.active = self._always or bool(fine) or index is not None

    # -- the market ----------------------------------------------------------------------------

    def step(self, bars: list[records.Bar], warming: bool) -> None:
        """Take in a step with data and tell what has come of it; before the account is judged.

        Parameters
        ----------
        bars : news of this step
        warming : history: meters learn, nothing is told
        """
        now = self._protection.clock.now()
        try:
            for bar in bars:
                if bar.period <= _MINUTE:
                    self._take(bar, now, warming)
            self._take_index(now, warming)
            if not warming:
                self._tell_silence(now)
                self._tell_answers(now)
                self._tell_news(now)
        except BaseException as error:
            self._failed(error)

    def _take(self, bar: records.Bar, now: datetime, warming: bool) -> None:
        key = bar.symbol
        flow = self._flows.get(key)
        if flow is None:
            symbol = self._protection.bridge.symbol(key)
            if symbol is None or symbol not in self._fine:
                return
            american = symbol.security_type == SecurityType.EQUITY and symbol.id.market == "usa"
            flow = self._flows[key] = _Flow(symbol, american)
        flow.volume += bar.volume
        if flow.last is not None and now - flow.last < _MINUTE:
            return  # finer than a minute: its volume waits for the minute to be full
        security = self._protection.algorithm.securities[flow.symbol]
        local = security.local_time
        session = local.date()
        if session != flow.session:
            flow.session = session
            flow.cadence.pause()
        flow.cadence.heard(now)
        flow.last, volume, flow.volume = now, flow.volume, 0.0
        wanted, figures = self._near, {}
        if "volatility_spike" in wanted:
            figures["volatility_spike"] = flow.spike.update(now, bar.close, session, local)
        if "vpin" in wanted:
            figures["vpin"] = flow.vpin.update(bar.close, volume, session)
        if "imbalance" in wanted:
            sizes = float(security.bid_size), float(security.ask_size)
            figures["imbalance"] = flow.imbalance.update(*sizes)
        if flow.share and "luld" in wanted:
            figures["luld"] = self._stands(flow, now, bar.close, session, local)
        if ("slippage", key) in self._loud:
            figures["slippage"] = flow.cost.value(now)
        if not warming:
            for name, value in figures.items():
                self._tell(name, key, value, now, security)

    def _stands(
        self, flow: _Flow, now: datetime, price: float, session: date, local: datetime
    ) -> float:
        """Return 1 when the price has stood at a limit-up limit-down band."""
        reference = flow.reference
        tier = self._protection.system.settings.orders.luld_tier or 2
        bands = None
        if reference.session == session:
            close = reference.close or reference.price
            bands = luld_bands(reference.price, close, tier, local.time())
        reference.update(now, price, session)
        return flow.limit.update(now, price, bands)

    def _take_index(self, now: datetime, warming: bool) -> None:
        security = self._index
        if security is None:
            return
        price, day = float(security.price), security.local_time.date()
        if not price > 0.0:
            return
        known = self._closes
        if known is None or known[0] != day:
            # the session's open stands in for a close that is not known
            data = self._protection.algorithm.current_slice
            split = data is not None and data.splits.contains_key(security.symbol)
            prior = price if known is None or split else known[2]
            self._closes = (day, prior, price)
        else:
            self._closes = (day, known[1], price)
        level = self._market.update(now, price, self._closes[1])
        if not warming:
            self._tell("market_wide", PORTFOLIO, level, now)

    def _tell_silence(self, now: datetime) -> None:
        if self._live or "mute_feed" not in self._near:
            return
        for key, flow in self._flows.items():
            if flow.last == now and ("mute_feed", key) not in self._loud:
                continue
            security = self._protection.algorithm.securities[flow.symbol]
            # before a session's first price there is no rhythm that could be missed
            today = security.local_time.date() == flow.session
            listens = today and security.exchange.exchange_open
            value = flow.cadence.value(now) if listens else 0.0
            self._tell("mute_feed", key, value, now, security)

    def _tell_news(self, now: datetime) -> None:
        if self._news is None:
            return
        scopes: set[str] = set()
        for name in self._news.inside(now):
            scopes |= {PORTFOLIO} if name == PORTFOLIO else set(self._keys(name))
        told = {scope for name, scope in self._loud if name == "news"}
        for scope in scopes | told:
            self._tell("news", scope, float(scope in scopes), now)

    def _keys(self, ticker: str) -> list[str]:
        bridge = self._protection.bridge
        securities = self._protection.algorithm.securities
        return [bridge.key(pair.key) for pair in securities if pair.key.value == ticker]

    # -- orders --------------------------------------------------------------------------------

    def sent(self, security: Security, order: Order) -> None:
        """Note an order that the gate has let through: its arrival price, and that it waits."""
        try:
            self._sent(security, order)
        except BaseException as error:
            self._failed(error)

    def _sent(self, security: Security, order: Order) -> None:
        number = int(order.id)
        if self._live:
            with self._lock:
                self._acks.sent(number, _now())
        if (
            "slippage" in self._near
            and order.type == OrderType.MARKET
            and security.symbol in self._fine
            and security.exchange.exchange_open
        ):
            price = float(security.price)
            if price > 0.0:
                self._arrivals[number] = price

    def hear(self, record: records.OrderEvent) -> None:
        """Take in an order event: an answer of the broker, and what a fill cost."""
        try:
            self._hear(record)
        except BaseException as error:
            self._failed(error)

    def _hear(self, record: records.OrderEvent) -> None:
        number = int(record.order_id)
        if self._live:
            with self._lock:
                self._acks.heard(number, _now())
        arrival = self._arrivals.get(number)
        if arrival is None:
            return
        if record.status.terminal:
            del self._arrivals[number]
        flow = self._flows.get(record.symbol)
        if flow is not None and record.fill_quantity and record.fill_price > 0.0:
            now = self._protection.clock.now()
            paid = flow.cost.fill(now, record.fill_quantity, record.fill_price, arrival)
            self._tell("slippage", record.symbol, paid, now)

    def _tell_answers(self, now: datetime) -> None:
        if not self._live:
            return
        with self._lock:
            moment = _now()
            slowest, spike = self._acks.slowest(moment), self._acks.spike(moment)
        self._tell("api_latency", PORTFOLIO, slowest, now)
        self._tell("latency_spike", PORTFOLIO, spike, now)

    def _failed(self, error: BaseException) -> None:
        """Say once that a feed is broken; its gauges go stale, the rest goes on."""
        self._protection.counts["feed_errors"] += 1
        self._protection.say(f"a gauge could not be fed ({error!r})")

    # -- telling -------------------------------------------------------------------------------

    def _tell(
        self,
        name: str,
        scope: str,
        value: float | None,
        now: datetime,
        security: Security | None = None,
    ) -> None:
        near = self._near.get(name)
        if near is None or value is None:
            return
        key = (name, scope)
        if value < near:
            again = self._again.get(key)
            if key not in self._loud and (again is None or now < again):
                return
            self._loud.discard(key)
            # told again before the rest is over: else it would be missed
            self._again[key] = now + _AGAIN
            until = now + _REST
        else:
            self._loud.add(key)
            until = now + _PAUSE if security is None else self._until(security, now)
        self._protection.system.observe(records.Statistic(scope, now, name, value, until))

    @staticmethod
    def _until(security: Security, now: datetime) -> datetime:
        """Return when the next minute can be missing: after one that nobody traded in, or at the
        next open.
        """
        exchange = security.exchange
        if exchange.exchange_open:
            return now + _MINUTE
        opens = exchange.hours.get_next_market_open(security.local_time, False)
        return utc(Extensions.convert_to_utc(opens, exchange.time_zone))


def _now() -> datetime:
    """Return the time by the machine: the algorithm's own is that of the last data."""
    return datetime.fromtimestamp(wall.time(), UTC)


def _read_names(text: str) -> tuple[str, ...]:
    word = text.strip().lower()
    if word == "off":
        return ()
    if word == "auto":
        return AUTO
    names = tuple(part.strip() for part in word.split(","))
    for name in names:
        if name not in KNOWN:
            raise FixSettings(
                f"expected feeds to be auto, off, or some of {', '.join(KNOWN)}, was {name!r}"
            )
    return names


def _text(algorithm: QCAlgorithm, place: str) -> str:
    """Return the text of a calendar: an Object Store key, or else a file."""
    if algorithm.object_store.contains_key(place):
        return str(algorithm.object_store.read(place))
    try:
        with open(place, encoding="utf-8") as file:
            return file.read()
    except OSError as error:
        raise FixSettings(
            f"expected news as a key of the Object Store or a file, was {place!r}: {error}"
        ) from error
