"""Policy: whose signatures make a checkpoint worth believing.

Which logs are known, which witnesses, and how many of them must have cosigned::

    log log.example.org/levant+530d903a+AekyeRrm...
    witness north party-a.example/w1+...
    witness south party-b.example/w1+...
    group both all north south
    quorum both

A file that does not parse to the last byte is refused: half a policy would ask
for less.

Source: C2SP tlog-policy; docs/adr/0018.
"""

from collections.abc import Collection, Mapping

from msgspec import Struct

from detente.core.checkpoint import Checkpoint, parse_checkpoint
from detente.core.lines import to_size
from detente.core.note import Verified, parse_note, verify_note
from detente.core.note_key import (
    COSIGNER_TYPES,
    LOG_TYPES,
    SignatureType,
    VerifierKey,
    parse_vkey,
)
from detente.errors import MalformedInput, NotAuthentic

POLICY_BYTES_MAX = 1 << 20
"""Some 500 keys of ML-DSA-44, 2 kB each; tlog-policy asks for 32 logs and 32 witnesses."""

NO_QUORUM = "none"
"""The quorum that is always met."""


class PolicyLog(Struct, frozen=True, kw_only=True):
    """A log that is known; the name of its key is its origin."""

    key: VerifierKey
    url: str | None = None


class PolicyWitness(Struct, frozen=True, kw_only=True):
    """A witness, under the name that it has in this policy alone."""

    name: str
    key: VerifierKey
    url: str | None = None


class PolicyGroup(Struct, frozen=True, kw_only=True):
    """A group has witnessed what at least ``threshold`` of its members have witnessed.

    Members are witnesses, and groups that were defined before.
    """

    name: str
    threshold: int
    members: tuple[str, ...]


class Policy(Struct, frozen=True, kw_only=True):
    """Whose signatures are asked for, as ``parse_policy`` reads it.

    Attributes:
        logs: Any one of them signs.
        witnesses: Each under a name of its own.
        groups: Each after those that it names.
        quorum: The witness or group that must have witnessed; or NO_QUORUM.
    """

    logs: tuple[PolicyLog, ...]
    witnesses: tuple[PolicyWitness, ...] = ()
    groups: tuple[PolicyGroup, ...] = ()
    quorum: str = NO_QUORUM


class Witnessed(Struct, frozen=True, kw_only=True):
    """A checkpoint that a policy believes, and by whose word.

    Attributes:
        checkpoint: What was signed.
        logs: Signatures of the log, one or more.
        cosignatures: The name of each witness whose cosignature counts, and the newest
            of its cosignatures.
    """

    checkpoint: Checkpoint
    logs: tuple[Verified, ...]
    cosignatures: Mapping[str, Verified]


def parse_policy(data: bytes) -> Policy:
    """The policy in a file.

    Raises:
        MalformedInput: Larger than POLICY_BYTES_MAX, or a line that is not of the format;
            the refusal says which.
    """
    if len(data) > POLICY_BYTES_MAX:
        raise MalformedInput(
            "policy", expected=f"at most {POLICY_BYTES_MAX} bytes", got=f"{len(data)}"
        )
    # Other octets than ASCII are opaque: escaped, they stay apart as they are.
    *lines, rest = data.decode(errors="surrogateescape").split("\n")
    reading = _Reading()
    for number, line in enumerate(lines, start=1):
        try:
            items = _items(line)
            if items:
                reading.take(items)
        except MalformedInput as error:
            raise MalformedInput(
                f"policy line {number}: {_shown(error.what)}",
                expected=error.expected,
                got=_shown(error.got),
            ) from None
    if rest:
        raise MalformedInput("policy", expected="a newline at the end of its last line")
    if reading.quorum is None:
        raise MalformedInput("policy", expected="a quorum line")
    return Policy(
        logs=tuple(reading.logs.values()),
        witnesses=tuple(reading.witnesses.values()),
        groups=tuple(reading.groups.values()),
        quorum=reading.quorum,
    )


def render_policy(policy: Policy) -> bytes:
    """A policy as a file that ``parse_policy`` reads as the same policy.

    Raises:
        MalformedInput: Nothing that a file could say.
    """
    lines = [["log", one.key.vkey, one.url or ""] for one in policy.logs]
    lines += [["witness", one.name, one.key.vkey, one.url or ""] for one in policy.witnesses]
    lines += [["group", one.name, str(one.threshold), *one.members] for one in policy.groups]
    lines += [["quorum", policy.quorum]]
    text = "".join(" ".join(line).rstrip(" ") + "\n" for line in lines)
    data = text.encode(errors="surrogateescape")
    if parse_policy(data) != policy:
        raise MalformedInput("policy", expected="names and addresses without spaces")
    return data


