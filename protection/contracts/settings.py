"""The settings tree: every threshold of the protection, with its default, in one place.

Keys read ``section.name``, as plain nested mappings (:meth:`ProtectionSettings.from_dict`) or as
flat strings (:meth:`ProtectionSettings.from_flat`: ``{"drawdown.halt": "0.15"}``). Where None is
allowed it means: this rule or limit is off.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from protection.contracts import checks
from protection.contracts.admission_settings import AdmissionSettings
from protection.contracts.errors import FixSettings
from protection.contracts.estimation_settings import EstimationSection
from protection.contracts.gating_settings import GateSettings
from protection.contracts.gauge_settings import GaugeSettings
from protection.contracts.limit_settings import ExposureSettings, TailSettings
from protection.contracts.live_settings import LiveSettings
from protection.contracts.order_settings import OrderSettings
from protection.contracts.schema import Section, Tree, setting


@dataclass(frozen=True, eq=False, repr=False)
class DrawdownSettings(Section):
    """The two hard drawdown breakers."""

    NAME = "drawdown"

    halt: float | None = setting(
        0.15, checks.share(optional=True), "loss from the highest equity of the window that halts"
    )
    halt_hours: float = setting(24.0, checks.above(0), "length of that window in hours")
    liquidate: float | None = setting(
        0.20, checks.share(optional=True), "loss from the peak that liquidates"
    )
    base: str = setting(
        "window",
        checks.one_of("window", "lifetime"),
        "peak the liquidation is measured from: rolling or all-time",
    )
    sessions: int = setting(252, checks.count(2), "length of the rolling peak in sessions")


@dataclass(frozen=True, eq=False, repr=False)
class CushionSettings(Section):
    """Exposure scaled by the remaining cushion, before any breaker has to fire."""

    NAME = "cushion"

    promise: str = setting(
        "window",
        checks.one_of("off", "window", "lifetime", "forgiving"),
        "what is promised: never more than the limit below the rolling or the all-time peak",
    )
    limit: float = setting(0.20, checks.share(), "promised drawdown")
    steepness: float = setting(2.0, checks.above(0), "share of cushion spent per unit of exposure")
    decay: float = setting(0.05, checks.share(), "forgiving: yearly decay of the all-time peak")


@dataclass(frozen=True, eq=False, repr=False)
class DailySettings(Section):
    """Loss since the end of the last session."""

    NAME = "daily"

    loss: float | None = setting(
        0.02, checks.share(optional=True), "loss of the day that halts to the next session"
    )


@dataclass(frozen=True, eq=False, repr=False)
class PositionSettings(Section):
    """Stop on every single position."""

    NAME = "position"

    stop: float | None = setting(
        0.15, checks.share(optional=True), "loss from the average entry price that closes"
    )
    cooldown_sessions: int = setting(1, checks.count(0), "sessions before the symbol may be added")


@dataclass(frozen=True, eq=False, repr=False)
class VolatilitySettings(Section):
    """Volatility of each observed symbol against its own normal."""

    NAME = "volatility"

    ratio: float | None = setting(
        2.0, checks.above(1, optional=True), "present over normal volatility that reduces"
    )
    size: float = setting(0.5, checks.size(), "share of the size while it lasts")
    fast_sessions: int = setting(5, checks.count(1), "sessions of the present volatility")
    slow_sessions: int = setting(20, checks.count(2), "sessions before them that are the normal")
    cooldown_sessions: int = setting(1, checks.count(0), "quiet sessions before full size")
    rate: float | None = setting(
        None,
        checks.between(0, 126, optional=True),
        "trips per symbol and year that the ratio is moved towards, within half to one and a half "
        "times its own value, by what was seen of the symbol before",
    )


@dataclass(frozen=True, eq=False, repr=False)
class LeverageSettings(Section):
    """Gross exposure over equity."""

    NAME = "leverage"

    limit: float | None = setting(
        2.0, checks.above(0, optional=True), "gross exposure over equity that reduces"
    )
    cooldown_seconds: float = setting(60.0, checks.at_least(0), "time below it before release")


@dataclass(frozen=True, eq=False, repr=False)
class FlashSettings(Section):
    """Price jump within a minute."""

    NAME = "flash"

    move: float | None = setting(
        0.05, checks.share(optional=True), "relative move within the span that freezes the symbol"
    )
    seconds: float = setting(60.0, checks.above(0), "span of the move")
    cooldown_seconds: float = setting(300.0, checks.at_least(0), "quiet time before release")


@dataclass(frozen=True, eq=False, repr=False)
class RearmSettings(Section):
    """Way back after a drawdown breaker: cooldown, probation, full size."""

    NAME = "rearm"

    mode: str = setting("auto", checks.one_of("auto", "manual"), "manual: stays latched until told")
    halt_cooldown_sessions: int = setting(5, checks.count(0), "pause after the drawdown halt")
    liquidate_cooldown_sessions: int = setting(20, checks.count(0), "pause after a liquidation")
    probation_sessions: int = setting(20, checks.count(0), "least length of the probation")
    probation_size: float = setting(0.25, checks.size(), "share of the size during probation")
    probation_loss: float = setting(
        0.02, checks.share(), "loss from the probation's start that ends it and trips again"
    )
    release: float = setting(
        0.10, checks.share(), "drawdown below which a liquidation's probation may end"
    )


@dataclass(frozen=True, eq=False, repr=False)
class LimitSettings(Section):
    """Limits of the order gate."""

    NAME = "limits"

    max_position: float | None = setting(
        None, checks.above(0, optional=True), "largest position over equity, for example 0.20"
    )
    max_leverage: float | None = setting(
        2.0, checks.above(0, optional=True), "largest gross exposure over equity an order may reach"
    )
    full_gross: float | None = setting(
        None,
        checks.above(0, optional=True),
        "the strategy's own full gross exposure, to which a reduced size refers; "
        "none: max_leverage, or 1 without it",
    )


@dataclass(frozen=True, eq=False, repr=False)
class DataSettings(Section):
    """When input counts as stale or impossible."""

    NAME = "data"

    max_portfolio_age_seconds: float = setting(
        60.0, checks.above(0), "age of a portfolio snapshot beyond which adding is denied"
    )
    max_price_age_seconds: float = setting(
        5 * 86400.0, checks.above(0), "age of a price beyond which adding is denied"
    )
    future_seconds: float = setting(
        2.0, checks.at_least(0), "how far ahead of the clock a record may lie"
    )
    max_jump: float = setting(
        2.0,
        checks.above(0),
        "relative move from one price to the next, 2 for three times or a third, beyond which a "
        "price counts only once the next one confirms it",
    )


@dataclass(frozen=True, eq=False, repr=False)
class SessionSettings(Section):
    """What a trading day is."""

    NAME = "session"

    timezone: str = setting(
        "America/New_York", checks.words(), "zone whose midnight separates sessions"
    )
    days: str = setting(
        "weekdays",
        checks.one_of("weekdays", "all"),
        "weekdays: Saturday and Sunday belong to Friday; all: every day is a session (crypto)",
    )


@dataclass(frozen=True, eq=False, repr=False)
class KillSettings(Section):
    """The kill switch."""

    NAME = "kill"

    action: str = setting(
        "liquidate",
        checks.one_of("halt", "liquidate"),
        "what a kill does besides denying every adding order",
    )
    watch: bool = setting(True, checks.flag(), "look at the stored lock on every order")
    roles: str = setting("operator; risk", checks.words(), "roles, separated by ;, that may resume")
    four_eyes: bool = setting(False, checks.flag(), "a resume needs a second, other person")

    def may_resume(self) -> frozenset[str]:
        """Roles that may resume, in lower case."""
        return frozenset(role.strip().lower() for role in self.roles.split(";") if role.strip())


@dataclass(frozen=True, eq=False, repr=False)
class PersistenceSettings(Section):
    """What is made durable, and when."""

    NAME = "persistence"

    peaks: str = setting(
        "step",
        checks.one_of("session", "step"),
        "when a new peak is stored: at every step that makes one, or at the end of the session "
        "only (trips and kills always at once)",
    )


@dataclass(frozen=True, eq=False, repr=False)
class ProtectionSettings(Tree):
    """All settings; see the sections for meaning and defaults."""

    drawdown: DrawdownSettings = field(default_factory=DrawdownSettings)
    cushion: CushionSettings = field(default_factory=CushionSettings)
    daily: DailySettings = field(default_factory=DailySettings)
    position: PositionSettings = field(default_factory=PositionSettings)
    volatility: VolatilitySettings = field(default_factory=VolatilitySettings)
    leverage: LeverageSettings = field(default_factory=LeverageSettings)
    flash: FlashSettings = field(default_factory=FlashSettings)
    rearm: RearmSettings = field(default_factory=RearmSettings)
    limits: LimitSettings = field(default_factory=LimitSettings)
    exposure: ExposureSettings = field(default_factory=ExposureSettings)
    tail: TailSettings = field(default_factory=TailSettings)
    orders: OrderSettings = field(default_factory=OrderSettings)
    gauges: GaugeSettings = field(default_factory=GaugeSettings)
    data: DataSettings = field(default_factory=DataSettings)
    session: SessionSettings = field(default_factory=SessionSettings)
    kill: KillSettings = field(default_factory=KillSettings)
    persistence: PersistenceSettings = field(default_factory=PersistenceSettings)
    live: LiveSettings = field(default_factory=LiveSettings)
    admission: AdmissionSettings = field(default_factory=AdmissionSettings)
    estimation: EstimationSection = field(default_factory=EstimationSection)
    gating: GateSettings = field(default_factory=GateSettings)

    def __post_init__(self) -> None:
        super().__post_init__()
        halt, liquidate = self.drawdown.halt, self.drawdown.liquidate
        if liquidate is not None and self.rearm.release >= liquidate:
            raise FixSettings(
                f"expected rearm.release below drawdown.liquidate ({liquidate:g}), "
                f"was {self.rearm.release:g}; otherwise a probation ends inside the next trip"
            )
        if halt is not None and liquidate is not None and halt > liquidate:
            raise FixSettings(
                f"expected drawdown.halt not above drawdown.liquidate ({liquidate:g}), was {halt:g}"
            )

    @classmethod
    def wide_open(cls) -> ProtectionSettings:
        """Every rule and limit off: kill switch, bookkeeping and invalid input stay watched."""
        return cls.from_dict(
            {
                "drawdown": {"halt": None, "liquidate": None},
                "cushion": {"promise": "off"},
                "daily": {"loss": None},
                "position": {"stop": None},
                "volatility": {"ratio": None},
                "leverage": {"limit": None},
                "flash": {"move": None},
                "limits": {"max_leverage": None},
                "gauges": dict.fromkeys(GaugeSettings().to_dict()),
            }
        )


def flat_keys() -> list[str]:
    """Every flat key, in the order of the tree."""
    return list(ProtectionSettings.constraints())


def meanings() -> dict[str, str]:
    """One line of meaning for every flat key."""
    return ProtectionSettings.meanings()
