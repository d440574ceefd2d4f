"""What a report must bear out: what it links to, answers and saw, and its STIX object.

Source: docs/rules/R-02.md; detente.core.report.
"""

from detente.core.release import Grade
from detente.core.report import Report, ReportState
from detente.core.stix import read_stix
from detente.errors import MalformedInput, NotFound
from detente.node.moment import Moment


def require_borne_out(moment: Moment, party: str, report: Report) -> None:
    """Refuse a report that speaks of what its author cannot know, or bears a wrong STIX object.

    Raises:
        NotFound: It links to, saw or answers something that is not there for its author: the
            two look alike.
        MalformedInput: Its STIX object is none, bears another name, or says otherwise whether
            it still holds.
    """
    if report.stix:
        _require_stix(report)
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


def _require_stix(report: Report) -> None:
    head = read_stix(report.stix)
    if head.id != report.source_id:
        raise MalformedInput("source_id", expected="the id of its STIX object", got="another")
    if head.revoked and report.state is not ReportState.RETRACTED:
        raise MalformedInput(
            "state", expected="retracted, as its STIX object is revoked", got=report.state
        )
