"""Passing on: a report that tells others what its author was told by somebody else.

It says so in ``refers``, and is taken only if the author of each object that it
refers to lets it reach each party to which the report is released: by the
object's TLP label, or because that party may see the object itself, by its
release or by a grant on request. What a report quotes without saying so no
register can see; that is for people.

Source: DESIGN section 1 (what it refuses), requirement H12; FIRST TLP 2.0; docs/adr/0015.
"""

from collections.abc import Iterator
from datetime import UTC, datetime

from msgspec import Struct

from detente.core.release import Grade, Release, may_pass_on, no_more_open, shows
from detente.core.report import Report
from detente.core.view import Released
from detente.core.volume import YEAR_MAX
from detente.core.wire import Value, read
from detente.errors import MalformedInput, NotPermitted
from detente.node.moment import Moment

ORIGINALS_MAX = 1_000
"""Objects that one report may lead to, by reports that themselves pass on: ten
reports of REFERS_MAX."""

_FOREVER = datetime(YEAR_MAX, 12, 31, tzinfo=UTC)


class _Original(Struct, frozen=True, kw_only=True):
    """What is passed on, and how much of it at most."""

    object_id: str
    value: Released
    grade: Grade


def require_consent(moment: Moment, party: str, report: Report) -> None:
    """Refuse a report that passes on what its authors did not let pass.

    Raises:
        NotFound: It refers to something that is not there for its author.
        NotPermitted: An author has not consented that it reaches a party, or so openly.
        MalformedInput: It leads to more than ORIGINALS_MAX objects.
    """
    release = report.release or Release()
    for one in _originals(moment, party, report):
        if one.value.party == party:
            continue
        _require_label(one, release)
        for reader in release.parties:
            if reader not in {party, one.value.party}:
                _require_reader(moment, one, release, reader)
        if release.members is not None:
            _require_members(one, release)


def _originals(moment: Moment, party: str, report: Report) -> Iterator[_Original]:
    """What a report refers to, and what that refers to, each once."""
    waiting = []
    for object_id in report.refers:
        _, value, grade = moment.seen(party, object_id)
        waiting.append((object_id, value, grade))
    known = set()
    while waiting:
        object_id, value, grade = waiting.pop()
        if object_id in known or not isinstance(value, Released):
            continue
        known.add(object_id)
        if len(known) > ORIGINALS_MAX:
            raise MalformedInput("refers", expected=f"at most {ORIGINALS_MAX} objects in all")
        yield _Original(object_id=object_id, value=value, grade=grade)
        if isinstance(value, Report):
            waiting += _inner(moment, party, value)


def _inner(moment: Moment, party: str, report: Report) -> Iterator[tuple[str, Value, Grade]]:
    """What a report that is passed on itself refers to; what was erased lets nobody pass it on."""
    for object_id in report.refers:
        stored = moment.before.stored(object_id)
        if stored is not None and stored.data is not None:
            yield object_id, read(stored.data), Grade.FULL
        elif stored is not None and stored.party != party:
            raise NotPermitted(
                f"passing on {object_id}",
                expected="its author's consent",
                got="none that can be read: it was erased",
            )


def _require_label(one: _Original, release: Release) -> None:
    original = one.value.release or Release()
    if not no_more_open(release.tlp, original.tlp):
        raise NotPermitted(
            f"passing on {one.object_id}", expected=f"TLP at most {original.tlp}", got=release.tlp
        )


def _require_reader(moment: Moment, one: _Original, release: Release, reader: str) -> None:
    """A party named in the release: as a reader of the original, or by its label."""
    until = release.until or _FOREVER
    terms = moment.agreement
    member = reader in (terms.members or moment.world.parties)
    if may_pass_on(one.value.release, to_member=member, until=until):
        return
    # Releases and grants only ever end, so who may see it then may see it until then.
    then = moment.reader(reader, at=until)
    if not shows(then.grade(one.value, one.object_id), one.grade):
        raise NotPermitted(
            f"passing on {one.object_id}",
            expected="its author's consent for as long as the report is released",
            got=f"none for {reader}",
        )


def _require_members(one: _Original, release: Release) -> None:
    """All members, also those to come: by the original's label, or released to them alike."""
    until = release.until or _FOREVER
    original = one.value.release
    if may_pass_on(original, to_member=True, until=until):
        return
    lasts = original is not None and (original.until is None or original.until >= until)
    if original is None or not lasts or not shows(original.members, one.grade):
        raise NotPermitted(
            f"passing on {one.object_id}",
            expected="its author's consent for as long as the report is released",
            got="none for all members",
        )
