"""What comes into a collection: each object an entry of its own, released to whoever reads there.

An object that its party gave before is its next version; one that it gave already is there,
and nothing is said twice. What becomes of each is kept, so that its sender can ask.

Source: TAXII 2.1 sections 4.3 and 5.4; docs/adr/0023.
"""

import asyncio
import re
from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import uuid4

import msgspec
from msgspec import Struct

from detente.core.entry import EntryKind
from detente.core.party import NAME_LENGTH_MAX
from detente.core.principal import Principal, Scope
from detente.core.release import Grade, Release, Tlp, most, no_more_open, shows_no_more
from detente.core.report import LANGUAGE, Reliability, Report, ReportState
from detente.core.stix import (
    Stix,
    credibility_of,
    glance_stix,
    instant,
    read_stix,
    says_the_same,
    tlp_of,
)
from detente.core.volume import microseconds
from detente.core.wire import read
from detente.errors import Conflict, DetenteError, MalformedInput, NotFound, NotPermitted
from detente.node.engine import Decision, Engine, Said
from detente.node.moment import Moment
from detente.node.rules import require
from detente.node.submit import Receipt, Touches
from detente.node.taxii.collections import Collection
from detente.node.taxii.pages import Pages
from detente.store import Appender, Remembered

NATIVE = (
    "text", "observed", "volumes", "refers", "links", "translations", "original", "request",
    "answers", "sighting",
)  # fmt: skip
"""What of a report its STIX object does not say: the next version leaves it as it was."""

OBJECTS_MAX = 10_000
"""Objects at once: as many commands as may wait for the committer."""

AT_ONCE = 500
"""Objects that wait for the committer at a time: some two transactions."""

KEY = "taxii "
"""Before a status's id, among the answers that are kept for a party."""


