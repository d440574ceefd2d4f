"""What a request must be, whatever stands in the airspace."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from uuid import UUID

from msgspec import Struct

from detente.core.notice import LEGS_MAX
from detente.core.volume import Volume
from detente.errors import MalformedInput
from detente.node.f3548.cells import CELLS_MAX, VERTICES_MAX, required
from detente.node.f3548.extent import Extent, extent_of

CLOCK_SKEW_MAX = timedelta(minutes=5)
"""How far a client's clock may differ from the node's."""

SUBSCRIPTION_MAX = timedelta(hours=24)
"""Length of a subscription's window (F3548-21 DSSMaxSubscriptionDurationHours)."""

BASE_URL_LENGTH_MAX = 2_000
_UUID_LENGTH, _UUID_VERSION, _TIME_SHIFT = 36, 7, 80


class Terms(Struct, frozen=True, kw_only=True):
    """How this node keeps the service.

    Attributes:
        base_url: Where the node itself answers as a USS.
        plain_http: Whether USSs may give addresses without TLS; for tests.
        clock_indices: Whether notification indices are milliseconds since midnight
            UTC, F3548's other form, instead of counting.
    """

    base_url: str = ""
    plain_http: bool = False
    clock_indices: bool = False

    def index(self, counted: int, now: datetime) -> int:
        """The notification index after ``counted`` changes."""
        if not self.clock_indices:
            return counted
        midnight = now.astimezone(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
        return (now - midnight) // timedelta(milliseconds=1)


def require_url(url: str, terms: Terms, *, what: str) -> str:
    """An address with TLS.

    Raises:
        MalformedInput: Without, or too long.
    """
    given = url.lower()
    if not given.startswith("https://") and not (terms.plain_http and given.startswith("http://")):
        raise MalformedInput(what, expected="an address that begins with https://")
    if len(url) > BASE_URL_LENGTH_MAX:
        raise MalformedInput(
            what, expected=f"at most {BASE_URL_LENGTH_MAX} characters", got=f"{len(url)}"
        )
    return url


def require_extent(volumes: Sequence[Volume], *, times: bool, altitudes: bool) -> Extent:
    """The extent of volumes that keep F3548's limits.

    Args:
        volumes: Of an entity, or one that is asked about.
        times: Whether each must have a start and an end.
        altitudes: Whether each must have a lower and an upper altitude.

    Raises:
        MalformedInput: None, too many, too large, or a bound is missing.
    """
    if not 1 <= len(volumes) <= LEGS_MAX:
        raise MalformedInput("extents", expected=f"1 to {LEGS_MAX}", got=f"{len(volumes)}")
    vertices = 0
    for volume in volumes:
        if times and (volume.start is None or volume.end is None):
            raise MalformedInput("extents", expected="a start and an end of each")
        if altitudes and (volume.lower_mm is None or volume.upper_mm is None):
            raise MalformedInput("extents", expected="a lower and an upper altitude of each")
        vertices += sum(shape.vertex_count for shape in volume.footprint)
        if vertices > VERTICES_MAX:
            raise MalformedInput("extents", expected=f"at most {VERTICES_MAX} vertices")
        required(volume.footprint)
    extent = extent_of(volumes)
    if len(extent.cells) > CELLS_MAX:
        raise MalformedInput(
            "area",
            expected=f"at most {CELLS_MAX} cells of about 1.27 km2",
            got=f"{len(extent.cells)}",
        )
    return extent


def require_not_past(end: datetime | None, now: datetime) -> None:
    """An end that is still to come.

    Raises:
        MalformedInput: It is over.
    """
    if end is not None and end < now:
        raise MalformedInput("time_end", expected="not in the past", got=end.isoformat())


def require_suffix(suffix: str, now: datetime) -> None:
    """A suffix that a USS may ask for: a UUIDv7 of about now.

    Raises:
        MalformedInput: Another.

    Source:
        F3548-21's OpenAPI as InterUSS extends it, ``requested_ovn_suffix``.
    """
    made: datetime | None = None
    try:
        if len(suffix) == _UUID_LENGTH and (uuid := UUID(suffix)).version == _UUID_VERSION:
            made = datetime.fromtimestamp((uuid.int >> _TIME_SHIFT) / 1_000, UTC)
    except (ValueError, OverflowError, OSError):
        pass
    if made is None or abs(made - now) > CLOCK_SKEW_MAX:
        raise MalformedInput("requested_ovn_suffix", expected="a UUIDv7 of the current time")