class _Reading:
    """What the lines of a policy have said so far."""

    def __init__(self) -> None:
        self.logs: dict[bytes, PolicyLog] = {}
        self.witnesses: dict[bytes, PolicyWitness] = {}
        self.groups: dict[str, PolicyGroup] = {}
        self.quorum: str | None = None
        self.names: set[str] = {NO_QUORUM}
        self.members: set[str] = set()

    def take(self, items: list[str]) -> None:
        """Read the items of one line."""
        match items:
            case ["log", vkey, *url] if len(url) <= 1:
                key = _key(vkey, LOG_TYPES, self.logs)
                self.logs[key.public] = PolicyLog(key=key, url=_first(url))
            case ["witness", name, vkey, *url] if len(url) <= 1:
                key = _key(vkey, COSIGNER_TYPES, self.witnesses)
                self.define(name)
                self.witnesses[key.public] = PolicyWitness(name=name, key=key, url=_first(url))
            case ["group", name, threshold, *members] if members:
                self.group(name, threshold, tuple(members))
            case ["quorum", name]:
                self.require(name)
                if self.quorum is not None:
                    raise MalformedInput("quorum", expected="one quorum line")
                self.quorum = name
            case _:
                raise MalformedInput(
                    items[0],
                    expected="log VKEY [URL], witness NAME VKEY [URL], "
                    "group NAME all|any|NUMBER NAME..., or quorum NAME",
                )

    def group(self, name: str, threshold: str, members: tuple[str, ...]) -> None:
        """Define a group of what is defined already and stands in no other group."""
        for member in members:
            self.require(member)
            if member == NO_QUORUM or member in self.members:
                raise MalformedInput(
                    f"group {name}",
                    expected="members that are listed once in all groups, and not none",
                    got=member,
                )
            self.members.add(member)
        self.define(name)
        short = {"any": 1, "all": len(members)}
        number = short.get(threshold) or to_size(threshold, what="threshold")
        if not 1 <= number <= len(members):
            raise MalformedInput("threshold", expected=f"1 to {len(members)}", got=threshold)
        self.groups[name] = PolicyGroup(name=name, threshold=number, members=members)

    def define(self, name: str) -> None:
        """Give a name away, once."""
        if name in self.names:
            raise MalformedInput("name", expected="one that is not taken", got=name)
        self.names.add(name)

    def require(self, name: str) -> None:
        """Refuse a name that no line above defines."""
        if name not in self.names:
            raise MalformedInput("name", expected="one defined above", got=name)


def _items(line: str) -> list[str]:
    """What stands in a line between spaces and tabs; nothing, in a comment."""
    if any(character < " " and character != "\t" for character in line) or "\x7f" in line:
        raise MalformedInput("characters", expected="no control characters but tabs")
    items = [item for item in line.replace("\t", " ").split(" ") if item]
    return [] if items and items[0].startswith("#") else items


def _key(vkey: str, types: frozenset[SignatureType], taken: Collection[bytes]) -> VerifierKey:
    key = parse_vkey(vkey)
    if key.type not in types:
        expected = " or ".join(f"0x{one:02x}" for one in sorted(types))
        raise MalformedInput(
            f"key {key.name}", expected=f"signature type {expected}", got=f"0x{key.type:02x}"
        )
    if key.public in taken:
        raise MalformedInput(f"key {key.name}", expected="a public key that stands here once")
    return key


def _first(items: list[str]) -> str | None:
    return items[0] if items else None


def _shown(name: str) -> str:
    """A name as an error may say it: whatever octets it holds."""
    return name[:200].encode(errors="surrogateescape").decode(errors="replace")


def witnessed(policy: Policy, keys: Collection[VerifierKey]) -> frozenset[str]:
    """The names of all witnesses and groups that have witnessed, if these keys cosigned."""
    names = {witness.name for witness in policy.witnesses if witness.key in keys}
    # Groups name only what stands before them: one pass counts nested ones as well.
    for group in policy.groups:
        if sum(member in names for member in group.members) >= group.threshold:
            names.add(group.name)
    return frozenset(names)


def verify_checkpoint(data: bytes, policy: Policy) -> Witnessed:
    """Believe a checkpoint if a known log signed it, under its own origin, and a quorum did.

    Raises:
        MalformedInput: Not a checkpoint.
        NotAuthentic: A known key's signature does not verify, no log of the policy signed,
            or too few witnesses did.
    """
    note = parse_note(data)
    checkpoint = parse_checkpoint(note.text)
    logs = {log.key for log in policy.logs if log.key.name == checkpoint.origin}
    keys = [log.key for log in policy.logs] + [witness.key for witness in policy.witnesses]
    signed = verify_note(note, keys)
    by_logs = tuple(one for one in signed if one.key in logs)
    if not by_logs:
        raise NotAuthentic(
            "checkpoint", expected="the signature of a known log", got=checkpoint.origin
        )
    names = witnessed(policy, {one.key for one in signed})
    if policy.quorum not in names | {NO_QUORUM}:
        found = sorted(one.name for one in policy.witnesses if one.name in names)
        raise NotAuthentic(
            f"checkpoint of {checkpoint.origin}",
            expected=f"cosignatures that make {_shown(policy.quorum)}",
            got=f"those of {', '.join(map(_shown, found)) or 'nobody'}",
        )
    return Witnessed(checkpoint=checkpoint, logs=by_logs, cosignatures=_newest(policy, signed))


def _newest(policy: Policy, signed: tuple[Verified, ...]) -> Mapping[str, Verified]:
    """The newest cosignature of each witness, by its name in the policy."""
    names = {witness.key: witness.name for witness in policy.witnesses}
    found: dict[str, Verified] = {}
    for one in sorted(signed, key=lambda one: one.timestamp or 0):
        if one.key in names:
            found[names[one.key]] = one
    return found
