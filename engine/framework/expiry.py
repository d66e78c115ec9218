"""``Expiry``: functions from a local time to the time at which an insight closes."""

from __future__ import annotations

import calendar
from datetime import datetime, timedelta

from engine.types.dotnet import LeanObject


def add_months(moment: datetime, months: int) -> datetime:
    """Add calendar months; a day that the month lacks becomes its last one."""
    year, month = divmod(moment.year * 12 + moment.month - 1 + months, 12)
    day = min(moment.day, calendar.monthrange(year, month + 1)[1])
    return moment.replace(year=year, month=month + 1, day=day)


def _midnight(moment: datetime) -> datetime:
    return moment.replace(hour=0, minute=0, second=0, microsecond=0)


def _month(moment: datetime) -> datetime:
    return add_months(moment, 1)


def _quarter(moment: datetime) -> datetime:
    return add_months(moment, 3)


def _year(moment: datetime) -> datetime:
    return add_months(moment, 12)


def _end_of_day(moment: datetime) -> datetime:
    return _midnight(moment + timedelta(days=1))


def _end_of_week(moment: datetime) -> datetime:
    # the Monday after
    return _midnight(moment + timedelta(days=7 - moment.weekday()))


def _end_of_month(moment: datetime) -> datetime:
    return _midnight(add_months(moment.replace(day=1), 1))


def _end_of_quarter(moment: datetime) -> datetime:
    first = (moment.month - 1) // 3 * 3 + 1
    return _midnight(add_months(moment.replace(month=first, day=1), 3))


def _end_of_year(moment: datetime) -> datetime:
    return datetime(moment.year + 1, 1, 1)


class Expiry(LeanObject):
    """Functions of a local time, named as in LEAN."""

    ONE_MONTH = staticmethod(_month)
    ONE_QUARTER = staticmethod(_quarter)
    ONE_YEAR = staticmethod(_year)
    END_OF_DAY = staticmethod(_end_of_day)
    END_OF_WEEK = staticmethod(_end_of_week)
    END_OF_MONTH = staticmethod(_end_of_month)
    END_OF_QUARTER = staticmethod(_end_of_quarter)
    END_OF_YEAR = staticmethod(_end_of_year)
    OneMonth, OneQuarter, OneYear = ONE_MONTH, ONE_QUARTER, ONE_YEAR
    EndOfDay, EndOfWeek, EndOfMonth = END_OF_DAY, END_OF_WEEK, END_OF_MONTH
    EndOfQuarter, EndOfYear = END_OF_QUARTER, END_OF_YEAR
