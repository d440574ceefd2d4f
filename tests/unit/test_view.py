"""What one reader sees, and which desk he is told to call."""

from datetime import timedelta

from detente.core.agreement import Agreement
from detente.core.availability import Availability, AvailabilityState
from detente.core.check import Known, Meeting, VerdictKind
from detente.core.party import Desk, Party
from detente.core.plan import Plan
from detente.core.presence import Presence, Track
from detente.core.release import Grade, Grant, Release
from detente.core.report import Report
from detente.core.subscription import Subscription
from detente.core.view import Reader
from detente.core.volume import Circle, Corridor, Volume
from world import NOW, object_id, site

DAY, NIGHT = Desk(id="day", name="Day"), Desk(id="night", name="Night")
AGREED = Desk(id="all", name="All")
PARTIES = {
    "one": Party(id="one", name="One", desks=(DAY, NIGHT)),
    "two": Party(id="two", name="Two"),
}
HERE = (Volume(footprint=(Circle(centre=(0, 0)),)),)
TRACK = Track(position=(0, 0), time=NOW, speed_max_mm_s=0)


def reader(party: str = "two", terms: Agreement | None = None, **parts: object) -> Reader:
    given: dict[str, object] = {"grants": {}, **parts}
    return Reader(
        party=party,
        agreement=terms or Agreement(name="x"),
        parties=PARTIES,
        now=NOW,
        **given,  # type: ignore[arg-type] # each test names its own
    )


def met(value: object) -> Meeting:
    return Meeting(
        known=Known(value=value, object_id=object_id(1)),  # type: ignore[arg-type]
        distance_m=0.0,
        distance_error_m=0.0,
        separation_m=0.0,
        start=None,
        end=None,
    )


def to_two(grade: Grade) -> Release:
    return Release(parties={"two": grade})


def test_what_everyone_must_know_is_seen_by_all() -> None:
    looking = reader("stranger")
    down = Availability(source_id="u", party="one", state=AvailabilityState.DOWN)
    for value in (Agreement(name="x"), PARTIES["one"], down):
        assert looking.grade(value, "") is Grade.FULL
    assert looking.grade(Subscription(source_id="s", party="one"), "") is None


def test_a_release_shows_all_of_a_live_track_or_nothing() -> None:
    assert reader().released("one", to_two(Grade.FULL)) is Grade.FULL
    assert reader().released("one", to_two(Grade.AREA)) is Grade.AREA
    assert reader("three").released("one", to_two(Grade.FULL)) is None
    assert reader().released("one", None) is None
    assert reader("one").released("one", Release()) is Grade.FULL


def test_only_members_are_members() -> None:
    value = site(release=Release(members=Grade.FULL))
    assert reader("stranger").grade(value, "") is None
    assert reader("two").grade(value, "") is Grade.FULL
    terms = Agreement(name="x", members=("one", "stranger"))
    assert reader("stranger", terms).grade(value, "") is Grade.FULL
    assert reader("two", terms).grade(value, "") is None


def test_a_grant_is_for_one_object_and_one_party() -> None:
    grants = {object_id(1): {"two": Grant(grade=Grade.FULL, until=NOW)}}
    looking = reader(grants=grants)
    assert looking.grade(site(), object_id(1)) is Grade.FULL
    assert looking.grade(site(), object_id(2)) is None
    assert reader("three", grants=grants).grade(site(), object_id(1)) is None
    late = Reader(
        party="two",
        agreement=Agreement(name="x"),
        parties=PARTIES,
        grants=grants,
        now=NOW + timedelta(seconds=1),
    )
    assert late.grade(site(), object_id(1)) is None


def test_a_track_and_what_is_too_wide_have_no_area_to_tell() -> None:
    wide = (Volume(footprint=(Corridor(line=((0, 0), (900_000_000, 0))),)),)
    release = to_two(Grade.AREA)
    for value in (
        Presence(source_id="p", name="P", party="one", track=TRACK, release=release),
        site(volumes=wide, release=release),
        Report(source_id="r", party="one", title="T", text="x", release=release),
    ):
        assert reader().grade(value, "") is Grade.CONTACT
        assert not reader().lists(value, "")
    placed = Report(source_id="r", party="one", title="T", text="x", volumes=HERE, release=release)
    assert reader().grade(placed, "") is Grade.AREA
    # Whatever grade is asked for, there is no view of what has no area.
    assert reader().view(Known(value=site(volumes=wide, release=release)), Grade.AREA) is None
    assert reader().view(Known(value=site()), Grade.CONTACT) is None


def test_the_desk_that_the_entry_names_else_the_partys_first_else_none() -> None:
    looking = reader()
    assert looking.desk_of("one", "night") == NIGHT
    assert looking.desk_of("one", None) == DAY
    assert looking.desk_of("one", "gone") == DAY
    assert looking.desk_of("two", None) is None
    assert looking.desk_of(None, None) is None


def test_a_contact_names_the_author_and_his_desk() -> None:
    withheld = reader().withhold(met(site(desk="night", release=to_two(Grade.CONTACT))))
    assert withheld is not None
    assert (withheld.party, withheld.desk, withheld.grade) == ("one", NIGHT, Grade.CONTACT)
    assert (withheld.kind, withheld.category, withheld.object) == (None, None, None)


def test_what_is_not_released_at_all_names_the_agreements_desk_and_nobody() -> None:
    terms = Agreement(name="x", desk=AGREED)
    withheld = reader(terms=terms).withhold(met(site(desk="night")))
    assert withheld is not None
    assert (withheld.severity, withheld.desk) == (VerdictKind.CONFLICT, AGREED)
    assert (withheld.party, withheld.grade) == (None, None)
    # Without one, somebody must still be called.
    alone = reader().withhold(met(site(desk="night")))
    assert alone is not None
    assert (alone.party, alone.desk) == (None, NIGHT)


def test_an_area_says_of_what_kind_and_where_on_the_grid() -> None:
    value = site(release=to_two(Grade.AREA))
    withheld = reader().withhold(met(value))
    assert withheld is not None
    assert (withheld.kind, withheld.rule, withheld.category) == ("notice", "R-12", "medical")
    view = reader().view(Known(value=value, object_id=object_id(1)), Grade.AREA)
    assert view is not None
    assert (view.area, view.value) == (withheld.area, None)
    assert view.area


def test_what_is_released_in_full_is_not_withheld() -> None:
    assert reader().withhold(met(site(release=to_two(Grade.FULL)))) is None
    assert reader("one").withhold(met(site())) is None
    own = Plan(source_id="p", party="two", volumes=HERE)
    assert reader().withhold(met(own)) is None
    view = reader("one").view(Known(value=site(), object_id=object_id(1)), Grade.FULL)
    assert view is not None
    assert (view.value, view.area, view.tlp) == (site(), (), None)
