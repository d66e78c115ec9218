"""Settings of the admission: one frozen section per guard, defaults in one place."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from protection.contracts import checks
from protection.contracts.errors import FixSettings
from protection.contracts.schema import Section, setting, unknown_key


@dataclass(frozen=True)
class SealSettings(Section):
    """Memory of sequences and nonces."""

    NAME = "seals"

    window: int = setting(
        1024, checks.count(1), "how far behind the highest sequence a message may still arrive"
    )
    nonces: int = setting(4096, checks.count(1), "nonces remembered per source")


@dataclass(frozen=True)
class RateSettings(Section):
    """Token bucket and quota of every source, unless the source has its own."""

    NAME = "rates"

    per_second: float = setting(100_000.0, checks.above(0), "tokens a second, one per message")
    burst: float = setting(200_000.0, checks.at_least(1), "tokens a full bucket holds")
    quota: int | None = setting(
        None, checks.count(1, optional=True), "messages of one owner per quota window"
    )
    quota_seconds: float = setting(60.0, checks.above(0), "length of the quota window")


@dataclass(frozen=True)
class QualitySettings(Section):
    """What a record must look like."""

    NAME = "quality"

    stale_cadences: float = setting(
        3.0, checks.above(0), "age in expected cadences, of event and of receipt, that is stale"
    )
    future_seconds: float = setting(
        2.0, checks.at_least(0), "how far ahead of receipt and clock an event may lie"
    )
    outlier_z: float | None = setting(
        12.0,
        checks.above(0, optional=True),
        "return over the usual move, or robust z of a component, that quarantines",
    )
    outlier_window: int = setting(64, checks.count(8), "returns the usual move is taken from")
    outlier_minimum: int = setting(16, checks.count(4), "returns needed before it is judged")
    scale_floor: float = setting(
        1e-4, checks.above(0), "smallest scale of a log return: 1 basis point"
    )
    symbols: int = setting(100_000, checks.count(1), "symbols one source may send")
    consensus_sources: int = setting(
        3, checks.count(2), "owners with a recent price, itself included, for the consensus check"
    )
    consensus_z: float | None = setting(
        8.0, checks.above(0, optional=True), "distance from the other owners' median, in scales"
    )


@dataclass(frozen=True)
class NoiseSettings(Section):
    """Signal-to-noise ratio of a price feed."""

    NAME = "noise"

    ratio: float | None = setting(
        0.25, checks.above(0, optional=True), "variance of the efficient price over that of noise"
    )
    memory: int = setting(500, checks.count(20), "returns in the running moments")
    minimum: int = setting(250, checks.count(20), "returns needed before it is judged")


@dataclass(frozen=True)
class TrustSettings(Section):
    """Beta trust of a source, decaying to its prior."""

    NAME = "trust"

    prior_good: float = setting(8.0, checks.above(0), "prior count of good messages")
    prior_bad: float = setting(2.0, checks.above(0), "prior count of bad messages")
    good: float = setting(0.1, checks.above(0), "evidence of one good message")
    evidence: float = setting(
        100.0, checks.above(0), "largest evidence kept: a long good record buys no immunity"
    )
    half_life_seconds: float = setting(86_400.0, checks.above(0), "decay of evidence to the prior")
    floor: float = setting(0.05, checks.share(), "smallest weight of an admitted message")
    cap: float = setting(1.0, checks.size(), "largest weight of an admitted message")
    suspect: float = setting(0.5, checks.share(), "score below which a source is suspicious")
    ban: float = setting(0.2, checks.size(), "score below which it is banned; 0 for never")


@dataclass(frozen=True)
class ConcentrationSettings(Section):
    """How much of the intake one owner may be."""

    NAME = "concentration"

    freeze: float | None = setting(
        0.20, checks.share(optional=True), "Herfindahl index above which the largest wait"
    )
    target: float = setting(0.15, checks.share(), "index below which a freeze ends")
    entropy: float | None = setting(
        2.0, checks.above(0, optional=True), "entropy in nats wanted where so many owners exist"
    )
    half_life_seconds: float = setting(3600.0, checks.above(0), "decay of the counted shares")
    minimum: int = setting(200, checks.count(1), "admitted messages before it is judged")


@dataclass(frozen=True)
class QuarantineSettings(Section):
    """Observations that wait for confirmation or for an operator."""

    NAME = "quarantine"

    capacity: int = setting(1000, checks.count(1), "observations held; the oldest goes first")
    hold_seconds: float = setting(3600.0, checks.above(0), "time until one is dropped")
    confirmations: int = setting(
        3, checks.count(1), "agreeing observations in a row that confirm a new price level"
    )
    owners: int = setting(
        2, checks.count(1), "owners that must see it, where so many watch the symbol"
    )


@dataclass(frozen=True)
class AdmissionSettings:
    """Every threshold of the admission."""

    seals: SealSettings = field(default_factory=SealSettings)
    rates: RateSettings = field(default_factory=RateSettings)
    quality: QualitySettings = field(default_factory=QualitySettings)
    noise: NoiseSettings = field(default_factory=NoiseSettings)
    trust: TrustSettings = field(default_factory=TrustSettings)
    concentration: ConcentrationSettings = field(default_factory=ConcentrationSettings)
    quarantine: QuarantineSettings = field(default_factory=QuarantineSettings)

    def __post_init__(self) -> None:
        for name, kind in _SECTIONS.items():
            if not isinstance(getattr(self, name), kind):
                raise FixSettings(
                    f"expected {name} to be {kind.__name__}, was {getattr(self, name)!r}; "
                    "use AdmissionSettings.from_dict for plain mappings"
                )
        trust, shares = self.trust, self.concentration
        if trust.floor > trust.cap:
            raise FixSettings(f"expected trust.floor at most {trust.cap:g}, was {trust.floor:g}")
        if trust.ban >= trust.suspect:
            raise FixSettings(
                f"expected trust.ban below trust.suspect ({trust.suspect:g}), was {trust.ban:g}"
            )
        if shares.freeze is not None and shares.target > shares.freeze:
            raise FixSettings(
                f"expected concentration.target at most concentration.freeze "
                f"({shares.freeze:g}), was {shares.target:g}"
            )
        if self.quality.outlier_minimum > self.quality.outlier_window:
            raise FixSettings(
                f"expected quality.outlier_minimum at most quality.outlier_window "
                f"({self.quality.outlier_window}), was {self.quality.outlier_minimum}"
            )

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> AdmissionSettings:
        """Build from nested plain mappings; missing keys keep their defaults.

        Raises
        ------
        FixSettings
            For an unknown section or key, or an impossible value.
        """
        built: dict[str, Any] = {}
        for name, section in values.items():
            if name not in _SECTIONS:
                raise unknown_key(name, _SECTIONS)
            if not isinstance(section, Mapping):
                raise FixSettings(f"expected {name} to be a mapping of settings, was {section!r}")
            built[name] = _SECTIONS[name].from_dict(section)
        return cls(**built)

    def to_dict(self) -> dict[str, dict[str, Any]]:
        """Nested plain dictionary, read back by :meth:`from_dict`."""
        return {name: getattr(self, name).to_dict() for name in _SECTIONS}


_SECTIONS: dict[str, type[Section]] = {
    kind.NAME: kind
    for kind in (
        SealSettings,
        RateSettings,
        QualitySettings,
        NoiseSettings,
        TrustSettings,
        ConcentrationSettings,
        QuarantineSettings,
    )
}
