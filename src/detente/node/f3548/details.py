"""Details: what the node tells, as their USS, of what its parties filed by other doors.

Whoever may see all of an object is told all of it, as far as F3548 has words for it;
to anybody else there is no such object (docs/rules/R-02.md). Volumes are those of the
object with what it asks around itself, never less.

Source: ASTM F3548-21 annex A2 (OperationalIntentDetails, ConstraintDetails).
"""

from collections.abc import Iterable
from datetime import datetime
from typing import NamedTuple

from msgspec import Struct

from detente.core.check import Known, Protected, protects
from detente.core.entry import token
from detente.core.kinds import KINDS
from detente.core.plan import Plan, PlanState
from detente.core.presence import TRACK_GROWTH_MAX_S, Presence, Track
from detente.core.principal import Principal
from detente.core.release import Grade
from detente.core.view import Item, View
from detente.core.volume import Circle, Volume
from detente.core.wire import read
from detente.core.zone import Zone
from detente.errors import Conflict, NotFound
from detente.node.f3548.airspace import Airspace
from detente.node.f3548.entities import objects_called
from detente.node.f3548.others import native_constraint, native_intent
from detente.node.f3548.outlines import outlined
from detente.node.f3548.reads import Question
from detente.node.f3548.references import (
    ConstraintReference,
    IntentReference,
    SubscriptionState,
)
from detente.node.f3548.refusals import NoTelemetry
from detente.node.f3548.terms import Terms
from detente.node.moment import Moment
from detente.node.submit import Touches
from detente.store import Stored

INTENT, CONSTRAINT = "operational intent", "constraint"

TRACK_AHEAD_S = 600
"""A track is where it may be ten minutes on: nobody asks for its details again sooner."""

_OFF_NOMINAL = frozenset({PlanState.NONCONFORMING, PlanState.CONTINGENT})


class IntentDetails(Struct, frozen=True, kw_only=True):
    """A native plan; volumes have one outline each.

    ``off_nominal`` is where it may be once it has left its volumes. A native plan says
    both in one: what it holds then stands in both.
    """

    reference: IntentReference
    volumes: tuple[Volume, ...]
    off_nominal: tuple[Volume, ...]


class ConstraintDetails(Struct, frozen=True, kw_only=True):
    """A notice, presence or zone; volumes have one outline each.

    ``what`` is its kind and its category.
    """

    reference: ConstraintReference
    volumes: tuple[Volume, ...]
    what: str


Details = IntentDetails | ConstraintDetails


class Notification(Struct, frozen=True, kw_only=True):
    """That an entity of the node's changed, for one peer.

    ``now`` is None where it has ended; ``states`` are the peer's subscriptions that
    must be told of it, each with its notification index after this change.
    """

    id: str
    is_intent: bool
    now: Details | None
    states: tuple[SubscriptionState, ...]


class Told(NamedTuple):
    """Details, and the view that goes on record as shown before they are."""

    details: Details
    view: View


def get_intent_details(principal: Principal, name: str, terms: Terms) -> Question[Told]:
    """A native plan's details. Raises NotFound where there is none for the asker."""

    def ask(moment: Moment) -> Told:
        return _told(moment, _found(moment, principal.party, name, INTENT), terms)

    return Question(principal, ask, Touches(objects=objects_called(name)))


def get_constraint_details(principal: Principal, name: str, terms: Terms) -> Question[Told]:
    """A native constraint's details. Raises NotFound where there is none for the asker."""

    def ask(moment: Moment) -> Told:
        return _told(moment, _found(moment, principal.party, name, CONSTRAINT), terms)

    return Question(principal, ask, Touches(objects=objects_called(name)))


def get_telemetry(principal: Principal, name: str) -> Question[None]:
    """Where the aircraft of a native plan is: the node holds no such thing, and says so.

    Raises:
        NotFound: No such plan for the asker.
        Conflict: Of a plan that keeps to its volumes no telemetry is given.
        NoTelemetry: Of one that does not, there is none.
    """

    def ask(moment: Moment) -> None:
        value = _found(moment, principal.party, name, INTENT).value
        if isinstance(value, Plan) and value.state not in _OFF_NOMINAL:
            raise Conflict("telemetry", expected="an intent that has left its volumes")
        raise NoTelemetry("telemetry", expected="to be asked of whoever flies")

    return Question(principal, ask, Touches(objects=objects_called(name)))


