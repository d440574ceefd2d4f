"""The rules of the record, as far as they can be asked from the log alone.

Whoever reads the log sees who said something, as its how-manieth entry, after
which, about which version of which object, when, and with which key. What was
said stays behind its commitment. So these are the checks of
``detente.core.ledger`` that need no object, each with the name under which a
breach is told:

- ``theatre``: every entry is for the theatre that the log is named after;
- ``author``: leaf 0 is the agreement, the node speaks of what only it may, and
  each entry bears the signatures that it must bear, by their key ids;
- ``key``: a key speaks after an entry introduced it, by a signature of its own,
  and for the one party for which it was introduced;
- ``chain``: an entry is the next of its chain, and names the last one by its hash;
- ``version``: it is the next version of its object, of the same kind and owner;
- ``time``: its time is not before the last of its chain, nor in the future, by
  more than a clock may be wrong.

A chain or an object that was broken once is followed from where it went on: one
breach is told once.

What cannot be seen: whether a signature verifies (the log holds ids of keys, not
keys), what an object says, which keys an entry takes away, and entries that were
withheld from everybody.

Source: DESIGN section 7; docs/rules/R-09.md; docs/adr/0018.
"""

from msgspec import Struct

from detente.core.entry import CLOCK_AHEAD_MAX_S, EntryKind
from detente.core.kinds import OF_NODE
from detente.core.ledger import NODE
from detente.core.shown import Shown

_CLOCK_US = CLOCK_AHEAD_MAX_S * 1_000_000
_OF_NODE = {kind.value for kind in OF_NODE}


class Chain(Struct, frozen=True, kw_only=True):
    """Where a chain stands: entries in it, the last one's leaf hash (hex) and time, its key."""

    entries: int
    leaf: str
    time_us: int
    key: str


