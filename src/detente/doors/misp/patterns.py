"""STIX patterns that are one comparison, and the attributes of MISP that say the same.

All other patterns are attributes of their language's type, whole: nothing of them is lost.

Source: STIX 2.1 section 9 (patterning); MISP core format, attribute types; the patterns are
those that MISP's own converter writes.
"""

import ipaddress
import re
from typing import NamedTuple

PATHS = {
    "domain": "domain-name:value",
    "url": "url:value",
    "email": "email-addr:value",
    "mac-address": "mac-addr:value",
    "mutex": "mutex:name",
    "regkey": "windows-registry-key:key",
    "filename": "file:name",
    "md5": "file:hashes.MD5",
    "sha1": "file:hashes.SHA1",
    "sha256": "file:hashes.SHA256",
    "sha512": "file:hashes.SHA512",
}
"""By type of attribute, what is compared."""

_SPELLINGS = {
    "file:hashes.'SHA-1'": "sha1",
    "file:hashes.'SHA-256'": "sha256",
    "file:hashes.'SHA-512'": "sha512",
    "file:hashes.'MD5'": "md5",
    "ipv4-addr:value": "ip-dst",
    "ipv6-addr:value": "ip-dst",
}
"""What others compare, and MISP's type for it; where a direction is not said, MISP's default."""

_TYPES = {path: kind for kind, path in PATHS.items()} | _SPELLINGS

LANGUAGES = {
    "stix": "stix2-pattern",
    "yara": "yara",
    "sigma": "sigma",
    "snort": "snort",
    "suricata": "snort",
}
"""By a pattern's language, the type of an attribute that is the pattern."""

CATEGORIES = {
    "filename": "Payload delivery",
    "md5": "Payload delivery",
    "sha1": "Payload delivery",
    "sha256": "Payload delivery",
    "sha512": "Payload delivery",
    "email": "Payload delivery",
    "mutex": "Artifacts dropped",
    "regkey": "Persistence mechanism",
    "stix2-pattern": "Payload installation",
    "yara": "Payload installation",
    "sigma": "Payload installation",
    "text": "Other",
}
"""MISP's default for each type; "Network activity" for the rest."""

_VALUE = r"'((?:[^'\\]|\\.)*)'"
_COMPARISON = re.compile(rf"\[\s*([a-z0-9-]+:[A-Za-z0-9_.'-]+)\s*=\s*{_VALUE}\s*\]")
_ADDRESS = re.compile(
    r"\[\s*network-traffic:(src|dst)_ref\.type\s*=\s*'ipv[46]-addr'\s+AND\s+"
    rf"network-traffic:\1_ref\.value\s*=\s*{_VALUE}\s*\]"
)
_ESCAPED = re.compile(r"\\(.)", re.DOTALL)


class Told(NamedTuple):
    """What an attribute says: its type and value."""

    type: str
    value: str

    @property
    def category(self) -> str:
        """MISP's category for it."""
        return CATEGORIES.get(self.type, "Network activity")


def attribute_of(pattern: str, language: str) -> Told:
    """The attribute that says what a pattern says."""
    if language == "stix":
        address = _ADDRESS.fullmatch(pattern)
        if address is not None:
            return Told(f"ip-{address[1]}", _ESCAPED.sub(r"\1", address[2]))
        one = _COMPARISON.fullmatch(pattern)
        if one is not None and one[1] in _TYPES:
            return Told(_TYPES[one[1]], _ESCAPED.sub(r"\1", one[2]))
    return Told(LANGUAGES.get(language, "text"), pattern)


def pattern_of(type_: str, value: str) -> tuple[str, str] | None:
    """A pattern that says what an attribute says, and its language; None where there is none."""
    spelt = value.replace("\\", "\\\\").replace("'", "\\'")
    if type_ in {"ip-src", "ip-dst"}:
        try:
            version = ipaddress.ip_network(value, strict=False).version
        except ValueError:
            return None
        end = f"network-traffic:{type_[3:]}_ref"
        return f"[{end}.type = 'ipv{version}-addr' AND {end}.value = '{spelt}']", "stix"
    if type_ == "hostname":
        type_ = "domain"
    if type_ in PATHS:
        return f"[{PATHS[type_]} = '{spelt}']", "stix"
    for language, kind in LANGUAGES.items():
        if type_ == kind:
            return value, language
    return None