def details_of(airspace: Airspace, known: Known, terms: Terms, now: datetime) -> Details:
    """An object that its reader may see all of, in F3548's words."""
    value = known.value
    if isinstance(value, Plan):
        volumes = outlined(value.volumes, value.hazard_mm)
        return IntentDetails(
            reference=native_intent(airspace, known, terms),
            volumes=() if value.state is PlanState.CONTINGENT else volumes,
            off_nominal=volumes if value.state in _OFF_NOMINAL else (),
        )
    around_mm = value.standoff_mm + (value.uncertainty_mm if isinstance(value, Zone) else 0)
    volumes = value.volumes
    if isinstance(value, Presence) and value.track is not None:
        volumes = (_reach(value.track, now),)
    return ConstraintDetails(
        reference=native_constraint(airspace, known, terms),
        volumes=outlined(volumes, around_mm),
        what=f"{KINDS[type(value)]}.{value.category}",
    )


def is_ours(value: object) -> bool:
    """Whether the node answers for a value as its USS, and others must reckon with it."""
    if not isinstance(value, Protected) or not protects(value):
        return False
    return getattr(value, "uss", None) is None


def known_of_view(view: View) -> Known:
    """What a view of grade full shows, as the register's other doors know it."""
    assert isinstance(view.value, Protected)  # noqa: S101 - the caller looked
    return Known(value=view.value, object_id=view.object, version=view.version, token=view.token)


def manager_seen(moment: Moment, party: str, name: str, what: str) -> str | None:
    """Who manages what is called so, where a party may know of it; None for anything else."""
    airspace = moment.world.airspace
    filed = airspace.intents.get(name) if what == INTENT else airspace.constraints.get(name)
    if filed is None:
        views = _called(moment, party, name, what)
        return airspace.manager(views[0].party) if views else None
    return airspace.manager(filed.party)


def _told(moment: Moment, view: View, terms: Terms) -> Told:
    airspace = moment.world.airspace
    return Told(details_of(airspace, known_of_view(view), terms, moment.now), view)


def _found(moment: Moment, party: str, name: str, what: str) -> View:
    """What is called so and may be seen whole; of several, the one that was first.

    Raises:
        NotFound: There is none, or not for this party: the two look alike.
    """
    views = _called(moment, party, name, what)
    if not views:
        raise NotFound(what)
    return views[0] if len(views) == 1 else min(views, key=lambda one: _first(moment, one))


def _called(moment: Moment, party: str, name: str, what: str) -> list[View]:
    seen = _seen(moment, party, objects_called(name))
    return [one for one in seen if isinstance(one.value, Plan) is (what == INTENT)]


def _seen(moment: Moment, party: str, object_ids: Iterable[str]) -> Iterable[View]:
    reader = moment.reader(party)
    for object_id in object_ids:
        stored = moment.before.stored(object_id)
        if stored is not None and stored.data is not None and stored.salt is not None:
            view = reader.cut(_item(stored, stored.salt, stored.data))
            if view is not None and view.grade is Grade.FULL and is_ours(view.value):
                yield view


def _item(stored: Stored, salt: bytes, data: bytes) -> Item:
    return Item(
        value=read(data),
        party=stored.party,
        object_id=stored.object_id,
        version=stored.version,
        sequence=stored.sequence,
        token=token(salt, stored.leaf),
    )


def _first(moment: Moment, view: View) -> int:
    """The entry that made an object; what is said in this very moment is the latest."""
    return min(moment.record.history(view.object), default=view.sequence)


def _reach(track: Track, now: datetime) -> Volume:
    """Where a track may be by then (R-13)."""
    since_s = max(0.0, (now - track.time).total_seconds()) + TRACK_AHEAD_S
    grown_mm = round(track.speed_max_mm_s * min(since_s, TRACK_GROWTH_MAX_S))
    circle = Circle(centre=track.position, radius_mm=track.accuracy_mm + grown_mm)
    return Volume(
        footprint=(circle,), lower_mm=track.lower_mm, upper_mm=track.upper_mm, start=track.time
    )