class Outcome(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What became of one object: no message where it is there.

    ``code`` is the refusal's (docs/errors.md), of which ``message`` has the words. ``object`` is
    the report that holds it; its id is read from there, so that no name outlives an erasure.
    """

    id: str = ""
    version: str = ""
    message: str = ""
    code: str = ""
    object: str = ""


class Status(Struct, frozen=True, kw_only=True):
    """What became of objects that were sent together."""

    id: str
    at_us: int
    total: int
    outcomes: tuple[Outcome, ...]


_statuses = msgspec.json.Decoder(Status)


class Terms(Struct, frozen=True, kw_only=True):
    """To whom objects are given, and how far their source is relied on.

    Attributes:
        release: Of each; the label that an object itself bears counts where it is more closed.
            Without one, what is revoked keeps the release that it had.
        reliability: None leaves what was said before.
        added: Whether those to whom it was released before keep it, if it has not ended.
    """

    release: Release | None
    reliability: Reliability | None = None
    added: bool = False

    def of(
        self, former: "Former", label: Tlp | None, now: datetime, *, retracts: bool = False
    ) -> Release | None:
        """The release of an object that was released before like ``former``."""
        given, is_own = self.release, not self.added
        before = former.release
        if given is None and retracts:
            # Whoever was told must be told that it does not hold; nobody else is.
            given, is_own = before, True
        elif given is not None and self.added and before is not None:
            given = _added(given, before, now)
        if given is None or label is None:
            return given
        if no_more_open(given.tlp, label) and (is_own or former.was_closed):
            return given
        return msgspec.structs.replace(given, tlp=label)


class Former(Struct, frozen=True, kw_only=True):
    """What was said before of an object.

    Attributes:
        release: Its release.
        label: What it bore itself.
    """

    release: Release | None = None
    label: Tlp | None = None

    @property
    def was_closed(self) -> bool:
        """Whether its release was natively made more closed than it said itself.

        Its author may open what it closed by the object's own label, or never labelled; what
        was closed otherwise stays so, whatever its programs go on to send.
        """
        if self.release is None:
            return False
        told = self.label or Release().tlp
        return self.release.tlp is not told and no_more_open(self.release.tlp, told)


def former_of(report: Report | None) -> Former:
    """What was said before, if anything was."""
    if report is None:
        return Former()
    label = tlp_of(glance_stix(report.stix)) if report.stix else None
    return Former(release=report.release, label=label)


def _added(given: Release, former: Release, now: datetime) -> Release:
    """What is given beside what was; of what has ended, how far it may be passed on alone."""
    if former.until is not None and former.until < now:
        # With its end it would be shown to nobody; without, to those whose time is over.
        return msgspec.structs.replace(
            given, tlp=former.tlp, originator_control=former.originator_control
        )
    members = most(given.members, former.members)
    parties = {**former.parties, **given.parties}
    return msgspec.structs.replace(former, members=members, parties=parties)


class Add:
    """Puts one STIX object on the record.

    Args:
        principal: Who gives it.
        text: The object as it came, read strictly.
        head: What of it we understand.
        terms: To whom.
    """

    def __init__(self, principal: Principal, text: str, head: Stix, terms: Terms) -> None:
        self.principal = principal
        self._text = text
        self._head = head
        self._terms = terms
        self.touches = Touches(names=((EntryKind.REPORT, principal.party, head.id),))

    def decide(self, moment: Moment) -> Decision[str]:
        """A new report, the next version of one, or nothing where it is there already.

        Raises:
            Conflict: It was revoked, or is of an older version than is there, or other words
                of the same, or would show to more what was said natively.
        """
        party, head = self.principal.party, self._head
        object_id = moment.before.named(EntryKind.REPORT, party, head.id)
        stored = None if object_id is None else moment.before.stored(object_id)
        former = None if stored is None or stored.data is None else read(stored.data)
        if stored is None or not isinstance(former, Report):
            value = self._report(None, moment.now)
            require(moment, party, value, None, frozenset())
            return Decision(says=(Said(value=value),), answer=_object)
        value = self._report(former, moment.now)
        if _is_there(former, value):
            return Decision(says=(), answer=lambda _: stored.object_id)
        _require_no_wider(moment, former, value)
        require(moment, party, value, stored.object_id, frozenset())
        said = Said(value=value, object_id=stored.object_id, version=stored.version + 1)
        return Decision(says=(said,), answer=_object)

    def _report(self, former: Report | None, now: datetime) -> Report:
        head = self._head
        state = ReportState.ISSUED if former is None else ReportState.CORRECTED
        judged = Reliability.CANNOT_BE_JUDGED if former is None else former.reliability
        said: dict[str, Any] = {
            "title": (head.name or head.type)[:NAME_LENGTH_MAX],
            "reliability": self._terms.reliability or judged,
            "credibility": credibility_of(head.confidence),
            "state": ReportState.RETRACTED if head.revoked else state,
            "release": self._terms.of(former_of(former), tlp_of(head), now, retracts=head.revoked),
            "stix": self._spelt_first(former),
        }
        if head.lang and re.fullmatch(LANGUAGE, head.lang):
            said["language"] = head.lang
        elif former is not None and not former.text:
            said["language"] = None  # Of the title, which has none now.
        if former is not None:
            return msgspec.structs.replace(former, **said)
        return Report(source_id=head.id, party=self.principal.party, text="", **said)

    def _spelt_first(self, former: Report | None) -> str:
        """The object's text: that of before, where it is the same object in another spelling."""
        if former is None or not former.stix:
            return self._text
        is_version = glance_stix(former.stix).spelt_version == self._head.spelt_version
        is_same = is_version and says_the_same(former.stix, self._text)
        return former.stix if is_same else self._text


def _is_there(former: Report, value: Report) -> bool:
    """Whether nothing is to be said; what was taken back is not there, and does not come back."""
    is_back = former.state is ReportState.RETRACTED and value.state is not ReportState.RETRACTED
    return former.stix == value.stix and former.release == value.release and not is_back


def _require_no_wider(moment: Moment, former: Report, value: Report) -> None:
    """Refuse to show what was said natively to whom it was not: STIX says nothing of it.

    Raises:
        Conflict: It would be.
    """
    members = moment.agreement.members or moment.world.parties
    if any(getattr(former, name) for name in NATIVE) and not shows_no_more(
        value.release, former.release, members, moment.now
    ):
        raise Conflict(
            f"release of {value.source_id}",
            expected="no more than before, as its report holds what was said natively; "
            "release it natively",
        )


def into(where: Collection) -> Terms:
    """To whoever reads in a collection, and to whom it was released before."""
    if where.inbox is None:
        return Terms(release=Release(members=Grade.FULL), added=True)
    return Terms(release=Release(parties={where.inbox: Grade.FULL}), added=True)


def _object(receipts: list[Receipt]) -> str:
    return receipts[0].object_id


class _Keep:
    """Keeps a status beside the record."""

    touches = Touches()

    def __init__(self, principal: Principal, status: Status) -> None:
        self.principal = principal
        self._status = status

    def decide(self, moment: Moment) -> Decision[None]:
        """Nothing is said."""
        kept = Remembered(digest=bytes(32), status=0, body=msgspec.json.encode(self._status))
        key = f"{KEY}{self._status.id}"

        def keep(record: Appender, _: list[Receipt]) -> None:
            record.remember(self.principal.party, key, kept, received=moment.now)

        return Decision(says=(), answer=lambda _: None, effects=keep)


async def add(
    engine: Engine, pages: Pages, principal: Principal, where: Collection, texts: Sequence[str]
) -> Status:
    """Put objects on the record, each for itself, in their order; what became of each is kept.

    An object that has no version of its own has that by which ``pages`` call it.

    Raises:
        NotPermitted: The collection is not for him to write.
        MalformedInput: More than OBJECTS_MAX.
        Unavailable: The record could not be written; what was, is kept.
    """
    if not where.can_write:
        raise NotPermitted(f"collection {where.alias}", expected="one that may be written")
    at_us = microseconds(engine.clock())
    told = await give(engine, principal, into(where), texts)
    bare = {one.object for one in told if one.object and not one.version}
    spelt = await pages.spelt(bare) if bare else {}
    told = tuple(
        msgspec.structs.replace(one, version=one.version or spelt.get(one.object, ""))
        for one in told
    )
    status = Status(id=str(uuid4()), at_us=at_us, total=len(texts), outcomes=told)
    kept = tuple(one if one.message else _without_name(one) for one in told)
    await engine.act(_Keep(principal, msgspec.structs.replace(status, outcomes=kept)))
    return status


async def give(
    engine: Engine, principal: Principal, terms: Terms, texts: Sequence[str]
) -> tuple[Outcome, ...]:
    """Put objects on the record, each for itself, in their order.

    Raises:
        NotPermitted: He may give no reports.
        MalformedInput: More than OBJECTS_MAX.
    """
    principal.require(Scope.WRITE_REPORTS)
    if len(texts) > OBJECTS_MAX:
        raise MalformedInput("objects", expected=f"at most {OBJECTS_MAX}", got=f"{len(texts)}")
    outcomes: list[Outcome] = []
    for start in range(0, len(texts), AT_ONCE):
        part = texts[start : start + AT_ONCE]
        outcomes += await asyncio.gather(*(_add(engine, principal, terms, one) for one in part))
    return tuple(outcomes)


async def _add(engine: Engine, principal: Principal, terms: Terms, text: str) -> Outcome:
    try:
        head = read_stix(text)
    except MalformedInput as error:
        return _refused(text, error)
    version = head.spelt_version or ""
    try:
        object_id: str = await engine.act(Add(principal, text, head, terms))
    except DetenteError as error:
        return Outcome(id=head.id, version=version, message=str(error), code=error.code)
    return Outcome(id=head.id, version=version, object=object_id)


class _Named(Struct, frozen=True):
    """What something that is no object may call itself."""

    id: object = ""
    modified: object = None
    created: object = None


_named = msgspec.json.Decoder(_Named)


def _refused(text: str, error: MalformedInput) -> Outcome:
    """What is no object, by as much of its name as can be read."""
    try:
        found = _named.decode(text)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        found = _Named()
    name = found.id[:300] if isinstance(found.id, str) else ""
    version = found.modified or found.created
    try:
        instant(version if isinstance(version, str) else "", what="version")
    except MalformedInput:
        version = ""
    return Outcome(id=name, version=str(version), message=str(error), code=error.code)


def _without_name(one: Outcome) -> Outcome:
    return msgspec.structs.replace(one, id="")


async def status(engine: Engine, principal: Principal, name: str) -> Status:
    """What became of objects that this party sent.

    Raises:
        NotFound: It sent none with such a status.
    """
    return await asyncio.to_thread(_status, engine, principal.party, name)


def _status(engine: Engine, party: str, name: str) -> Status:
    with engine.store.reading() as record:
        kept = record.idempotent(party, f"{KEY}{name}")
        try:
            found = None if kept is None else _statuses.decode(kept.body)
        except msgspec.MsgspecError:
            found = None  # Somebody's own key, by which he kept something else.
        if found is None:
            raise NotFound(f"status {name}")
        names = record.identified([one.object for one in found.outcomes if one.object])
    outcomes = [
        msgspec.structs.replace(one, id=names[one.object].source_id) if one.object else one
        for one in found.outcomes
    ]
    told = tuple(one for one in outcomes if one.id or one.message)
    return msgspec.structs.replace(found, outcomes=told)
