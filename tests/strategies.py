"""Hypothesis strategies for our values, in one place."""

from datetime import UTC, datetime

from hypothesis import strategies as st

from detente.core import alerts
from detente.core.agreement import Agreement, Separation
from detente.core.availability import Availability, AvailabilityState
from detente.core.check import Counts, Finding, Source, Verdict, VerdictKind, Withheld
from detente.core.committed import Question, told
from detente.core.ending import ERASABLE
from detente.core.entry import EntryKind
from detente.core.erasure import Erasure
from detente.core.incident import Act, Call, CallerTold, Code, Incident, IncidentStep
from detente.core.lifecycle import Standing
from detente.core.notice import Escort, Notice, NoticeKind, Provenance, Verification
from detente.core.party import Desk, Party
from detente.core.plan import Plan, PlanState
from detente.core.presence import Presence, Track
from detente.core.principal import Method
from detente.core.release import GRID_MAX_MM, GRID_MIN_MM, Grade, Grant, Release, Tlp
from detente.core.report import Reliability, Report, ReportState
from detente.core.subscription import Subscription
from detente.core.telling import (
    Acknowledgement,
    Answer,
    Contested,
    Delivery,
    Level,
    Objection,
    Outcome,
    ReleaseDecision,
    ReleaseRequest,
)
from detente.core.uss import Uss
from detente.core.volume import Circle, Corridor, Polygon, Volume
from detente.core.warned import EntryTold, TrackTold, Warned, WarnedState
from detente.core.zone import Zone, ZoneRule

tokens = st.from_regex(r"[a-z0-9][a-z0-9-]{0,10}", fullmatch=True)
names = st.text(st.characters(codec="utf-8", exclude_characters="\x00"), min_size=1, max_size=30)
"""Any text that JSON can hold; the controls, quotes and emoji that canonical JSON must spell."""

positions = st.tuples(
    st.integers(-1_800_000_000, 1_800_000_000), st.integers(-900_000_000, 900_000_000)
)
radii_mm = st.integers(0, 5_000_000)
times = st.datetimes(datetime(1950, 1, 1), datetime(2150, 1, 1), timezones=st.just(UTC))  # noqa: DTZ001

circles = st.builds(Circle, centre=positions, radius_mm=radii_mm)
corridors = st.builds(
    Corridor, line=st.lists(positions, min_size=1, max_size=4).map(tuple), width_mm=radii_mm
)
polygons = st.builds(
    Polygon,
    rings=st.lists(
        st.lists(positions, min_size=1, max_size=5).map(tuple), min_size=1, max_size=2
    ).map(tuple),
    buffer_mm=radii_mm,
)
shapes = st.one_of(circles, corridors, polygons)


@st.composite
def volumes(draw: st.DrawFn, *, windowed: bool = False) -> Volume:
    low, high = sorted(draw(st.tuples(st.integers(-500_000, 9_000_000), st.integers(0, 9_000_000))))
    start, end = sorted(draw(st.tuples(times, times)))
    return Volume(
        footprint=tuple(draw(st.lists(shapes, min_size=1, max_size=3))),
        lower_mm=draw(st.sampled_from([None, low])),
        upper_mm=draw(st.sampled_from([None, high])),
        start=start if windowed else draw(st.sampled_from([None, start])),
        end=end if windowed else draw(st.sampled_from([None, end])),
    )


some_volumes = st.lists(volumes(), min_size=1, max_size=3).map(tuple)
maybe_times = st.one_of(st.none(), times)

grades = st.sampled_from(Grade)
maybe_grades = st.one_of(st.none(), grades)
releases = st.builds(
    Release,
    parties=st.dictionaries(tokens, grades, max_size=3),
    members=maybe_grades,
    until=maybe_times,
    grid_mm=st.integers(GRID_MIN_MM, GRID_MAX_MM),
    tlp=st.sampled_from(Tlp),
    originator_control=st.booleans(),
)
maybe_releases = st.one_of(st.none(), releases)
grants = st.builds(Grant, grade=grades, until=maybe_times)

object_ids = st.integers(0, (1 << 128) - 1).map(lambda number: f"{number:032x}")
leaves = st.integers(0, (1 << 256) - 1).map(lambda number: f"{number:064x}")
urls = tokens.map(lambda name: f"https://{name}.example")
servers = st.one_of(
    st.none(), st.builds(Uss, base_url=urls, ovn_suffix=st.one_of(st.none(), tokens))
)

