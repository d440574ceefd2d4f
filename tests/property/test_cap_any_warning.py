"""Whatever the watch told a party becomes a valid alert, which says no more than that (ADR 38)."""

import re
from datetime import UTC, datetime

from hypothesis import given, settings
from hypothesis import strategies as st

from cap_alerts import all_of, read, text
from detente.core.agreement import Agreement
from detente.core.alerts import Level
from detente.core.entry import EntryKind
from detente.core.ledger import NODE
from detente.core.party import Desk, Party
from detente.core.release import Grade, Tlp
from detente.core.telling import Acknowledgement
from detente.core.telling import Level as Taken
from detente.core.view import Reader, View
from detente.core.volume import Volume
from detente.core.warned import EntryTold, FeedTold, TrackTold, Warned, WarnedState
from detente.core.wire import Value
from detente.core.zone import Zone, ZoneRule
from detente.doors.cap.saying import HEADLINE_MAX
from detente.doors.cap.warning import words
from detente.doors.cap.wire import Letterhead, alert_element, feed_element, written
from detente.node.telling.alerts import Alert, AlertPage, Earlier, Message
from detente.node.telling.sight import Change, Event
from strategies import names, some_volumes

AT = datetime(2026, 11, 28, 12, 0, 0, 999_999, tzinfo=UTC)
HEAD = Letterhead(url="http://node.example", status="Exercise")
WARNING, ZONE, TAKEN = "a" * 32, "b" * 32, "c" * 32
OTHERS = "nobody is told this"


def view(kind: EntryKind, value: Value, object_id: str, grade: Grade = Grade.FULL) -> View:
    return View(
        object=object_id, kind=kind, version=2, sequence=7, token="", party=NODE, grade=grade,
        value=value, tlp=Tlp.CLEAR if kind is EntryKind.ZONE else None,
    )  # fmt: skip


parties = st.sampled_from(("one", "two", "gone"))
lengths = st.none() | st.integers(0, 400_000_000)
entries = st.builds(
    EntryTold,
    party=st.none() | parties,
    object=st.none() | st.just(ZONE),
    sequence=st.just(3),
    grade=st.just(Grade.FULL),
    kind=st.just("zone"),
    name=st.none() | names,
)
tracks = st.builds(
    TrackTold, party=parties, feed=st.just("roof"), track=names, kind=st.just("ship"), name=names
)
feeds = st.builds(FeedTold, party=parties, name=names)


@st.composite
def warnings(draw: st.DrawFn) -> Warned:
    """Of a track and an entry, of a track that is lost, or of a feed."""
    which = draw(st.sampled_from(("near", "unnamed", "lost", "feed")))
    near, far = which in {"near", "unnamed"}, which == "near"
    return Warned(
        source_id="w",
        to="two",
        level=draw(st.sampled_from(Level)) if near else Level.LOST,
        begun=AT,
        state=draw(st.sampled_from(WarnedState)),
        track=draw(tracks) if which in {"near", "lost"} else None,
        entry=draw(entries) if near else None,
        feed=draw(feeds) if which == "feed" else None,
        doubted=draw(st.booleans()),
        distance_mm=draw(lengths) if far else None,
        distance_error_mm=draw(lengths) if far else None,
        separation_mm=draw(lengths) if far else None,
        time_s=draw(st.none() | st.integers(0, 3_600)) if near else None,
        unrecorded=draw(st.integers(0, 99)),
    )


@given(
    told=warnings(),
    volumes=some_volumes,
    seen=st.booleans(),
    taken=st.none() | st.sampled_from(Taken),
    said=names,
)
@settings(max_examples=60, deadline=None)
def test_any_warning_is_a_valid_alert(
    told: Warned, volumes: tuple[Volume, ...], seen: bool, taken: Taken | None, said: str
) -> None:
    standing = told.state is WarnedState.STANDING
    zone = Zone(source_id="z", party="one", name=OTHERS, rule=ZoneRule.NO_ACTIVITY, volumes=volumes)
    about = view(EntryKind.ALERT, told, WARNING)
    shown = about
    if taken is not None:
        word = Acknowledgement(
            source_id="k", party="two", entry="0" * 64, level=taken, to=said, note=said
        )
        shown = view(EntryKind.ACKNOWLEDGEMENT, word, TAKEN)
    event = Event(
        sequence=7, at=AT, kind=shown.kind, object=shown.object, version=2, leaf="", view=shown,
        change=Change.CHANGED if standing else Change.ENDED,
        shows=view(EntryKind.ZONE, zone, ZONE) if seen else None,
    )  # fmt: skip
    message = Message.UPDATE if standing else Message.CANCEL
    follows = (Earlier(object=WARNING, version=1, at=AT),)
    alert = Alert(event=event, message=message, party=NODE, follows=follows, warning=about)
    desks = (Desk(id="d", name=said, contacts=(said,)),)
    known = {one: Party(id=one, name=f"{one} {said}", desks=desks) for one in ("one", "two")}
    reader = Reader(party="two", agreement=Agreement(name="Test"), parties=known, grants={}, now=AT)
    page = AlertPage(reader=reader, theatre="test", since=AT, alerts=(alert,))
    written(feed_element(page, HEAD, {}))
    body = written(alert_element(page, alert, HEAD))
    root = read(body)
    assert text(root, "incidents") == WARNING
    assert text(root, "references") == f"node@test,test.{WARNING}.1.two,2026-11-28T12:00:00-00:00"
    # To its reader alone, however open the place is.
    assert (text(root, "scope"), text(root, "addresses")) == ("Private", "two")
    assert all_of(root, "language") == list(words())
    assert set(all_of(root, "responseType")) == ({"Assess"} if standing else set())
    assert set(all_of(root, "severity") + all_of(root, "certainty")) == {"Unknown"}
    assert set(all_of(root, "urgency")) == {"Immediate" if standing else "Past"}
    assert all(0 < len(one) <= HEADLINE_MAX for one in all_of(root, "headline"))
    spoken = " ".join((*all_of(root, "headline"), *all_of(root, "description")))
    assert not re.search(r"\{[a-z]+\}", spoken), "a word was left to be filled in"
    # The place as far as it is seen, and its name only where that was told.
    assert bool(all_of(root, "areaDesc")) == seen
    assert OTHERS.encode() not in body
