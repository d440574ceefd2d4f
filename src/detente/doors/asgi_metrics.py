"""Requests as Prometheus counts them, and the answer that it reads.

Routes are named by their template, never by a path; what no route takes is
``(none)``. With several workers each writes into PROMETHEUS_MULTIPROC_DIR, and
whichever is asked adds them up.
"""

import os
from collections import Counter as Counts
from collections.abc import Iterable
from ipaddress import ip_address
from typing import Protocol

from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, Counter, Gauge, Histogram
from prometheus_client import REGISTRY as OWN
from prometheus_client.exposition import generate_latest
from prometheus_client.multiprocess import MultiProcessCollector

CONTENT_TYPE = CONTENT_TYPE_LATEST.partition("; charset")[0]
"""The framework adds the charset."""
NO_ROUTE = "(none)"
FOLDER_VARIABLE = "PROMETHEUS_MULTIPROC_DIR"

FORWARDING = frozenset({b"forwarded", b"via", b"x-forwarded-for", b"x-real-ip"})
"""Headers by which a proxy says that somebody else is asking through it."""

REQUESTS = Counter("detente_http_requests", "Requests answered.", ["method", "route", "status"])
SECONDS = Histogram(
    "detente_http_request_seconds",
    "From the head of a request to the end of its answer.",
    ["route"],
    buckets=(0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10),
)
IN_FLIGHT = Gauge(
    "detente_http_requests_in_flight", "Requests under way.", multiprocess_mode="livesum"
)
CONNECTIONS = Gauge("detente_http_connections", "Open connections.", multiprocess_mode="livesum")
CUT_OFF = Counter(
    "detente_http_connections_cut_off",
    "Connections closed for what they did, by its problem's code; or to make room for another.",
    ["code"],
)


class _Timed(Protocol):
    def observe(self, amount: float) -> None: ...


_counted: Counts[tuple[str, str, int]] = Counts()
_timers: dict[str, _Timed] = {}


def observe(method: str, route: str, status: int, seconds: float) -> None:
    """Count one answered request. Labels are few: methods and templates, not paths."""
    _counted[method, route, status] += 1
    timer = _timers.get(route)
    if timer is None:
        timer = _timers[route] = SECONDS.labels(route)
    timer.observe(seconds)


def flush(connections: int, in_flight: int) -> None:
    """Hand over what was counted, some four times a second: a request waits for none of it."""
    CONNECTIONS.set(connections)
    IN_FLIGHT.set(in_flight)
    for (method, route, status), count in _counted.items():
        REQUESTS.labels(method, route, str(status)).inc(count)
    _counted.clear()


def exposition() -> bytes:
    """All figures of all workers, in Prometheus' text format."""
    if FOLDER_VARIABLE not in os.environ:
        return generate_latest(OWN)
    registry = CollectorRegistry()
    MultiProcessCollector(registry)  # type: ignore[no-untyped-call] # the library's own lack
    return generate_latest(registry)


def is_from_here(client: str | None, headers: Iterable[tuple[bytes, bytes]]) -> bool:
    """Whether this machine itself asks, and does not pass on what another asked."""
    if client is None or any(name in FORWARDING for name, _ in headers):
        return False
    try:
        return ip_address(client).is_loopback
    except ValueError:
        return False