notices = st.builds(
    Notice,
    source_id=names,
    name=names,
    category=tokens,
    party=tokens,
    volumes=some_volumes,
    standoff_mm=radii_mm,
    review_due=maybe_times,
    disputed=st.booleans(),
    standing=st.sampled_from(Standing),
    escort=st.one_of(
        st.none(),
        st.builds(Escort, armed=st.booleans(), marking=names),
        st.builds(Escort, escorted=st.none() | st.booleans(), vehicle_count=st.integers(1, 9)),
    ),
    provenance=st.one_of(
        st.none(), st.builds(Provenance, source=names, verification=st.sampled_from(Verification))
    ),
    release=maybe_releases,
)
movements = st.builds(
    Notice,
    source_id=names,
    name=names,
    category=tokens,
    party=tokens,
    kind=st.just(NoticeKind.MOVEMENT),
    volumes=st.lists(volumes(windowed=True), min_size=1, max_size=3).map(tuple),
)
zones = st.builds(
    Zone,
    source_id=names,
    name=names,
    party=tokens,
    rule=st.sampled_from(ZoneRule),
    volumes=some_volumes,
    uncertainty_mm=radii_mm,
    release=maybe_releases,
    uss=servers,
)
tracks = st.builds(Track, position=positions, time=times, speed_max_mm_s=st.integers(0, 400_000))
presences = st.one_of(
    st.builds(
        Presence,
        source_id=names,
        name=names,
        party=tokens,
        volumes=some_volumes,
        release=maybe_releases,
    ),
    st.builds(
        Presence, source_id=names, name=names, party=tokens, track=tracks, release=maybe_releases
    ),
)
plans = st.builds(
    Plan,
    source_id=names,
    volumes=some_volumes,
    party=tokens,
    hazard_mm=radii_mm,
    state=st.sampled_from(PlanState),
    release=maybe_releases,
    uss=servers,
)
reports = st.builds(
    Report,
    source_id=names,
    party=tokens,
    title=names,
    text=names,
    observed=maybe_times,
    volumes=st.one_of(st.just(()), some_volumes),
    reliability=st.sampled_from(Reliability),
    credibility=st.integers(1, 6),
    state=st.sampled_from(ReportState),
    refers=st.lists(object_ids, max_size=3).map(tuple),
    release=maybe_releases,
)
subscriptions = st.builds(
    Subscription,
    source_id=names,
    party=tokens,
    kinds=st.lists(st.sampled_from(EntryKind).map(str), max_size=3).map(tuple),
    volumes=st.one_of(st.just(()), some_volumes),
    url=st.one_of(st.none(), urls),
    implicit=st.booleans(),
    standing=st.sampled_from(Standing),
    uss=servers,
)
availabilities = st.builds(
    Availability, source_id=names, party=tokens, state=st.sampled_from(AvailabilityState)
)
acknowledgements = st.builds(
    Acknowledgement,
    source_id=names,
    party=tokens,
    entry=leaves,
    level=st.sampled_from(Level),
    to=names,
    note=names,
)
objections = st.builds(
    Objection,
    source_id=names,
    party=tokens,
    object=object_ids,
    text=names,
    state=st.sampled_from(Contested),
)
answers = st.builds(Answer, source_id=names, party=tokens, objection=object_ids, text=names)
release_requests = st.builds(
    ReleaseRequest,
    source_id=names,
    party=tokens,
    object=object_ids,
    to=tokens,
    grade=grades,
    purpose=names,
)
release_decisions = st.builds(
    ReleaseDecision,
    source_id=names,
    party=tokens,
    request=object_ids,
    granted=st.booleans(),
    grade=maybe_grades,
    until=maybe_times,
    condition=names,
)
deliveries = st.builds(
    Delivery,
    source_id=names,
    to=tokens,
    how=st.sampled_from(["webhook", "stream", "poll", "read"]),
    entries=st.lists(leaves, min_size=1, max_size=3).map(tuple),
    outcome=st.sampled_from(Outcome),
    attempt=st.integers(1, 9),
    status=st.one_of(st.none(), st.integers(0, 999)),
)
erasures = st.builds(
    Erasure,
    party=tokens,
    object=st.from_regex(r"[0-9a-f]{32}", fullmatch=True),
    kind=st.sampled_from(ERASABLE),
    version=st.integers(1, 9),
    order=names,
    asked=st.one_of(st.none(), tokens),
)
incidents = st.builds(
    Incident,
    source_id=names,
    party=tokens,
    code=st.sampled_from(Code),
    volumes=some_volumes,
    words=names,
    desk=st.one_of(st.none(), tokens),
    objects=st.lists(object_ids, max_size=3).map(tuple),
)
incident_steps = st.builds(
    IncidentStep, source_id=names, party=tokens, incident=object_ids, act=st.sampled_from(Act),
    text=names,
)  # fmt: skip
calls = st.builds(
    Call,
    source_id=names,
    incident=object_ids,
    to=tokens,
    opened=times,
    since=times,
    at=times,
    desks=st.lists(tokens, max_size=3).map(tuple),
    rung=st.integers(0, 9),
    told=st.one_of(st.none(), st.builds(CallerTold, everyone=st.booleans(), whole=st.booleans())),
)
parties = st.builds(
    Party,
    id=tokens,
    name=names,
    desks=st.lists(st.builds(Desk, id=tokens, name=names), max_size=2).map(tuple),
)
agreements = st.builds(
    Agreement,
    name=names,
    members=st.lists(tokens, max_size=3).map(tuple),
    separations=st.dictionaries(
        st.one_of(tokens, st.just("*")), st.builds(Separation, horizontal_mm=radii_mm), max_size=4
    ),
)
metres = st.integers(0, 10**10).map(lambda mm: mm / 1_000)
"""As a verdict rounds them."""

