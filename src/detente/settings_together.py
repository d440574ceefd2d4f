"""Which settings of a node go together, and which exclude each other."""

from collections.abc import Mapping
from typing import Any

from detente.errors import MalformedInput

_PAIRS = (
    ("tls_certificate", "tls_key"),
    ("cap_certificate", "cap_key"),
    ("cot_ca_certificate", "cot_ca_key"),
    ("witness_name", "witness_logs"),
    ("mirror_name", "mirror_logs"),
)
"""Settings of which both are given, or neither."""

_NEEDS = (
    ("tls_client_ca", "tls_certificate"),
    ("tls_client_required", "tls_client_ca"),
    ("cot_ca_key", "tls_certificate"),
    ("cot_tls", "tls_client_ca"),
    # Whoever speaks Cursor on Target speaks for some party.
    ("cot_tcp", "cot_party"),
    ("cot_udp", "cot_party"),
)
"""Settings that say nothing without another."""


def check_together(settings: Any, origins: Mapping[str, str]) -> None:
    """Refuse values that are well by themselves, and exclude each other.

    Args:
        settings: Of a node.
        origins: Where each stands, by name.

    Raises:
        MalformedInput: Such values; it names the place.
    """
    for one, other in _PAIRS:
        if bool(getattr(settings, one)) != bool(getattr(settings, other)):
            given = one if getattr(settings, one) else other
            raise MalformedInput(origins[given], expected=f"{one} and {other}, or neither")
    for name, needed in _NEEDS:
        if getattr(settings, name) and not getattr(settings, needed):
            raise MalformedInput(origins[name], expected=f"a {needed} as well")
    if settings.mirror_name and settings.mirror_name == settings.witness_name:
        # A mirror's cosignature says more than a witness's (tlog-mirror).
        raise MalformedInput(origins["mirror_name"], expected="another name than witness_name")
