"""Data of the user's own: ``PythonData``, where it comes from, and its stream."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from engine.data.events import corporate_events
from engine.data.fillforward import DAY, FillForward, Point
from engine.data.parsing import read_zip
from engine.data.sessions import SecurityExchangeHours
from engine.data.stream import tradable_dates
from engine.types.bars import DATE_MIN, BaseData, SymbolChangedEvent
from engine.types.decimals import ZERO
from engine.types.dotnet import LeanObject, missing
from engine.types.enums import FileFormat, Resolution, SubscriptionTransportMedium
from engine.types.errors import AlgorithmError, DataError, EngineUnsupported, KeyNotFoundException
from engine.types.subscription import INCREMENTS, SubscriptionDataConfig
from engine.types.timezones import from_micro, from_utc, to_micro, to_utc

_MICRO = timedelta(microseconds=1)
_ZERO = timedelta(0)
# .NET counts from the year 1, which matters when times are rounded to spans of several days
_YEAR_ONE = 719_162 * DAY


class SubscriptionDataSource(LeanObject):
    """Where the data of a date is: a file, an entry of the object store, and its format."""

    def __init__(
        self,
        source: str,
        transport_medium: SubscriptionTransportMedium | None = None,
        format: FileFormat = FileFormat.CSV,
        headers: Any = None,
    ) -> None:
        self.source = source
        if transport_medium is None:
            remote = source.lower().startswith(("http://", "https://", "ftp://"))
            transport_medium = (
                SubscriptionTransportMedium.REMOTE_FILE
                if remote
                else SubscriptionTransportMedium.LOCAL_FILE
            )
        self.transport_medium = SubscriptionTransportMedium(transport_medium)
        self.format = FileFormat(format)
        self.headers = [] if headers is None else headers
        self.sort = False

    def __eq__(self, other: object) -> bool:
        return (
            isinstance(other, SubscriptionDataSource)
            and self.source == other.source
            and self.transport_medium == other.transport_medium
            and self.format == other.format
        )

    def __hash__(self) -> int:
        return hash(self.source)

    def equals(self, other: Any) -> bool:
        return self == other

    def __str__(self) -> str:
        return f"{self.transport_medium}: {self.format} {self.source}"


class PythonData(BaseData):
    """Base of data types of the user's own: derive and write ``get_source`` and ``reader``.

    Fields of a point are set and read as ``point["name"]``, whatever the case of the name, and read
    as ``point.name``.
    """

    def __init__(self) -> None:
        super().__init__()
        self.__dict__["_storage"] = {}

    def get_source(
        self, config: SubscriptionDataConfig, date: datetime, is_live_mode: bool
    ) -> SubscriptionDataSource:
        """Return where the data of a date is."""
        raise NotImplementedError(
            f"expected {type(self).__name__}.get_source, was none; write it to "
            f"tell where the data is"
        )

    def reader(
        self, config: SubscriptionDataConfig, line: str, date: datetime, is_live_mode: bool
    ) -> Any:
        """Return the point of a line, or None to skip it."""
        raise NotImplementedError(
            f"expected {type(self).__name__}.reader, was none; write it to read a line"
        )

    def requires_mapping(self) -> bool:
        return False

    def is_sparse_data(self) -> bool:
        return True

    def default_resolution(self) -> Resolution:
        return Resolution.MINUTE

    def supported_resolutions(self) -> list[Resolution]:
        return list(Resolution)

    @property
    def end_time(self) -> datetime:
        return self.__dict__.get("_end_time", self.time)

    @end_time.setter
    def end_time(self, moment: datetime) -> None:
        self.__dict__["_end_time"] = moment
        if self.time == DATE_MIN:
            self.time = moment

    def set_property(self, name: str, value: Any) -> Any:
        """Set a field; ``value``, ``time`` and the like are those of the point itself."""
        known = name.lower()
        if known in ("value", "price"):
            self.value = float(value)
        elif known in ("time", "end_time", "endtime", "symbol"):
            setattr(self, "end_time" if known == "endtime" else known, value)
        else:
            self._fields()[known] = value
        return value

    def get_property(self, name: str) -> Any:
        """Return a field.

        Raises
        ------
        KeyNotFoundException
            When the point has no such field.
        """
        known = name.lower()
        if known in ("value", "price"):
            return self.value
        if known in ("time", "end_time", "endtime", "symbol"):
            return getattr(self, "end_time" if known == "endtime" else known)
        try:
            return self._fields()[known]
        except KeyError:
            names = ", ".join(self._fields()) or "none"
            raise KeyNotFoundException(
                f"Property with name '{name}' does not exist. Properties: {names}"
            ) from None

    def has_property(self, name: str) -> bool:
        return name.lower() in self._fields()

    def get_storage_dictionary(self) -> dict[str, Any]:
        return self._fields()

    def _fields(self) -> dict[str, Any]:
        # a subclass with its own __init__ may not call ours
        found: dict[str, Any] = self.__dict__.setdefault("_storage", {})
        return found

    def __getitem__(self, name: str) -> Any:
        return self.get_property(name)

    def __setitem__(self, name: str, value: Any) -> None:
        self.set_property(name, value)

    def __getattr__(self, name: str) -> Any:
        if not name.startswith("_"):
            fields = self.__dict__.get("_storage")
            if fields is not None and name.lower() in fields:
                return fields[name.lower()]
            if name == "value":
                return 0.0
        return missing(self, name)


def clone_at(point: Any, time: datetime, end: datetime) -> Any:
    """Return a filled-forward copy of a point at another time."""
    twin = point.clone(True)
    twin.time = time
    twin.end_time = end
    return twin


def plain_point(point: Any) -> Any:
    """Return a point as LEAN's history gives it: of the class PythonData, fields and all."""
    plain = PythonData()
    plain.__dict__.update(point.__dict__)
    return plain