findings = st.builds(
    Finding,
    rule=st.sampled_from(["R-12", "R-18"]),
    kind=st.sampled_from(["notice", "plan"]),
    id=names,
    name=names,
    category=tokens,
    distance_m=metres,
    distance_error_m=metres,
    separation_m=metres,
    start=maybe_times,
    end=maybe_times,
    severity=st.sampled_from(VerdictKind),
    party=st.one_of(st.none(), tokens),
    desk=st.one_of(st.none(), tokens),
    stale=st.booleans(),
    disputed=st.booleans(),
    object=st.one_of(st.none(), object_ids),
)
verdicts = st.builds(
    Verdict,
    plan=names,
    verdict=st.sampled_from(VerdictKind),
    as_of=times,
    sequence=st.integers(0, 1 << 40),
    counts=st.builds(Counts, stale=st.integers(0, 99), withheld=st.integers(0, 99)),
    findings=st.lists(findings, max_size=3).map(tuple),
    sources=st.lists(
        st.builds(Source, name=names, problem=st.one_of(st.none(), names)), max_size=2
    ).map(tuple),
    withheld=st.lists(
        st.builds(
            Withheld,
            severity=st.sampled_from(VerdictKind),
            desk=st.one_of(st.none(), st.builds(Desk, id=tokens, name=names)),
            area=st.one_of(st.just(()), some_volumes),
        ),
        max_size=2,
    ).map(tuple),
)
questions = st.builds(
    Question,
    party=tokens,
    plan=plans,
    separation_mm=radii_mm,
    method=st.one_of(st.none(), st.sampled_from(Method)),
)
checks = st.builds(
    told, questions, verdicts, root=st.binary(min_size=32, max_size=32), object_id=object_ids
)
tracks_told = st.builds(TrackTold, party=tokens, feed=tokens, track=names, kind=tokens)
entries_told = st.builds(
    EntryTold,
    party=tokens,
    object=st.one_of(st.none(), object_ids),
    sequence=st.one_of(st.none(), st.integers(0, 9)),
    grade=st.one_of(st.none(), st.sampled_from(Grade)),
)
warned = st.builds(
    Warned,
    source_id=object_ids,
    to=tokens,
    level=st.sampled_from(alerts.Level),
    begun=times,
    state=st.sampled_from(WarnedState),
    track=st.one_of(st.none(), tracks_told),
    entry=entries_told,
    distance_mm=st.one_of(st.none(), radii_mm),
    time_s=st.one_of(st.none(), st.integers(0, 600)),
)
protected = st.one_of(notices, movements, zones, presences, plans)
"""What a plan can meet."""

released = st.one_of(protected, reports)
"""What carries a release of its own."""

values = st.one_of(
    released,
    parties,
    agreements,
    subscriptions,
    availabilities,
    acknowledgements,
    objections,
    answers,
    release_requests,
    release_decisions,
    deliveries,
    erasures,
    incidents,
    incident_steps,
    calls,
    checks,
    warned,
)
"""Every kind of value that an entry can be about."""
