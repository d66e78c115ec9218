"""Tables of zone changes against the zone itself."""

from __future__ import annotations

from datetime import UTC, timedelta
from zoneinfo import ZoneInfo

import pytest

from engine.types.timezones import ZoneTable, from_micro

_MINUTE = timedelta(minutes=1)


@pytest.mark.parametrize(
    "name",
    ["UTC", "America/New_York", "Europe/London", "Australia/Sydney", "Africa/Cairo", "Etc/GMT+5"],
)
def test_a_table_knows_the_offset_on_both_sides_of_every_change_and_between(name: str) -> None:
    zone = ZoneInfo(name)
    table = ZoneTable(zone)
    changes = [from_micro(start) for start in table.starts[1:]]
    assert bool(changes) == (name not in ("UTC", "Etc/GMT+5"))
    moments = [change + off for change in changes for off in (-_MINUTE, timedelta(0), _MINUTE)]
    # and a look at every week, for changes that the table would lack
    moments += [from_micro(0) + timedelta(days=7 * week) for week in range(3900)]
    for moment in moments:
        known = moment.replace(tzinfo=UTC).astimezone(zone).utcoffset()
        assert table.offset_at(moment) == known, moment
