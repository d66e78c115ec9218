"""Indicators and consolidators of ``QCAlgorithm``."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

from engine.algorithm.breadth import BreadthMixin
from engine.algorithm.consolidating import input_type_of, point_pusher
from engine.algorithm.indicator_history import IndicatorHistoryMixin, resolution_or_selector
from engine.algorithm.indicator_table import DAILY_BY_DEFAULT, Overload, choose, overloads
from engine.consolidators.base import listen
from engine.consolidators.subscriptions import as_symbol
from engine.indicators.base import number_text
from engine.indicators.fields import data_type_of
from engine.types.bars import TradeBar
from engine.types.enums import CorrelationType, Resolution
from engine.types.errors import ArgumentException

_SUFFIX = {
    Resolution.TICK: "tick",
    Resolution.SECOND: "sec",
    Resolution.MINUTE: "min",
    Resolution.HOUR: "hr",
    Resolution.DAILY: "day",
}


class IndicatorsMixin(BreadthMixin, IndicatorHistoryMixin):
    """The indicator helpers (``sma``, ``ema``, ...), registration, warm-up and history of
    indicators.
    """

    def _init_indicators(self) -> None:
        self._warned_no_warm_up = False
        self._warned_extended_daily = False
        self._wrapped: dict[int, tuple[Any, Any]] = {}

    @property
    def enable_automatic_indicator_warm_up(self) -> bool:
        return bool(self.settings.automatic_indicator_warm_up)

    @enable_automatic_indicator_warm_up.setter
    def enable_automatic_indicator_warm_up(self, enabled: bool) -> None:
        self.settings.automatic_indicator_warm_up = enabled

    # names

    def create_indicator_name(self, symbol: Any, type: str, resolution: Resolution | None) -> str:
        """Return LEAN's name of an indicator: ``SMA(5,SPY_day)``."""
        known = symbol is not None and str(symbol) != ""
        if resolution is None and known:
            resolution = self._get_subscription(symbol).resolution
        parts = [str(symbol)] if known else []
        parts.append("" if resolution is None else _SUFFIX[Resolution(resolution)])
        return f"{type}({'_'.join(parts)})".replace(")(", ",")

    # helpers

    def _helper(self, made: tuple[Overload, ...], args: tuple[Any, ...], kwargs: Any) -> Any:
        if "symbol" in kwargs:
            symbol, rest = as_symbol(kwargs.pop("symbol")), args
        else:
            symbol, rest = as_symbol(args[0]), args[1:]
        overload, values = choose(made, rest, kwargs)
        resolution, selector = values.pop("resolution"), values.pop("selector")
        method = overload.method
        if method in DAILY_BY_DEFAULT and resolution is None:
            resolution = Resolution.DAILY
        label = overload.label.format(**{k: number_text(v) for k, v in values.items()})
        name = self.create_indicator_name(symbol, label, resolution)
        if method in ("aroon", "dch") and len(values) == 1:
            values = dict.fromkeys(("up", "down"), values["period"])
        indicator = overload.made(name, *values.values())
        if selector is None and method in ("max", "min") and self._has_bars(symbol):
            selector = _high if method == "max" else _low
        self._initialize_indicator(indicator, resolution, selector, [symbol])
        return indicator

    def _has_bars(self, symbol: Any) -> bool:
        return issubclass(self._get_subscription(symbol)._type, TradeBar)

    def _initialize_indicator(
        self, indicator: Any, resolution: Any, selector: Any, symbols: list[Any]
    ) -> None:
        kind = data_type_of(selector) if indicator._input == "point" else None
        for symbol in symbols:
            if kind is not None:
                consolidator = self.resolve_consolidator(symbol, resolution, kind)
                self.register_indicator(symbol, indicator, consolidator, selector)
            else:
                self.register_indicator(symbol, indicator, resolution, selector)
        if self.settings.automatic_indicator_warm_up:
            self.warm_up_indicator(symbols, indicator, resolution, selector)

    def vwap(self, symbol: Any, *args: Any, **kwargs: Any) -> Any:
        """Volume weighted price over ``period`` bars; without a period, of the day so far."""
        if args or kwargs:
            return self._helper(_VWAP, (symbol, *args), kwargs)
        from engine.indicators.volume import IntradayVwap

        symbol = as_symbol(symbol)
        indicator = IntradayVwap(self.create_indicator_name(symbol, "VWAP", None))
        self.register_indicator(symbol, indicator)
        return indicator

    def sto(self, symbol: Any, *args: Any, **kwargs: Any) -> Any:
        """Stochastic: ``(symbol, period, k_period, d_period)`` or ``(symbol, period)``."""
        whole = [a for a in args if isinstance(a, int) and not isinstance(a, Resolution)]
        if len(whole) == 1 and not {"k_period", "d_period"} & kwargs.keys():
            args = (args[0], args[0], 3, *args[1:])
        elif not whole and "period" in kwargs and "k_period" not in kwargs:
            kwargs = {**kwargs, "k_period": kwargs["period"], "d_period": 3}
        return self._helper(_TABLE["sto"], (symbol, *args), kwargs)

    def identity(
        self,
        symbol: Any,
        resolution: Any = None,
        selector: Any = None,
        field_name: str | None = None,
    ) -> Any:
        """Return an indicator of the values themselves."""
        from engine.indicators.basic import Identity

        symbol = as_symbol(symbol)
        resolution, selector = resolution_or_selector(resolution, selector)
        name, period = self._identity_name(symbol, resolution, field_name)
        indicator = Identity(name)
        if isinstance(period, timedelta):
            self.register_indicator(symbol, indicator, period, selector)
        else:
            self._initialize_indicator(indicator, period, selector, [symbol])
        return indicator

    def filtered_identity(
        self,
        symbol: Any,
        resolution: Any = None,
        selector: Any = None,
        filter: Any = None,
        field_name: str | None = None,
    ) -> Any:
        """Return an indicator of the values that pass a filter."""
        from engine.indicators.basic import FilteredIdentity

        symbol = as_symbol(symbol)
        if callable(resolution) and callable(selector) and filter is None:
            resolution, selector, filter = None, resolution, selector
        resolution, selector = resolution_or_selector(resolution, selector)
        name, period = self._identity_name(symbol, resolution, field_name)
        indicator = FilteredIdentity(name, filter)
        self.register_indicator(symbol, indicator, period, selector)
        return indicator

    def _identity_name(self, symbol: Any, resolution: Any, field: str | None) -> tuple[str, Any]:
        if isinstance(resolution, timedelta):
            return f"{symbol}({field or 'close'},{resolution})", resolution
        if resolution is None:
            resolution = self._get_subscription(symbol).resolution
        return self.create_indicator_name(symbol, field or "close", resolution), resolution

    def _dual(
        self,
        made: Callable[[str], Any],
        label: str,
        target: Any,
        reference: Any,
        resolution: Any,
        selector: Any,
    ) -> Any:
        indicator = made(self.create_indicator_name(None, label, resolution))
        symbols = [as_symbol(target), as_symbol(reference)]
        self._initialize_indicator(indicator, resolution, selector, symbols)
        return indicator

    def b(
        self,
        target: Any,
        reference: Any,
        period: int,
        resolution: Any = None,
        selector: Any = None,
    ) -> Any:
        """Beta of ``target`` against ``reference``."""
        from engine.indicators.pairs import Beta

        symbols = as_symbol(target), as_symbol(reference)
        return self._dual(
            lambda name: Beta(name, *symbols, period),
            f"B({period})", *symbols, resolution, selector,
        )  # fmt: skip

    def c(
        self,
        target: Any,
        reference: Any,
        period: int,
        correlation_type: CorrelationType = CorrelationType.PEARSON,
        resolution: Any = None,
        selector: Any = None,
    ) -> Any:
        """Correlation of the closes of two symbols."""
        from engine.indicators.pairs import Correlation

        symbols = as_symbol(target), as_symbol(reference)
        return self._dual(
            lambda name: Correlation(name, *symbols, period, correlation_type),
            f"C({period})", *symbols, resolution, selector,
        )  # fmt: skip

    def cov(
        self,
        target: Any,
        reference: Any,
        period: int,
        resolution: Any = None,
        selector: Any = None,
    ) -> Any:
        """Covariance of the returns of two symbols."""
        from engine.indicators.pairs import Covariance

        symbols = as_symbol(target), as_symbol(reference)
        return self._dual(
            lambda name: Covariance(name, *symbols, period),
            f"COV({period})", *symbols, resolution, selector,
        )  # fmt: skip

    def a(
        self,
        target: Any,
        reference: Any,
        alpha_period: int = 1,
        beta_period: int = 252,
        resolution: Any = None,
        risk_free_rate: Any = None,
        selector: Any = None,
    ) -> Any:
        """Jensen's alpha of ``target`` against ``reference``."""
        from engine.indicators.pairs import Alpha

        symbols = as_symbol(target), as_symbol(reference)
        rate = "" if risk_free_rate is None else f",{number_text(risk_free_rate)}"
        name = self.create_indicator_name(
            symbols[0], f"A({alpha_period},{beta_period}{rate})", resolution
        )
        model = self._rate_model(risk_free_rate)
        indicator = Alpha(name, *symbols, alpha_period, beta_period, model)
        self._initialize_indicator(indicator, resolution, selector, list(symbols))
        return indicator

    def sr(
        self,
        symbol: Any,
        sharpe_period: int,
        risk_free_rate: Any = None,
        resolution: Any = None,
        selector: Any = None,
    ) -> Any:
        """Sharpe ratio of the last ``sharpe_period`` returns."""
        from engine.indicators.ratios import SharpeRatio

        symbol = as_symbol(symbol)
        if isinstance(risk_free_rate, Resolution):
            risk_free_rate, resolution, selector = None, risk_free_rate, resolution
        rate = "" if risk_free_rate is None else f",{number_text(risk_free_rate)}"
        name = self.create_indicator_name(symbol, f"SR({sharpe_period}{rate})", resolution)
        indicator = SharpeRatio(name, sharpe_period, self._rate_model(risk_free_rate))
        self._initialize_indicator(indicator, resolution, selector, [symbol])
        return indicator

    def _rate_model(self, rate: Any) -> Any:
        if rate is not None:
            return float(rate)
        return lambda time: float(self.risk_free_interest_rate_model.get_interest_rate(time))

    # registration

    def register_indicator(
        self,
        symbol: Any,
        indicator: Any,
        resolution: Any = None,
        selector: Any = None,
        *,
        consolidator: Any = None,
        py_object: Any = None,
    ) -> None:
        """Feed an indicator with bars of a symbol.

        Parameters
        ----------
        symbol : Symbol or str
        indicator : IndicatorBase or object with ``update``, ``value`` and ``is_ready``
        resolution : Resolution, timedelta or consolidator, optional
            The bars; by default those of the subscription.
        selector : callable, optional
            From a bar to what the indicator takes: a number, or a bar.

        Raises
        ------
        ArgumentException
            Where the consolidator's bars are not what the indicator takes.
        """
        symbol, indicator = as_symbol(symbol), self._managed(indicator)
        given = consolidator if consolidator is not None else py_object
        if given is None:
            given = resolution
        if callable(given) and not hasattr(given, "update"):
            given, selector = None, given
        if given is None or isinstance(given, (Resolution, timedelta)):
            given = self.resolve_consolidator(symbol, given, input_type_of(indicator))
        indicator.consolidators.add(given)
        self.subscription_manager.add_consolidator(symbol, given)
        if indicator._input == "point":
            listen(given, point_pusher(indicator, selector))
            return
        if selector is None:
            _check_output(symbol, indicator, given)
        push = indicator._push_bar
        if selector is None:
            listen(given, lambda _sender, bar: push(bar))
        else:
            listen(given, lambda _sender, bar: push(selector(bar)))

    def deregister_indicator(self, indicator: Any) -> None:
        """Stop feeding an indicator; it keeps its value."""
        indicator = self._managed(indicator)
        for consolidator in list(indicator.consolidators):
            self.subscription_manager.remove_consolidator(None, consolidator)
        indicator.consolidators.clear()

    unregister_indicator = deregister_indicator


