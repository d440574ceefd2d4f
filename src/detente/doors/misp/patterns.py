"""STIX patterns that are one comparison, and the attributes of MISP that say the same.

All other patterns are attributes of their language's type, whole: nothing of them is lost.

Source: STIX 2.1 section 9 (patterning); MISP core format, attribute types; the patterns are
those that MISP's own converter writes.
"""

import ipaddress
import re
from collections.abc import Callable, Mapping
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
    """The attribute that says what a pattern says.

    Whole where MISP would not take the value: it leaves such attributes out, and says so to nobody.
    """
    said = _compared(pattern) if language == "stix" else None
    kept = None if said is None else _kept(*said)
    if said is None or kept is None:
        return Told(LANGUAGES.get(language, "text"), pattern)
    return Told(said.type, kept)


def _compared(pattern: str) -> Told | None:
    """What a pattern of one comparison says."""
    address = _ADDRESS.fullmatch(pattern)
    if address is not None:
        return Told(f"ip-{address[1]}", _ESCAPED.sub(r"\1", address[2]))
    one = _COMPARISON.fullmatch(pattern)
    if one is None or one[1] not in _TYPES:
        return None
    return Told(_TYPES[one[1]], _ESCAPED.sub(r"\1", one[2]))


def _kept(type_: str, value: str) -> str | None:
    """A value as MISP keeps it, by whose hash it is looked up; None where MISP takes none such."""
    if not value or value != value.strip() or "\n" in value:
        return None
    spell, form = _SPELT.get(type_, (str, _ANY))
    try:
        spelt = spell(value)
    except ValueError:
        return None
    return spelt if form.fullmatch(spelt) else None


def _address(value: str) -> str:
    """An address, or a network by the bits of its mask. Raises ValueError where it is none."""
    address, slash, bits = value.partition("/")
    ipaddress.ip_interface(value)
    return f"{ipaddress.ip_address(address)}{slash}{bits}"


def _domain(value: str) -> str:
    """As it is asked for in the DNS. Raises ValueError where it cannot be."""
    lower = value.lower().strip(".")
    return lower if _DOMAIN.fullmatch(lower) else lower.encode("idna").decode()


def _octets(value: str) -> str:
    digits = re.sub(r"[.: -]", "", value.lower())
    return ":".join(digits[at : at + 2] for at in range(0, len(digits), 2))


_ANY = re.compile(".+", re.DOTALL)
_DOMAIN = re.compile(r"[a-z0-9._-]+\.[a-z0-9-]{2,}", re.ASCII)
_SPELT: Mapping[str, tuple[Callable[[str], str], re.Pattern[str]]] = {
    "ip-src": (_address, re.compile(r"[^%/]+(/\d+)?", re.ASCII)),
    "ip-dst": (_address, re.compile(r"[^%/]+(/\d+)?", re.ASCII)),
    "domain": (_domain, _DOMAIN),
    "email": (str.lower, re.compile(r".\S*@.*\..*")),
    "mac-address": (_octets, re.compile(r"([0-9a-f]{2}:){5}[0-9a-f]{2}")),
    "md5": (str.lower, re.compile(r"[0-9a-f]{32}")),
    "sha1": (str.lower, re.compile(r"[0-9a-f]{40}")),
    "sha256": (str.lower, re.compile(r"[0-9a-f]{64}")),
    "sha512": (str.lower, re.compile(r"[0-9a-f]{128}")),
}
"""By type, how MISP spells a value before it looks at it, and what it takes
(its AttributeValidationTool)."""


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
