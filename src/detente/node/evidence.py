"""Evidence about one object, gathered from one state of the record for one reader.

What the reader may see is cut by detente.core.view, as everywhere. And nothing is shown
that tells of another object: a delivery names up to 1,000 entries within one commitment,
so one that names others as well cannot be shown at all; the file says that it exists,
and what the node noted beside it.

Source: DESIGN section 7; docs/evidence.md; docs/rules/R-02.md, docs/rules/R-10.md.
"""

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from functools import lru_cache
from itertools import pairwise

from msgspec import Struct
from msgspec.structs import replace
from nacl.signing import SigningKey

from detente.core.agreement import Agreement
from detente.core.checkpoint import parse_checkpoint
from detente.core.committed import Check
from detente.core.entry import EntryKind
from detente.core.evidence import Evidence, Shown, Silent, Told, Withheld
from detente.core.ledger import AGREEMENT_SOURCE_ID, NODE
from detente.core.lines import to_base64
from detente.core.note import parse_note
from detente.core.note_key import parse_vkey
from detente.core.policy import Policy, PolicyLog, render_policy
from detente.core.release import Grade
from detente.core.telling import Delivery
from detente.core.tiles import prove_consistency, prove_inclusion
from detente.core.told import Rung
from detente.core.view import Item, Reader, Released
from detente.core.volume import EPOCH
from detente.core.wire import read
from detente.errors import Conflict, LogInconsistent
from detente.node.history import erasure
from detente.node.hotline.chain import chain_of_call
from detente.node.log import PublicLog
from detente.node.told import Word, is_published, standings, words_about
from detente.store import Content, Record, Stored

ENTRIES_MAX = 10_000
"""Entries in one file, each with its proof: some 20 MB."""

RELEASED = (
    EntryKind.NOTICE,
    EntryKind.PRESENCE,
    EntryKind.ZONE,
    EntryKind.PLAN,
    EntryKind.REPORT,
    EntryKind.INCIDENT,
    EntryKind.ALERT,
)
"""Kinds of which there is evidence: those that others are told of."""

NAMES_OTHERS = "the node's word on a delivery; it names other objects as well"


class Notary(Struct, frozen=True, kw_only=True):
    """With what a node makes evidence.

    Attributes:
        key: The node's; it seals.
        log: Whose checkpoints prove.
        policy: Which witnesses the node asks; None where it asks none.
    """

    key: SigningKey
    log: PublicLog
    policy: Policy | None = None

    def known(self, keys: Iterable[str]) -> Policy:
        """The log by all keys that it has had, and the witnesses that the node would believe."""
        spelt = dict.fromkeys([*keys, self.log.key.vkey])
        logs = tuple(PolicyLog(key=parse_vkey(one)) for one in spelt)
        if self.policy is None:
            return Policy(logs=logs)
        return Policy(
            logs=logs,
            witnesses=self.policy.witnesses,
            groups=self.policy.groups,
            quorum=self.policy.quorum,
        )


def gather(
    record: Record,
    reader: Reader,
    stored: Stored,
    notary: Notary,
    *,
    now: datetime,
    opening: Content | None = None,
) -> Evidence:
    """All that a reader may show of an object, proven.

    Args:
        record: One state of it.
        reader: For whom; ``node`` is the operator, who sees all.
        stored: The object, which this reader may see.
        notary: With what.
        now: UTC.
        opening: What the object is, where its asker alone keeps it.

    Raises:
        Conflict: Not a kind of which others are told, or more than ENTRIES_MAX entries.
        LogInconsistent: The record lacks what it should hold.
    """
    if opening is None and stored.kind not in RELEASED:
        raise Conflict(f"evidence of a {stored.kind}", expected=", ".join(RELEASED))
    return _Gathering(record, reader, stored, notary, now, opening).evidence()


