# ruff: noqa: E501
"""The indicator helpers of ``QCAlgorithm`` as a table: one line an overload.

``method | input | parameters | name | class``. Input: S (values), B (bars), T (trade bars). Parameters: ``name:type``
with the types i (whole number), d (number), m (moving average type), b (bool), c (correlation type) and an optional
default; they go to the class in this order, after the name. The name is what LEAN calls the indicator.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

import engine.indicators as indicators
from engine.types.enums import LeanEnum, MovingAverageType, Resolution, SwissArmyKnifeTool
from engine.types.errors import ArgumentException

TABLE = """
abands|T|period:i,width:d=4,moving_average_type:m=SIMPLE|ABANDS({period},{width})|AccelerationBands
ad|T||AD|AccumulationDistribution
adosc|T|fast_period:i,slow_period:i|ADOSC({fast_period},{slow_period})|AccumulationDistributionOscillator
ar|B|period:i|AR({period})|AverageRange
arima|S|ar_order:i,diff_order:i,ma_order:i,period:i|ARIMA({ar_order},{diff_order},{ma_order},{period})|AutoRegressiveIntegratedMovingAverage
arima|S|ar_order:i,diff_order:i,ma_order:i,period:i,intercept:b|ARIMA({ar_order},{diff_order},{ma_order},{period})|AutoRegressiveIntegratedMovingAverage
adx|B|period:i|ADX({period})|AverageDirectionalIndex
ao|B|fast_period:i,slow_period:i,type:m|AO({fast_period},{slow_period},{type})|AwesomeOscillator
adxr|B|period:i|ADXR({period})|AverageDirectionalMovementIndexRating
alma|S|period:i,sigma:i=6,offset:d=0.85|ALMA({period},{sigma},{offset})|ArnaudLegouxMovingAverage
apo|S|fast_period:i,slow_period:i,moving_average_type:m|APO({fast_period},{slow_period})|AbsolutePriceOscillator
aroon|B|period:i|AROON({period},{period})|AroonOscillator
aroon|B|up_period:i,down_period:i|AROON({up_period},{down_period})|AroonOscillator
atr|B|period:i,type:m=SIMPLE|ATR({period})|AverageTrueRange
aps|S|period:i=3|APS({period})|AugenPriceSpike
bb|S|period:i,k:d,moving_average_type:m=SIMPLE|BB({period},{k})|BollingerBands
bop|B||BOP|BalanceOfPower
cc|S|short_roc_period:i=11,long_roc_period:i=14,lwma_period:i=10|CC({short_roc_period},{long_roc_period},{lwma_period})|CoppockCurve
cci|B|period:i,moving_average_type:m=SIMPLE|CCI({period})|CommodityChannelIndex
chop|B|period:i|CHOP({period})|ChoppinessIndex
cks|B|atr_period:i,atr_mult:d,period:i,moving_average_type:m=WILDERS|CKS({atr_period},{atr_mult},{period})|ChandeKrollStop
cmf|T|period:i|CMF({period})|ChaikinMoneyFlow
co|T|fast_period:i,slow_period:i|CO({fast_period},{slow_period})|ChaikinOscillator
cmo|S|period:i|CMO({period})|ChandeMomentumOscillator
crsi|S|rsi_period:i,rsi_period_streak:i,look_back_period:i|CRSI({rsi_period},{rsi_period_streak},{look_back_period})|ConnorsRelativeStrengthIndex
dem|T|period:i,type:m|DEM({period},{type})|DeMarkerIndicator
dch|B|upper_period:i,lower_period:i|DCH({upper_period},{lower_period})|DonchianChannel
dch|B|period:i|DCH({period},{period})|DonchianChannel
dema|S|period:i|DEMA({period})|DoubleExponentialMovingAverage
do|S|rsi_period:i,smoothing_rsi_period:i,double_smoothing_rsi_period:i,signal_line_period:i|DO({rsi_period},{smoothing_rsi_period},{double_smoothing_rsi_period},{signal_line_period})|DerivativeOscillator
dpo|S|period:i|DPO({period})|DetrendedPriceOscillator
ema|S|period:i|EMA({period})|ExponentialMovingAverage
ema|S|period:i,smoothing_factor:d|EMA({period})|ExponentialMovingAverage
emv|T|period:i=1,scale:i=10000|EMV({period}, {scale})|EaseOfMovementValue
fi|T|period:i,type:m=EXPONENTIAL|FI({period})|ForceIndex
fish|T|period:i|FISH({period})|FisherTransform
frama|B|period:i,long_period:i=198|FRAMA({period},{long_period})|FractalAdaptiveMovingAverage
heikin_ashi|T||HA|HeikinAshi
he|S|period:i,max_lag:i=20|HE({period},{max_lag})|HurstExponent
hma|S|period:i|HMA({period})|HullMovingAverage
ht|S|length:i,in_phase_multiplication_factor:d,quadrature_multiplication_factor:d|HT({length}, {in_phase_multiplication_factor}, {quadrature_multiplication_factor})|HilbertTransform
ibs|T||IBS|InternalBarStrength
ichimoku|T|tenkan_period:i,kijun_period:i,senkou_a_period:i,senkou_b_period:i,senkou_a_delay_period:i,senkou_b_delay_period:i|ICHIMOKU({tenkan_period},{kijun_period},{senkou_a_period},{senkou_b_period},{senkou_a_delay_period},{senkou_b_delay_period})|IchimokuKinkoHyo
kama|S|period:i|KAMA({period},2,30)|KaufmanAdaptiveMovingAverage
kama|S|period:i,fast_ema_period:i,slow_ema_period:i|KAMA({period},{fast_ema_period},{slow_ema_period})|KaufmanAdaptiveMovingAverage
ker|S|period:i=2|KER({period})|KaufmanEfficiencyRatio
kch|B|period:i,k:d,moving_average_type:m=SIMPLE|KCH({period},{k})|KeltnerChannels
kst|S|roc1_period:i=10,roc1_ma_period:i=10,roc2_period:i=15,roc2_ma_period:i=10,roc3_period:i=20,roc3_ma_period:i=10,roc4_period:i=30,roc4_ma_period:i=15,signal_period:i=9,moving_average_type:m=SIMPLE|KST({roc1_period},{roc1_ma_period},{roc2_period},{roc2_ma_period},{roc3_period},{roc3_ma_period},{roc4_period},{roc4_ma_period},{signal_period},{moving_average_type})|KnowSureThing
kvo|T|fast_period:i,slow_period:i,signal_period:i=13|KVO({fast_period},{slow_period},{signal_period})|KlingerVolumeOscillator
logr|S|period:i|LOGR({period})|LogReturn
lsma|S|period:i|LSMA({period})|LeastSquaresMovingAverage
lwma|S|period:i|LWMA({period})|LinearWeightedMovingAverage
macd|S|fast_period:i,slow_period:i,signal_period:i,type:m=EXPONENTIAL|MACD({fast_period},{slow_period},{signal_period})|MovingAverageConvergenceDivergence
mad|S|period:i|MAD({period})|MeanAbsoluteDeviation
mama|B|fast_limit:d=0.5,slow_limit:d=0.05|MAMA({fast_limit},{slow_limit})|MesaAdaptiveMovingAverage
tp|T|period:i=2|TP({period},0.70,0.05)|TimeProfile
tp|T|period:i,value_area_volume_percentage:d|TP({period},{value_area_volume_percentage},0.05)|TimeProfile
tp|T|period:i,value_area_volume_percentage:d,price_range_round_off:d|TP({period},{value_area_volume_percentage},{price_range_round_off})|TimeProfile
vp|T|period:i=2|VP({period},0.70,0.05)|VolumeProfile
vp|T|period:i,value_area_volume_percentage:d|VP({period},{value_area_volume_percentage},0.05)|VolumeProfile
vp|T|period:i,value_area_volume_percentage:d,price_range_round_off:d|VP({period},{value_area_volume_percentage},{price_range_round_off})|VolumeProfile
tsf|S|period:i|TSF({period})|TimeSeriesForecast
max|S|period:i|MAX({period})|Maximum
mfi|T|period:i|MFI({period})|MoneyFlowIndex
mass|T|ema_period:i=9,sum_period:i=25|MASS({ema_period},{sum_period})|MassIndex
midpoint|S|period:i|MIDPOINT({period})|MidPoint
midprice|B|period:i|MIDPRICE({period})|MidPrice
min|S|period:i|MIN({period})|Minimum
mom|S|period:i|MOM({period})|Momentum
momersion|S|min_period:n,full_period:i|MOMERSION({min_period},{full_period})|Momersion
momp|S|period:i|MOMP({period})|MomentumPercent
natr|B|period:i|NATR({period})|NormalizedAverageTrueRange
obv|T||OBV|OnBalanceVolume
pphl|B|length_high:i,length_low:i,last_stored_values:i=100,strict:b=True|PPHL({length_high},{length_low})|PivotPointsHighLow
ppo|S|fast_period:i,slow_period:i,moving_average_type:m|PPO({fast_period},{slow_period})|PercentagePriceOscillator
psar|B|af_start:d=0.02,af_increment:d=0.02,af_max:d=0.2|PSAR({af_start},{af_increment},{af_max})|ParabolicStopAndReverse
rc|S|period:i,k:d|RC({period},{k})|RegressionChannel
rma|S|period:i|RMA({period})|RelativeMovingAverage
rdv|T|period:i=2|RDV({period})|RelativeDailyVolume
roc|S|period:i|ROC({period})|RateOfChange
rocp|S|period:i|ROCP({period})|RateOfChangePercent
rocr|S|period:i|ROCR({period})|RateOfChangeRatio
rsi|S|period:i,moving_average_type:m=WILDERS|RSI({period},{moving_average_type})|RelativeStrengthIndex
rvi|T|period:i,moving_average_type:m=SIMPLE|RVI({period},{moving_average_type})|RelativeVigorIndex
rsv|B|period:i|RSV({period})|RogersSatchellVolatility
srsi|S|rsi_period:i,stoch_period:i,k_smoothing_period:i,d_smoothing_period:i,moving_average_type:m=SIMPLE|SRSI({rsi_period},{stoch_period},{k_smoothing_period},{d_smoothing_period})|StochasticRelativeStrengthIndex
str|B|period:i,multiplier:d,moving_average_type:m=WILDERS|STR({period},{multiplier})|SuperTrend
sortino|S|sortino_period:i,minimum_acceptable_return:d=0|SORTINO({sortino_period},{minimum_acceptable_return})|SortinoRatio
sarext|B|sar_start:d=0,offset_on_reverse:d=0,af_start_short:d=0.02,af_increment_short:d=0.02,af_max_short:d=0.2,af_start_long:d=0.02,af_increment_long:d=0.02,af_max_long:d=0.2|SAREXT({sar_start},{offset_on_reverse},{af_start_short},{af_increment_short},{af_max_short},{af_start_long},{af_increment_long},{af_max_long})|ParabolicStopAndReverseExtended
sm|B|bollinger_period:i=20,bollinger_multiplier:d=2,keltner_period:i=20,keltner_multiplier:d=1.5|SM({bollinger_period}, {bollinger_multiplier}, {keltner_period}, {keltner_multiplier})|SqueezeMomentum
sma|S|period:i|SMA({period})|SimpleMovingAverage
stc|S|cycle_period:i,fast_period:i,slow_period:i,moving_average_type:m=EXPONENTIAL|STC({cycle_period},{fast_period},{slow_period})|SchaffTrendCycle
sobv|B|period:i,type:m=SIMPLE|SOBV({period})|SmoothedOnBalanceVolume
std|S|period:i|STD({period})|StandardDeviation
tdd|S|period:i,minimum_acceptable_return:d=0|TDD({period},{minimum_acceptable_return})|TargetDownsideDeviation
sto|T|period:i,k_period:i,d_period:i|STO({period},{k_period},{d_period})|Stochastic
pso|T|period:i,ema_period:i|PSO({period},{ema_period})|PremierStochasticOscillator
sum|S|period:i|SUM({period})|Sum
swiss|S|period:i,delta:d,tool:k|SWISS({period},{delta},{tool})|SwissArmyKnife
t_3|S|period:i,volume_factor:d=0.7|T3({period},{volume_factor})|T3MovingAverage
tds|B||TDS|TomDemarkSequential
tema|S|period:i|TEMA({period})|TripleExponentialMovingAverage
tsi|S|long_term_period:i=25,short_term_period:i=13,signal_period:i=7,signal_type:m=EXPONENTIAL|TSI({long_term_period},{short_term_period},{signal_period})|TrueStrengthIndex
tr|B||TR|TrueRange
trima|S|period:i|TRIMA({period})|TriangularMovingAverage
trix|S|period:i|TRIX({period})|Trix
ultosc|B|period1:i,period2:i,period3:i|ULTOSC({period1},{period2},{period3})|UltimateOscillator
vidya|S|period:i|VIDYA({period})|VariableIndexDynamicAverage
v|S|period:i|V({period})|Variance
var|S|period:i|V({period})|Variance
var|S|period:i,confidence_level:d|VAR({period},{confidence_level})|ValueAtRisk
vwap|T|period:i|VWAP({period})|VolumeWeightedAveragePriceIndicator
vwma|T|period:i|VWMA({period})|VolumeWeightedMovingAverage
vtx|B|period:i|VTX({period})|Vortex
wilr|B|period:i|WILR({period})|WilliamsPercentR
wwma|S|period:i|WWMA({period})|WilderMovingAverage
si|T|limit_move:d|SI|WilderSwingIndex
asi|T|limit_move:d|ASI|WilderAccumulativeSwingIndex
wto|B|channel_period:i,average_period:i,signal_period:i|WTO({channel_period},{average_period},{signal_period})|WaveTrendOscillator
mgd|S|period:i|MGD({period})|McGinleyDynamic
zlema|S|period:i|ZLEMA({period})|ZeroLagExponentialMovingAverage
zz|B|sensitivity:d=0.05,min_trend_length:i=1|ZZ({sensitivity},{min_trend_length})|ZigZag
"""

#: helpers whose resolution is daily by default in LEAN
DAILY_BY_DEFAULT = frozenset(("asi", "rdv", "si", "tp", "vp"))


@dataclass(frozen=True, slots=True)
class Parameter:
    """One parameter of a helper."""

    name: str
    kind: str
    required: bool
    default: Any


@dataclass(frozen=True, slots=True)
class Overload:
    """One overload of a helper."""

    method: str
    parameters: tuple[Parameter, ...]
    label: str
    made: type


def _whole(value: Any) -> bool:
    if isinstance(value, (bool, LeanEnum, float, str, Decimal)) or value is None:
        return False
    return hasattr(value, "__index__")


def _number(value: Any) -> bool:
    if isinstance(value, (bool, LeanEnum)):
        return False
    return isinstance(value, (int, float, Decimal)) or hasattr(value, "__float__")


_CHECKS: dict[str, Callable[[Any], bool]] = {
    "i": _whole,
    "n": lambda value: value is None or _whole(value),
    "d": _number,
    "m": lambda value: isinstance(value, MovingAverageType),
    "b": lambda value: isinstance(value, bool),
    "k": lambda value: isinstance(value, SwissArmyKnifeTool),
    "r": lambda value: value is None or isinstance(value, Resolution),
    "s": lambda value: value is None or callable(value),
}
_LAST = (Parameter("resolution", "r", False, None), Parameter("selector", "s", False, None))


def _parameter(text: str) -> Parameter:
    name, _, rest = text.partition(":")
    kind, given, default = rest.partition("=")
    value: Any = None
    if given:
        if kind == "m":
            value = MovingAverageType[default]
        elif kind == "b":
            value = default == "True"
        else:
            value = float(default) if "." in default else int(default)
    return Parameter(name, kind, not given, value)


def _overload(line: str) -> Overload:
    method, _kind, parameters, label, made = line.split("|")
    parsed = tuple(_parameter(part) for part in parameters.split(",") if part)
    return Overload(method, parsed, label, getattr(indicators, made))


def overloads() -> dict[str, tuple[Overload, ...]]:
    """Return the helpers by method name."""
    found: dict[str, list[Overload]] = {}
    for line in TABLE.strip().splitlines():
        overload = _overload(line)
        found.setdefault(overload.method, []).append(overload)
    return {method: tuple(made) for method, made in found.items()}


def match(
    parameters: tuple[Parameter, ...], args: tuple[Any, ...], kwargs: dict[str, Any]
) -> dict[str, Any] | None:
    """Return the values of the parameters, or ``None`` where the arguments do not fit them."""
    if len(args) > len(parameters):
        return None
    given = dict(zip((p.name for p in parameters), args, strict=False))
    if any(name in given for name in kwargs):
        return None
    given.update(kwargs)
    values = {}
    for parameter in parameters:
        if parameter.name in given:
            value = given.pop(parameter.name)
            if not _CHECKS[parameter.kind](value):
                return None
            values[parameter.name] = value
        elif parameter.required:
            return None
        else:
            values[parameter.name] = parameter.default
    return None if given else values


def choose(
    made: tuple[Overload, ...], args: tuple[Any, ...], kwargs: dict[str, Any]
) -> tuple[Overload, dict[str, Any]]:
    """Return the overload that takes the arguments, and its values.

    Raises
    ------
    ArgumentException
        Naming the arguments, where none does.
    """
    for overload in made:
        values = match(overload.parameters + _LAST, args, kwargs)
        if values is not None:
            return overload, values
    method = made[0].method
    expected = " or ".join(
        "symbol, " + ", ".join(p.name for p in (*overload.parameters, *_LAST)) for overload in made
    )
    given = ", ".join([repr(a) for a in args] + [f"{k}={v!r}" for k, v in kwargs.items()])
    raise ArgumentException(
        f"No method matches given arguments for {method}: expected ({expected}), was (symbol, {given})"
    )
