"""Any call on the hotline becomes a valid alert, which permits nothing (ADR 35)."""

from datetime import UTC, datetime

from hypothesis import given, settings
from hypothesis import strategies as st

from cap_alerts import all_of, read, text
from detente.core.agreement import Agreement
from detente.core.entry import EntryKind
from detente.core.incident import Act, Call, Code, Incident, IncidentStep
from detente.core.party import Desk, Party
from detente.core.release import Grade
from detente.core.view import Reader, View
from detente.core.volume import Volume
from detente.doors.cap.calling import words
from detente.doors.cap.saying import HEADLINE_MAX
from detente.doors.cap.wire import Letterhead, alert_element, feed_element, written
from detente.node.telling.alerts import Alert, AlertPage, Earlier, Message
from detente.node.telling.sight import Change, Event
from strategies import names, some_volumes

AT = datetime(2026, 11, 28, 12, 0, 0, 999_999, tzinfo=UTC)
HEAD = Letterhead(url="http://node.example", status="Exercise")
INCIDENT, STEP, CALL = "a" * 32, "b" * 32, "c" * 32


def view(kind: EntryKind, value: Incident | IncidentStep | Call, object_id: str) -> View:
    author = "node" if isinstance(value, Call) else value.party
    return View(
        object=object_id, kind=kind, version=2, sequence=7, token="", party=author,
        grade=Grade.FULL, value=value,
    )  # fmt: skip


@given(
    volumes=some_volumes,
    code=st.sampled_from(Code),
    act=st.sampled_from(Act),
    said=names,
    message=st.sampled_from(Message),
    which=st.sampled_from((EntryKind.INCIDENT, EntryKind.INCIDENT_STEP, EntryKind.CALL)),
)
@settings(max_examples=60, deadline=None)
def test_any_call_is_a_valid_alert(
    volumes: tuple[Volume, ...],
    code: Code,
    act: Act,
    said: str,
    message: Message,
    which: EntryKind,
) -> None:
    incident = Incident(
        source_id="i", party="one", code=code, volumes=volumes, words=said, language="fr", desk="d"
    )
    step = IncidentStep(source_id="s", party="two", incident=INCIDENT, act=act, text=said * 9)
    call = Call(
        source_id="c", incident=INCIDENT, to="two", opened=AT, since=AT, at=AT, rung=2
    )  # fmt: skip
    about = view(EntryKind.INCIDENT, incident, INCIDENT)
    shown = {
        EntryKind.INCIDENT: about,
        EntryKind.INCIDENT_STEP: view(EntryKind.INCIDENT_STEP, step, STEP),
        EntryKind.CALL: view(EntryKind.CALL, call, CALL),
    }[which]
    event = Event(
        sequence=7, at=AT, kind=which, object=shown.object, version=2, change=Change.CHANGED,
        leaf="", view=shown, shows=None if which is EntryKind.INCIDENT else about,
    )  # fmt: skip
    follows = (Earlier(object=CALL, version=1, at=AT),)
    alert = Alert(event=event, message=message, party="one", follows=follows)
    desks = (Desk(id="d", name=said, contacts=(said,)),)
    parties = {one: Party(id=one, name=f"{one} {said}", desks=desks) for one in ("one", "two")}
    reader = Reader(
        party="two", agreement=Agreement(name="Test"), parties=parties, grants={}, now=AT
    )
    page = AlertPage(reader=reader, theatre="test", since=AT, alerts=(alert,))
    written(feed_element(page, HEAD, {}))
    root = read(written(alert_element(page, alert, HEAD)))
    assert text(root, "incidents") == INCIDENT
    assert text(root, "references") == f"one@test,test.{CALL}.1.two,2026-11-28T12:00:00-00:00"
    assert len(all_of(root, "language")) == len(words()) * len({(v.start, v.end) for v in volumes})
    assert set(all_of(root, "language")) == set(words())
    asks = code.startswith("stop_") and message is not Message.CANCEL
    assert set(all_of(root, "responseType")) == ({"Avoid"} if asks else set())
    assert set(all_of(root, "severity") + all_of(root, "certainty")) == {"Unknown"}
    over = message is Message.CANCEL
    assert set(all_of(root, "urgency")) == {"Past" if over else "Immediate"}
    assert all(0 < len(one) <= HEADLINE_MAX for one in all_of(root, "headline"))
    assert len(all_of(root, "areaDesc")) >= len(words())