class KeyChange(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """From this entry on a party speaks with this key; ``before`` is None where it is its first."""

    entry: int
    party: str
    key: str
    before: str | None = None


class Version(Struct, frozen=True, kw_only=True):
    """The last version of an object."""

    kind: str
    owner: str
    number: int


class Breach(Struct, frozen=True, kw_only=True):
    """A rule that an entry breaks: the rule's name, and what is wrong."""

    rule: str
    what: str


class Known(Struct, kw_only=True):
    """What the entries so far have shown.

    Attributes:
        chains: By the party whose they are.
        introduced: Key ids, each with the objects (the agreement, or a party's) whose
            entries it signed as a key introduced.
        parties: The object of each party whose keys have spoken.
        changes: Each key of each party, from the entry where it first spoke.
        objects: The last version of each object, by its id.
    """

    chains: dict[str, Chain] = {}
    introduced: dict[str, list[str]] = {}
    parties: dict[str, str] = {}
    changes: list[KeyChange] = []
    objects: dict[str, Version] = {}


class Outside:
    """The rules, with what the log has shown so far.

    Args:
        theatre: Whose log it is.
        known: What the entries before have shown; it is brought up to date.
        now_us: The auditor's clock, microseconds since 1970, UTC.
    """

    def __init__(self, theatre: str, known: Known, *, now_us: int) -> None:
        self._theatre = theatre
        self.known = known
        self._latest_us = now_us + _CLOCK_US
        # Few versions of few kinds and owners are shared by very many objects.
        self._versions: dict[tuple[str, str, int], Version] = {}

    def follow(self, index: int, one: Shown) -> list[Breach]:
        """Take the next entry; what it breaks.

        Args:
            index: Its place in the log, from 0.
            one: What it shows.
        """
        breaches: list[Breach] = []
        if one.theatre != self._theatre:
            breaches.append(_breach("theatre", self._theatre, one.theatre))
        self._author(index, one, breaches)
        self._key(index, one, breaches)
        self._chain(one, breaches)
        self._object(one, breaches)
        return breaches

    def _author(self, index: int, one: Shown, breaches: list[Breach]) -> None:
        founds = one.kind == EntryKind.AGREEMENT
        if index == 0 and not founds:
            breaches.append(_breach("author", "the agreement as the first entry", one.kind))
        # A party's own keys are the one thing of the node's that it may change.
        of_itself = one.kind == EntryKind.PARTY and one.chain == one.party
        by_either = one.kind == EntryKind.ERASURE
        if (one.kind in _OF_NODE) != (one.party == NODE) and not of_itself and not by_either:
            breaches.append(_breach("author", f"nobody to say this as {one.party}", one.kind))

    def _key(self, index: int, one: Shown, breaches: list[Breach]) -> None:
        known = self.known
        if index == 0:
            # Leaf 0 brings the key that signs it; whoever trusts the log pins it.
            known.introduced[one.key] = [one.object]
            known.parties[one.chain] = one.object
        elif one.kind == EntryKind.PARTY and one.party != NODE:
            known.parties.setdefault(one.party, one.object)
        if not self._speaks(one):
            breaches.append(
                _breach("key", f"a key that an entry introduced for {one.chain}", one.key)
            )
        if one.introduces is not None:
            objects = known.introduced.setdefault(one.introduces, [])
            if one.object not in objects:
                objects.append(one.object)
        last = known.chains.get(one.chain)
        before = None if last is None else last.key
        if before != one.key:
            known.changes.append(
                KeyChange(entry=index, party=one.chain, key=one.key, before=before)
            )

    def _speaks(self, one: Shown) -> bool:
        """Whether the key was introduced for whoever speaks with it.

        Whose an object of kind ``party`` is cannot be seen; the first that speaks with a key
        which it introduced shows it.
        """
        parties = self.known.parties
        objects = self.known.introduced.get(one.key, [])
        own = parties.get(one.chain)
        if own is not None or not objects:
            return own in objects
        taken = set(parties.values())
        free = [each for each in objects if each not in taken]
        if free:
            parties[one.chain] = free[0]
        return bool(free)

    def _chain(self, one: Shown, breaches: list[Breach]) -> None:
        last = self.known.chains.get(one.chain)
        wanted = 0 if last is None else last.entries
        if one.party_sequence != wanted:
            expected = f"entry {wanted} of the chain of {one.chain}"
            breaches.append(_breach("chain", expected, f"entry {one.party_sequence}"))
        elif last is not None and one.previous != last.leaf:
            expected = f"the hash of entry {wanted - 1} of the chain of {one.chain}"
            breaches.append(_breach("chain", expected, "another"))
        if last is not None and one.time_us < last.time_us - _CLOCK_US:
            back_s = (last.time_us - one.time_us) // 1_000_000
            expected = f"a time not before the last of {one.chain}"
            breaches.append(_breach("time", expected, f"{back_s} s earlier"))
        if one.time_us > self._latest_us:
            breaches.append(_breach("time", "a time that has come", "one in the future"))
        self.known.chains[one.chain] = Chain(
            entries=one.party_sequence + 1, leaf=one.leaf.hex(), time_us=one.time_us, key=one.key
        )

    def _object(self, one: Shown, breaches: list[Breach]) -> None:
        objects = self.known.objects
        last = objects.get(one.object)
        wanted = 1 if last is None else last.number + 1
        if one.version != wanted:
            breaches.append(
                _breach("version", f"version {wanted} of the object", f"version {one.version}")
            )
        if last is not None and (last.kind, last.owner) != (one.kind, one.owner):
            breaches.append(
                _breach("version", f"a {last.kind} of {last.owner}", f"a {one.kind} of {one.owner}")
            )
        place = (one.kind, one.owner, one.version)
        version = self._versions.get(place)
        if version is None:
            version = Version(kind=one.kind, owner=one.owner, number=one.version)
            self._versions[place] = version
        objects[one.object] = version


def _breach(rule: str, expected: str, got: str) -> Breach:
    return Breach(rule=rule, what=f"expected {expected}, got {got}")
