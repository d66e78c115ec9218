"""The static rules, built from the settings.

============== ========================================= ============ ==========================
rule            measures                                  default      demands
============== ========================================= ============ ==========================
drawdown_peak   loss from the rolling (or all-time) peak  20%          close until flat
drawdown_recent loss from the highest equity in 24 hours  15%          halt
daily_loss      loss since the last session's end         2%           halt to the next session
position_stop   loss from the average entry price         15%          close the symbol
volatility      5-session over normal volatility          above 2      half size of the symbol
leverage        gross exposure over equity                above 2.0    reduce to the limit
flash           move within one minute                    above 5%     no adding of the symbol
============== ========================================= ============ ==========================

Why a liquidation is no dead end: the peak is never reset, so after a liquidation the loss from it
stays where it is. The breaker therefore leaves OPEN when the account is flat, pauses, and goes on
probation at a quarter of the size with a loss budget of its own, counted from the probation's
start; full size returns when the probation has lasted long enough *and* the loss from the base is
below ``rearm.release``. With ``drawdown.base = window`` the old peak leaves the window after at
most 252 sessions, so full size always comes back; with ``lifetime`` it comes back only when the
loss has been earned back, at a quarter of the size. The peaks that are *reported* are never
touched. A cushion that stands at nothing keeps the account in cash meanwhile and says so.
"""

from __future__ import annotations

from datetime import timedelta

from protection.circuit_breakers.machine import BreakerRule
from protection.contracts.actions import Action
from protection.contracts.settings import ProtectionSettings

_WARN = 0.75


def peak_rule(settings: ProtectionSettings) -> BreakerRule | None:
    """Loss from the peak: liquidate."""
    drawdown, rearm = settings.drawdown, settings.rearm
    if drawdown.liquidate is None:
        return None
    peak = "rolling peak" if drawdown.base == "window" else "all-time peak"
    return BreakerRule(
        name="drawdown_peak",
        label=f"loss from the {peak}",
        action=Action.LIQUIDATE,
        threshold=drawdown.liquidate,
        warn=_WARN,
        cooldown_sessions=rearm.liquidate_cooldown_sessions,
        probation_sessions=rearm.probation_sessions,
        probation_size=rearm.probation_size,
        probation_loss=rearm.probation_loss,
        release=rearm.release,
        persistent=True,
        manual=rearm.mode == "manual",
    )


def recent_rule(settings: ProtectionSettings) -> BreakerRule | None:
    """Loss within the window of hours: halt."""
    drawdown, rearm = settings.drawdown, settings.rearm
    if drawdown.halt is None:
        return None
    return BreakerRule(
        name="drawdown_recent",
        label=f"loss from the highest equity in {drawdown.halt_hours:g} hours",
        action=Action.HALT,
        threshold=drawdown.halt,
        warn=_WARN,
        cooldown_sessions=rearm.halt_cooldown_sessions,
        probation_sessions=rearm.probation_sessions,
        probation_size=rearm.probation_size,
        probation_loss=rearm.probation_loss,
        manual=rearm.mode == "manual",
    )


def daily_rule(settings: ProtectionSettings) -> BreakerRule | None:
    """Loss of the day: halt to the next session."""
    if settings.daily.loss is None:
        return None
    return BreakerRule(
        name="daily_loss",
        label="loss since the end of the last session",
        action=Action.HALT,
        threshold=settings.daily.loss,
        cooldown_sessions=1,
    )


def leverage_rule(settings: ProtectionSettings) -> BreakerRule | None:
    """Gross exposure over equity: reduce to the limit."""
    if settings.leverage.limit is None:
        return None
    return BreakerRule(
        name="leverage",
        label="gross exposure over equity",
        action=Action.REDUCE,
        threshold=settings.leverage.limit,
        strict=True,
        cooldown=timedelta(seconds=settings.leverage.cooldown_seconds),
        percent=False,
    )


def position_rule(settings: ProtectionSettings) -> BreakerRule | None:
    """Loss from the average entry price: close the symbol."""
    if settings.position.stop is None:
        return None
    return BreakerRule(
        name="position_stop",
        label="loss from the average entry price",
        action=Action.LIQUIDATE,
        threshold=settings.position.stop,
        cooldown_sessions=settings.position.cooldown_sessions,
    )


def volatility_rule(settings: ProtectionSettings) -> BreakerRule | None:
    """Volatility over its normal: smaller size."""
    volatility = settings.volatility
    if volatility.ratio is None:
        return None
    return BreakerRule(
        name="volatility",
        label=(
            f"{volatility.fast_sessions}-session volatility over that of the "
            f"{volatility.slow_sessions} sessions before"
        ),
        action=Action.REDUCE,
        threshold=volatility.ratio,
        strict=True,
        size=volatility.size,
        cooldown_sessions=volatility.cooldown_sessions,
        percent=False,
    )


def flash_rule(settings: ProtectionSettings) -> BreakerRule | None:
    """Move within a minute: no adding."""
    if settings.flash.move is None:
        return None
    return BreakerRule(
        name="flash",
        label=f"move within {settings.flash.seconds:g} seconds",
        action=Action.FREEZE,
        threshold=settings.flash.move,
        strict=True,
        cooldown=timedelta(seconds=settings.flash.cooldown_seconds),
    )
