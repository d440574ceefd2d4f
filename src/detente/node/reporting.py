"""What a report must bear out: what it links to, answers and saw, and its STIX object.

Source: docs/rules/R-02.md; detente.core.report.
"""

from detente.core.entry import EntryKind
from detente.core.release import Grade
from detente.core.report import Report, ReportState
from detente.core.stix import Stix, glance_stix, instant, read_stix
from detente.core.wire import read
from detente.errors import Conflict, MalformedInput, NotFound
from detente.node.moment import Moment


def require_borne_out(moment: Moment, party: str, report: Report) -> None:
    """Refuse a report that speaks of what its author cannot know, or bears a wrong STIX object.

    Raises:
        NotFound: It links to, saw or answers something that is not there for its author: the
            two look alike.
        Conflict: Its STIX object says something else in a version that was there before.
        MalformedInput: Its STIX object is none, bears another name, or says otherwise whether
            it still holds.
    """
    if report.stix:
        _require_stix(moment, party, report)
    if report.state is ReportState.RETRACTED:
        return
    for object_id in report.links:
        moment.seen(party, object_id)
    if report.sighting is not None:
        moment.seen(party, report.sighting.of)
    if report.answers is not None:
        _, asked, grade = moment.seen(party, report.answers)
        if grade is not Grade.FULL or not isinstance(asked, Report) or asked.request is None:
            raise NotFound(f"request for information {report.answers}")


def _require_stix(moment: Moment, party: str, report: Report) -> None:
    head = read_stix(report.stix)
    if head.id != report.source_id:
        raise MalformedInput("source_id", expected="the id of its STIX object", got="another")
    if head.revoked and report.state is not ReportState.RETRACTED:
        raise MalformedInput(
            "state", expected="retracted, as its STIX object is revoked", got=report.state
        )
    object_id = moment.before.named(EntryKind.REPORT, party, report.source_id)
    stored = None if object_id is None else moment.before.stored(object_id)
    former = None if stored is None or stored.data is None else read(stored.data)
    if isinstance(former, Report) and former.stix and former.stix != report.stix:
        _require_later(glance_stix(former.stix), head)


def _require_later(before: Stix, head: Stix) -> None:
    """Other words are another version, and a later one: whoever holds both knows which holds.

    Raises:
        Conflict: They are of the same version, or of an older one.
    """
    if before.spelt_version is None or head.spelt_version is None:
        return  # A cyber-observable: STIX gives it no versions.
    was, now = (instant(one.spelt_version or "", what="version") for one in (before, head))
    if now <= was:
        raise Conflict(
            f"version of {head.id}",
            expected=f"later than {before.spelt_version}",
            got=head.spelt_version,
        )