def _check_output(symbol: Any, indicator: Any, consolidator: Any) -> None:
    """Refuse an indicator of bars on a consolidator of something else."""
    accepts = getattr(indicator, "_accepts", None)
    if accepts is None or indicator._input not in ("bar", "trade"):
        return
    if not issubclass(consolidator.output_type, accepts):
        raise ArgumentException(
            f"Type mismatch found between consolidator and indicator for symbol: {symbol}."
            f"Consolidator outputs type {consolidator.output_type.__name__} but indicator expects "
            f"input type {indicator._expected.rsplit('.', 1)[-1]}"
        )


def _high(bar: Any) -> float:
    return float(bar.high)


def _low(bar: Any) -> float:
    return float(bar.low)


_TABLE = overloads()
_VWAP = _TABLE.pop("vwap")


def _method(name: str, made: tuple[Overload, ...]) -> Callable[..., Any]:
    def helper(self: IndicatorsMixin, *args: Any, **kwargs: Any) -> Any:
        return self._helper(made, args, kwargs)

    helper.__name__ = name
    helper.__qualname__ = f"IndicatorsMixin.{name}"
    shapes = (", ".join(["symbol", *(p.name for p in one.parameters)]) for one in made)
    helper.__doc__ = f"Make {made[0].made.__name__}: " + " or ".join(
        f"({shape}, resolution, selector)" for shape in shapes
    )
    return helper


for _name, _made in _TABLE.items():
    if _name not in vars(IndicatorsMixin):
        setattr(IndicatorsMixin, _name, _method(_name, _made))