class CustomData:
    """Reads data of the user's own types for the feed and for history."""

    def __init__(self, object_store: Any = None) -> None:
        self._store = object_store

    def stream(
        self,
        config: SubscriptionDataConfig,
        hours: SecurityExchangeHours,
        start: datetime,
        end: datetime,
        fill: int | None,
    ) -> tuple[list[int], list[Any]]:
        """Return UTC microseconds and points of a subscription.

        Parameters
        ----------
        config, hours
            The subscription and its calendar.
        start, end
            Naive UTC.
        fill
            Fill-forward step in microseconds, or None.

        Raises
        ------
        AlgorithmError
            When ``get_source`` or ``reader`` of the user raises; the message names the line.
        """
        zone = hours.time_zone
        first, last = from_utc(start, zone), from_utc(end, zone)
        points = list(self._points(config, hours, first, last))
        if fill is not None:
            points = self._filled(config, hours, points, to_micro(last), fill)
        emit = []
        for point in points:
            emit.append(to_micro(to_utc(point.end_time, zone)))
            span = (point.end_time - point.time) // _MICRO
            if span > 0:
                time = to_micro(point.time) + _YEAR_ONE
                if time % span:
                    held = point.end_time
                    point.time = from_micro(time - time % span - _YEAR_ONE)
                    point.end_time = held
        for event in self._renames(config, hours, first, last):
            at = to_micro(to_utc(event.time, zone))
            place = bisect_left(emit, at)
            emit.insert(place, at)
            points.insert(place, event)
        return emit, points

    @staticmethod
    def _mapping(config: SubscriptionDataConfig) -> Any:
        """Return the map file of the share that data is linked to, when its type asks for it."""
        underlying = config.symbol.underlying
        if underlying is None:
            return None
        asked = getattr(config._type, "requires_mapping", None)
        if asked is None or not asked(config._type()):
            return None
        from engine.run import current_engine

        return current_engine().maps.map_file(underlying)

    def _renames(
        self,
        config: SubscriptionDataConfig,
        hours: SecurityExchangeHours,
        first: datetime,
        last: datetime,
    ) -> Iterator[SymbolChangedEvent]:
        mapping = self._mapping(config)
        if mapping is not None:
            for due in corporate_events(config.symbol, mapping, None, hours, first, last, True):
                event = due.make(ZERO)
                if isinstance(event, SymbolChangedEvent):
                    yield event

    def _points(
        self,
        config: SubscriptionDataConfig,
        hours: SecurityExchangeHours,
        first: datetime,
        last: datetime,
    ) -> Iterator[Any]:
        factory = config._type()
        factory.symbol = config.symbol
        mapping = self._mapping(config)

        def source_of(day: datetime) -> SubscriptionDataSource | None:
            if mapping is not None:
                config.mapped_symbol = mapping.ticker_on(day, config.mapped_symbol)
            return self._source(factory, config, day)

        dates = tradable_dates(hours, first, last, config.data_time_zone, True)
        source: SubscriptionDataSource | None = None
        lines: Iterator[str] = iter(())
        previous: datetime | None = None
        date = next(dates, None)
        while date is not None:
            found = source_of(date)
            if found is None or found == source or not found.source:
                date = next(dates, None)
                continue
            source, lines = found, self._lines(found)
            rows = (self._read(factory, config, line, date) for line in lines)
            points = [p for p in rows if p is not None]
            if source.sort:
                points.sort(key=lambda p: p.end_time)
            left: datetime | None = date
            moved = False
            for point in points:
                while left is not None and point.time.date() > left.date():
                    # a new day may have a file of its own
                    left = next(dates, None)
                    if left is not None:
                        other = source_of(left)
                        if other is not None and other.source and other != source:
                            moved = True
                            break
                if moved:
                    break
                if previous is not None and point.end_time < previous:
                    continue
                previous = point.end_time
                if point.end_time < first:
                    continue
                if point.time > last:
                    return
                yield point
            date = left if moved else next(dates, None)

    @staticmethod
    def _source(factory: Any, config: Any, date: datetime) -> SubscriptionDataSource | None:
        try:
            found: SubscriptionDataSource | None = factory.get_source(config, date, False)
        except Exception as error:
            raise AlgorithmError(
                f"Error invoking {config.symbol} get_source. Date: {date} Error: {error}"
            ) from error
        return found

    @staticmethod
    def _read(factory: Any, config: Any, line: str, date: datetime) -> Any:
        try:
            point = factory.reader(config, line, date, False)
        except Exception as error:
            raise AlgorithmError(
                f"Error invoking {config.symbol} data reader. Line: {line} Error: {error}"
            ) from error
        if point is None or point.end_time == DATE_MIN:
            return None
        if not point.symbol.value:
            point.symbol = config.symbol
        return point

    def _lines(self, source: SubscriptionDataSource) -> Iterator[str]:
        text = self._text(source)
        if text is None:
            return iter(())
        if source.format not in (FileFormat.CSV, FileFormat.INDEX):
            return iter([text])
        return iter(text.splitlines())

    def _text(self, source: SubscriptionDataSource) -> str | None:
        medium = source.transport_medium
        if medium == SubscriptionTransportMedium.OBJECT_STORE:
            store = self._object_store()
            return store.read(source.source) if store.contains_key(source.source) else None
        if medium != SubscriptionTransportMedium.LOCAL_FILE:
            raise EngineUnsupported(
                f"engine does not fetch remote data ({source.source}); save it to "
                f"a file and read that"
            )
        name, _, entry = source.source.partition("#")
        path = Path(name)
        if path.suffix == ".zip":
            data = read_zip(path, entry or None)
        else:
            data = path.read_bytes() if path.is_file() else None
        if data is None:
            return None
        try:
            return data.decode("utf-8-sig")
        except UnicodeDecodeError as error:
            raise DataError(f"expected text in {path}, was {error}; save it as UTF-8") from error

    def _object_store(self) -> Any:
        if self._store is not None:
            return self._store
        from engine.run import current_engine

        return current_engine().object_store

    @staticmethod
    def _filled(
        config: SubscriptionDataConfig,
        hours: SecurityExchangeHours,
        points: list[Any],
        last: int,
        fill: int,
    ) -> list[Any]:
        """Repeat points where none came."""
        if not points:
            return points
        filler = FillForward(
            hours, config.data_time_zone, INCREMENTS[config.resolution] // _MICRO, fill,
            True, False, last,
        )  # fmt: skip
        out: list[Any] = []
        previous: Point | None = None
        held: Any = None

        def run_to(following: Point) -> None:
            assert previous is not None
            for run in filler.between(previous, following):
                for k in range(run.count):
                    shift = k * run.step
                    out.append(
                        clone_at(held, from_micro(run.time + shift), from_micro(run.end + shift))
                    )

        for point in points:
            here = Point(to_micro(point.time), to_micro(point.end_time))
            if previous is not None:
                run_to(here)
            out.append(point)
            held, previous = point, here
        assert previous is not None
        if previous.end < last:
            final = filler.last_point()
            run_to(final)
            if previous.end < min(final.end, last):
                out.append(clone_at(held, from_micro(final.time), from_micro(final.end)))
        return out


def feed_chunks(reader: CustomData, held: Any, start: datetime, end: datetime, fill: int) -> Any:
    """Return the one chunk of a custom subscription of the feed."""
    config = held.config
    hours = config._security.exchange.hours
    step = fill if config.fill_data_forward else None
    return [reader.stream(config, hours, start, end, step)]