class _Gathering:
    """One file in the making."""

    def __init__(
        self,
        record: Record,
        reader: Reader,
        stored: Stored,
        notary: Notary,
        now: datetime,
        opening: Content | None,
    ) -> None:
        self._record = record
        self._reader = reader
        self._stored = stored
        self._notary = notary
        self._now = now
        self._opening = opening
        self._versions = record.history(stored.object_id)
        self._leaves = {leaf.hex() for leaf in record.leaves(self._versions).values()}
        self._about = dict.fromkeys(self._versions, "object")
        self._erasure = erasure(record, stored)
        self._is_call = stored.kind is EntryKind.INCIDENT
        self._read_tile = lru_cache(maxsize=1_000)(record.tile)

    def evidence(self) -> Evidence:
        words, withheld = self._words()
        self._about |= {
            one.sequence: "delivery" if isinstance(one.value, Delivery) else "acknowledgement"
            for one in words
        }
        self._about |= chain_of_call(self._record, self._reader, self._stored)
        self._about |= dict.fromkeys(
            self._history(EntryKind.AGREEMENT, AGREEMENT_SOURCE_ID), "agreement"
        )
        if self._erasure is not None:
            self._about[self._erasure.sequence] = "erasure"
        speakers = {self._record.entry(one).statement.party for one in self._about} - {NODE}
        for party in sorted(speakers):
            self._about |= dict.fromkeys(self._history(EntryKind.PARTY, party), "party")
        if len(self._about) > ENTRIES_MAX:
            raise Conflict(
                "evidence", expected=f"at most {ENTRIES_MAX} entries", got=f"{len(self._about)}"
            )
        heads = self._checkpoints()
        sizes = sorted(heads)
        told = self._told(words, heads)
        return Evidence(
            made=self._now,
            reader=self._reader.party,
            theatre=self._record.head()[0],
            object=self._stored.object_id,
            kind=self._stored.kind,
            checkpoints=tuple(heads[size].decode() for size in sizes),
            consistency=tuple(
                _spelt(prove_consistency(self._read_tile, old, new)) for old, new in pairwise(sizes)
            ),
            entries=tuple(self._shown(one, sizes) for one in sorted(self._about)),
            policy=render_policy(self._known()).decode(),
            told=told,
            silences=self._silences(told),
            withheld=withheld,
        )

    def _words(self) -> tuple[tuple[Word, ...], tuple[Withheld, ...]]:
        """What was said of the object and may be shown, and what may not for naming others."""
        shown: list[Word] = []
        withheld: list[Withheld] = []
        for word in words_about(self._record, self._versions):
            if not self._sees(word):
                continue
            if isinstance(word.value, Delivery) and not self._leaves.issuperset(word.value.entries):
                withheld.append(Withheld(index=word.sequence, why=NAMES_OTHERS))
            else:
                shown.append(word)
        return tuple(shown), tuple(withheld)

    def _sees(self, word: Word) -> bool:
        """Whether the reader may see all that a word says of this object."""
        author = self._stored.party
        ours = self._leaves.intersection(
            word.value.entries if isinstance(word.value, Delivery) else ()
        )
        item = Item(
            value=word.value,
            party=word.stored.party,
            object_id=word.stored.object_id,
            version=word.stored.version,
            sequence=word.sequence,
            token="",
            concerned=frozenset({author}),
            # Of a call, to whom it was delivered would tell who was called (docs/hotline.md).
            authors={} if self._is_call else dict.fromkeys(ours, author),
        )
        return self._reader.cut(item) is not None

    def _history(self, kind: EntryKind, name: str) -> list[int]:
        found = self._record.named(kind, NODE, [name])
        if name not in found:
            raise LogInconsistent("record", expected=f"{kind} {name}", got="none")
        return self._record.history(found[name].object_id)

    def _checkpoints(self) -> dict[int, bytes]:
        """By size: the first with each entry that a quorum cosigned, and the head.

        And that of the record on which an answer stands.
        """
        head = self._notary.log.head(self._record)
        found = {_size(head): head}
        answered = None if self._opening is None else read(self._opening.data)
        if isinstance(answered, Check):
            found[answered.sequence] = self._notary.log.at(self._record, answered.sequence)
        last = -1
        for sequence in sorted(self._about):
            if sequence >= last and (first := self._record.first_witnessed(sequence)) is not None:
                last = first[0]
                found[last] = first[1]
        return found

    def _known(self) -> Policy:
        """Whose signatures the node would believe: of each version of the agreement."""
        versions = self._history(EntryKind.AGREEMENT, AGREEMENT_SOURCE_ID)
        contents = filter(None, map(self._record.content, versions))
        terms = [read(one.data) for one in contents]
        return self._notary.known(
            key for one in terms if isinstance(one, Agreement) for key in one.log_keys
        )

    def _under(self, sequence: int, sizes: Sequence[int]) -> int:
        return next(number for number, size in enumerate(sizes) if size > sequence)

    def _shown(self, sequence: int, sizes: Sequence[int]) -> Shown:
        under = self._under(sequence, sizes)
        about = self._about[sequence]
        content = self._record.content(sequence)
        erased = about == "object" and self._erasure is not None
        why = None if content is not None else "erased" if erased else "lost"
        if self._opening is not None and about == "object":
            content, why = self._opening, None
        elif content is not None and about == "object":
            seen = self._reader.grade(read(content.data), self._stored.object_id)
            # Who may see a call at all sees all of it.
            why = None if seen is Grade.FULL or self._is_call else "not released"
        given = None if why is not None else content
        return Shown(
            about=about,
            index=sequence,
            checkpoint=under,
            proof=_spelt(prove_inclusion(self._read_tile, sequence, sizes[under])),
            envelope=self._record.entry(sequence).data.decode(),
            salt=None if given is None else to_base64(given.salt),
            object=None if given is None else given.data.decode(),
            withheld=why,
        )

    def _told(self, words: Sequence[Word], heads: dict[int, bytes]) -> tuple[Told, ...]:
        """How recipients stand, as the words that are shown prove it."""
        sizes, known = sorted(heads), self._known()
        noted = {(one.sequence, one.party): one for one in self._record.told(self._versions)}
        found: list[Told] = []
        for number, sequence in enumerate(self._versions, start=1):
            grades = self._released(sequence)
            named = {party for at, party in noted if at == sequence}
            hidden = self._is_call and self._reader.party != NODE
            may_know = named & {self._reader.party} if hidden or not self._is_author() else named
            standing = standings(
                self._record,
                sequence,
                words,
                published=is_published(heads[sizes[self._under(sequence, sizes)]], known),
                recipients=sorted(may_know | set(grades)),
            )
            for party, one in sorted(standing.items()):
                note = noted.get((sequence, party))
                found.append(
                    Told(
                        version=number,
                        party=party,
                        level=one.level,
                        to=one.to,
                        attested=one.attested,
                        released=grades.get(party),
                        noted=None if note is None else _time(note.at_us),
                    )
                )
        return tuple(found)

    def _is_author(self) -> bool:
        return self._reader.party in {NODE, self._stored.party}

    def _released(self, sequence: int) -> dict[str, Grade]:
        """To whom a version is released now, as far as the reader may know."""
        content = self._record.content(sequence)
        value = None if content is None else read(content.data)
        if not isinstance(value, Released):
            return {}
        everyone = self._reader.parties if self._is_author() else [self._reader.party]
        found = {
            party: replace(self._reader, party=party).grade(value, self._stored.object_id)
            for party in everyone
            if party not in {NODE, self._stored.party}
        }
        return {party: grade for party, grade in found.items() if grade in {Grade.FULL, Grade.AREA}}

    def _silences(self, told: Iterable[Told]) -> tuple[Silent, ...]:
        received = _time(self._stored.received_us)
        return tuple(
            Silent(party=one.party, since=one.noted or received)
            for one in told
            if one.version == self._stored.version
            and one.released is not None
            and not one.attested
            and one.level not in {Rung.ACKNOWLEDGED, Rung.PASSED_ON}
        )


def _size(note: bytes) -> int:
    return parse_checkpoint(parse_note(note).text).size


def _spelt(hashes: Iterable[bytes]) -> tuple[str, ...]:
    return tuple(map(to_base64, hashes))


def _time(us: int) -> datetime:
    return EPOCH + timedelta(microseconds=us)
