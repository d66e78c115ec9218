"""Settings of the admission: one frozen section per guard, defaults in one place.

Keys read ``admission.quality.outlier_z``, and only what differs from the defaults is written out.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from protection.contracts import checks
from protection.contracts.errors import FixSettings
from protection.contracts.schema import Section, Tree, setting


@dataclass(frozen=True, eq=False, repr=False)
class DoorSettings(Section):
    """Whether the system asks the door about what it observes, and what a refusal means.

    Off by default: one feed that nobody else can write to, as LEAN's own is, has no second opinion
    and no signature, and what is left, jumps and impossible figures, the system judges itself. On,
    the door holds the first two prices of a real crash back until a third confirms them.
    """

    NAME = "door"
    SPARSE = True

    mode: str = setting(
        "off", checks.one_of("off", "on"), "whether every observation passes the door first"
    )
    source: str = setting(
        "host", checks.words(), "name of the source that records without an envelope come from"
    )
    cadence_seconds: float | None = setting(
        None,
        checks.above(0, optional=True),
        "expected time between two of its observations; none: their age is not judged",
    )
    patience_seconds: float = setting(
        1.0,
        checks.at_least(0),
        "how much older the last good observation of a symbol may be than a refused one before "
        "adding is denied",
    )
    save_seconds: float = setting(
        60.0, checks.above(0), "how often what the door remembers is stored, beside each session"
    )


@dataclass(frozen=True, eq=False, repr=False)
class SealSettings(Section):
    """Memory of sequences and nonces."""

    NAME = "seals"
    SPARSE = True

    window: int = setting(
        1024, checks.count(1), "how far behind the highest sequence a message may still arrive"
    )
    nonces: int = setting(4096, checks.count(1), "nonces remembered per source at least")


@dataclass(frozen=True, eq=False, repr=False)
class RateSettings(Section):
    """Token bucket and quota of every source, unless the source has its own."""

    NAME = "rates"
    SPARSE = True

    per_second: float = setting(100_000.0, checks.above(0), "tokens a second, one per message")
    burst: float = setting(200_000.0, checks.at_least(1), "tokens a full bucket holds")
    quota: int | None = setting(
        None, checks.count(1, optional=True), "messages of one owner per quota window"
    )
    quota_seconds: float = setting(60.0, checks.above(0), "length of the quota window")


@dataclass(frozen=True, eq=False, repr=False)
class QualitySettings(Section):
    """What a record must look like."""

    NAME = "quality"
    SPARSE = True

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


@dataclass(frozen=True, eq=False, repr=False)
class NoiseSettings(Section):
    """Signal-to-noise ratio of a price feed."""

    NAME = "noise"
    SPARSE = True

    ratio: float | None = setting(
        0.25, checks.above(0, optional=True), "variance of the efficient price over that of noise"
    )
    memory: int = setting(500, checks.count(20), "returns in the running moments")
    minimum: int = setting(250, checks.count(20), "returns needed before it is judged")


@dataclass(frozen=True, eq=False, repr=False)
class TrustSettings(Section):
    """Beta trust of a source, decaying to its prior."""

    NAME = "trust"
    SPARSE = True

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


@dataclass(frozen=True, eq=False, repr=False)
class ConcentrationSettings(Section):
    """How much of the intake one owner may be."""

    NAME = "concentration"
    SPARSE = True

    freeze: float | None = setting(
        0.20, checks.share(optional=True), "Herfindahl index above which the largest wait"
    )
    target: float = setting(0.15, checks.share(), "index below which a freeze ends")
    entropy: float | None = setting(
        2.0, checks.above(0, optional=True), "entropy in nats wanted where so many owners exist"
    )
    half_life_seconds: float = setting(3600.0, checks.above(0), "decay of the counted shares")
    minimum: int = setting(200, checks.count(1), "admitted messages before it is judged")


@dataclass(frozen=True, eq=False, repr=False)
class QuarantineSettings(Section):
    """Observations that wait for confirmation or for an operator."""

    NAME = "quarantine"
    SPARSE = True

    capacity: int = setting(1000, checks.count(1), "observations held; the oldest goes first")
    hold_seconds: float = setting(3600.0, checks.above(0), "time until one is dropped")
    confirmations: int = setting(
        3, checks.count(1), "agreeing observations in a row that confirm a new price level"
    )
    owners: int = setting(
        2, checks.count(1), "owners that must see it, where so many watch the symbol"
    )


@dataclass(frozen=True, eq=False, repr=False)
class AdmissionSettings(Tree):
    """Every threshold of the admission."""

    NAME = "admission"

    door: DoorSettings = field(default_factory=DoorSettings)
    seals: SealSettings = field(default_factory=SealSettings)
    rates: RateSettings = field(default_factory=RateSettings)
    quality: QualitySettings = field(default_factory=QualitySettings)
    noise: NoiseSettings = field(default_factory=NoiseSettings)
    trust: TrustSettings = field(default_factory=TrustSettings)
    concentration: ConcentrationSettings = field(default_factory=ConcentrationSettings)
    quarantine: QuarantineSettings = field(default_factory=QuarantineSettings)

    def __post_init__(self) -> None:
        super().__post_init__()
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
