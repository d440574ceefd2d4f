"""Presencing: a party's own units as they move, and as presence in the record.

Each observation goes to whoever follows live tracks at once. The record holds a disc that
grows with the speed that the unit may have; a new version of it is written only when the unit
has left the disc or may outrun it, and now and then, so that it stays small. So a unit is
never outside of what a check counts for longer than one commit, and 500 positions a second
cost some ten entries.

A unit whose device falls silent does not leave: its disc grows on, and is shown as stale, for
LOST_AFTER. Then it is withdrawn.

Source: docs/adr/0026; DESIGN sections 4.1, 4.3 and 4.8.
"""

import asyncio
import contextlib
import math
from collections import Counter, OrderedDict
from collections.abc import Mapping
from datetime import datetime, timedelta

import numpy as np
from msgspec import Struct
from msgspec.structs import replace

from detente.core.entry import EntryKind
from detente.core.geodesy import DISTANCE_ERROR_M, GEOD
from detente.core.heard import BOUNDS, Craft
from detente.core.lifecycle import Standing
from detente.core.presence import SPEED_MAX_MM_S, Presence, Track
from detente.core.principal import Method, Principal, Scope
from detente.core.release import Release
from detente.core.view import View
from detente.core.volume import E7_PER_DEG, MM_PER_M, RADIUS_MAX_MM, Circle
from detente.core.watch import Observed
from detente.core.wire import read
from detente.errors import Conflict, DetenteError, NotPermitted, Unavailable
from detente.node.engine import Decision, Engine, Said
from detente.node.layers import Layers, Sight
from detente.node.moment import Moment
from detente.node.rules import require
from detente.node.seen import LiveTracks, Seen
from detente.node.submit import Receipt, Touches
from detente.node.telling.disclosures import THE_NODE

RENEW_AFTER = timedelta(seconds=60)
"""How old a recorded disc may get: at 50 m/s it has 3 km by then, and 500 units cost eight
entries a second."""

LOST_AFTER = timedelta(hours=1)
"""How long beyond its stale time a silent unit still counts: at 50 m/s it may be anywhere
within 180 km by then, a disc that tells nobody anything."""

UNITS_MAX = 20_000
"""Of all parties together; as many as TAK servers are known to have held. Half of the room
is divided among the parties, the other half goes to whoever comes first."""

HELD_FOR = timedelta(days=1)
"""How long names stay a party's whose unit has left: nobody else appears under them at once."""

RETRY_S = 1.0
"""How soon what could not be recorded is tried again."""

ACCURACY_UNKNOWN_MM = 100 * MM_PER_M
"""For a position whose source names no error: satellites without correction, and a street."""

ROOM_MM = 50 * MM_PER_M
"""Around the first fix: the next few jump by their own error, and need no entry for that."""

OUTRUN = 1.25
"""A unit may speed up by a quarter between two of its messages before its bound is raised."""

SPEEDS_M_S: Mapping[str, int] = {"ground": 50, "sea": 30, "air": 350, "": 350}
"""How fast what is of a kind may move: 180 km/h, 58 knots, an airliner with the wind. What
reports more is believed at once."""

DRIFTS: Mapping[str, tuple[int, int]] = {
    "ground": (3_000, 10),
    "sea": (BOUNDS[Craft.SHIP].drift_mm_s, BOUNDS[Craft.SHIP].drift_percent),
    "air": (BOUNDS[Craft.AIRCRAFT].drift_mm_s, BOUNDS[Craft.AIRCRAFT].drift_percent),
}
"""How fast a unit may part from the course and speed that it reports, in mm/s and per cent of
that speed: on the ground a run of ten minutes at 3 m/s. For the watch alone, which sees a turn
as it is made (docs/adr/0027); the record's disc counts with SPEEDS_M_S."""

_THE_NODE = replace(THE_NODE, scopes=frozenset({Scope.READ}))


class Unit(Struct, frozen=True, kw_only=True):
    """What a device says of one unit of its party's.

    Attributes:
        uid: Of the device's choice; nobody else's in this theatre.
        type: As its door writes it.
        domain: Of SPEEDS_M_S.
        callsign: Empty if it has none.
        observed: Where and when; its track is the uid, and its drift is set here.
        stale: Until when the device vouches for it.
    """

    uid: str
    type: str
    domain: str
    callsign: str
    observed: Observed
    stale: datetime


class _Kept(Struct, kw_only=True):
    """A unit: the newest of it, and what the record says.

    ``entry`` is of which object, and which entry, the record's disc is; ``callsign`` is held for
    its party as long as the unit is known.
    """

    principal: Principal
    unit: Unit
    recorded: Track | None = None
    entry: tuple[str, int] | None = None
    callsign: str = ""
    task: asyncio.Task[None] | None = None
    over: bool = False


_Name = tuple[str, str]
"""Whether it is a uid or a callsign, and which."""


class Presencing:
    """The units of all parties, of one feed. One event loop's.

    Args:
        engine: At work.
        tracks: Where what moves is followed.
        feed: The door's name, of which the record's names begin.
        releases: To whom each party shows its units; none named shows them to nobody.
    """

    def __init__(
        self, engine: Engine, tracks: LiveTracks, feed: str, releases: Mapping[str, Release]
    ) -> None:
        self._engine = engine
        self._tracks = tracks
        self._feed = feed
        self._releases = releases
        self._stopping = False
        self._units: dict[str, _Kept] = {}
        self._called: dict[str, set[str]] = {}
        self._left: dict[str, OrderedDict[_Name, datetime]] = {}
        self._count: Counter[str] = Counter()

    def _require_free(self, party: str, uid: str, callsign: str) -> None:
        """Refuse what is another party's name.

        Raises:
            Conflict: It is.
        """
        one = self._units.get(uid)
        other = next(iter(self._called.get(callsign, ())), None)  # All of them are one party's.
        if one is not None and one.principal.party != party:
            raise Conflict("uid", expected="one that no other party uses")
        if other is not None and self._units[other].principal.party != party:
            raise Conflict("callsign", expected="one that no other party uses")
        for name in (("uid", uid), ("callsign", callsign)):
            if self._is_held(party, name):
                raise Conflict(name[0], expected="one that no other party used within a day")

    def _is_held(self, party: str, name: _Name) -> bool:
        """Whether a unit of another party had a name until lately."""
        now = self._engine.clock()
        found = (left.get(name) for other, left in self._left.items() if other != party)
        return any(until is not None and until > now for until in found)

    def _hold(self, party: str, name: _Name) -> None:
        """Keep a name that is let go of for its party, as many as it may have units."""
        left = self._left.setdefault(party, OrderedDict())
        left.pop(name, None)
        left[name] = self._engine.clock() + HELD_FOR
        while len(left) > UNITS_MAX:
            left.popitem(last=False)

    def _require_room(self, party: str) -> None:
        """Refuse one more unit of a party's, where others would have no room for their own.

        Raises:
            Unavailable: There are too many.
        """
        parties = self._engine.world.shown.parties.keys() | self._count.keys()
        own = UNITS_MAX // 2 // len(parties | {party})
        beyond = sum(max(0, count - own) for count in self._count.values())
        if self._count[party] >= own and beyond >= UNITS_MAX - UNITS_MAX // 2:
            raise Unavailable("units", expected=f"at most {UNITS_MAX} of all parties")

    def _know(self, kept: _Kept) -> None:
        self._units[kept.unit.uid] = kept
        self._count[kept.principal.party] += 1

    def _call(self, kept: _Kept, callsign: str) -> None:
        """Hold a callsign for a unit's party, and no longer the one that it had."""
        uid = kept.unit.uid
        if kept.callsign and kept.callsign != callsign:
            held = self._called[kept.callsign]
            held.discard(uid)
            if not held:
                del self._called[kept.callsign]
                self._hold(kept.principal.party, ("callsign", kept.callsign))
        kept.callsign = callsign
        if callsign:
            self._called.setdefault(callsign, set()).add(uid)

    def _leave(self, kept: _Kept) -> None:
        """Let go of a unit and its room, and after a while of its names."""
        if self._units.pop(kept.unit.uid, None) is not None:
            self._call(kept, "")
            self._hold(kept.principal.party, ("uid", kept.unit.uid))
            self._count[kept.principal.party] -= 1

    def report(self, principal: Principal, unit: Unit) -> None:
        """Take what a device says: shown at once, and recorded where the record asks for it.

        Raises:
            NotPermitted: It may not say where its people are.
            Conflict: The uid or callsign is another party's.
            Unavailable: There are too many units.
        """
        principal.require(Scope.WRITE_PRESENCE)
        self._require_free(principal.party, unit.uid, unit.callsign)
        kept = self._units.get(unit.uid)
        if kept is None:
            self._require_room(principal.party)
            kept = _Kept(principal=principal, unit=unit)
            self._know(kept)
        elif unit.observed.time < kept.unit.observed.time:
            return
        kept.principal, kept.unit, kept.over = principal, unit, False
        self._call(kept, unit.callsign)
        self._show(kept)
        self._see_to(kept)

    def over(self, principal: Principal, uid: str) -> None:
        """Let a unit of the party's be over: its people are elsewhere, or gone.

        Raises:
            NotPermitted: It may not say so, or it is no unit of the party's.
        """
        principal.require(Scope.WRITE_PRESENCE)
        kept = self._units.get(uid)
        if kept is None or kept.principal.party != principal.party:
            raise NotPermitted("deletion", expected="a unit of the party's own")
        self._end(kept)

    def disc_of(self, party: str, uid: str) -> Circle | None:
        """Where a unit of the party's is now, for all that is known of it; None where none is."""
        kept = self._units.get(uid)
        if kept is None or kept.principal.party != party:
            return None
        track = track_of(kept.unit)
        age_s = max(0, math.ceil((self._engine.clock() - track.time).total_seconds()))
        reach_mm = track.accuracy_mm + age_s * track.speed_max_mm_s
        return Circle(centre=track.position, radius_mm=min(reach_mm, RADIUS_MAX_MM))

    def sweep(self) -> None:
        """Let go of what is stale, and withdraw what was silent for too long."""
        now = self._engine.clock()
        for kept in list(self._units.values()):
            if now > kept.unit.stale:
                self._tracks.drop(self._key(kept))
            if now > kept.unit.stale + LOST_AFTER:
                self._end(kept)

    def recorded(self, seen: Seen) -> int | None:
        """The entry that stands for a live track, if it is on record."""
        kept = self._units.get(seen.observed.track)
        return None if kept is None or kept.entry is None else kept.entry[1]

    async def recall(self, layers: Layers) -> None:
        """Take up the units that the record holds from before this process.

        Raises:
            Unavailable: The record cannot be read.
        """

        def act(sight: Sight) -> list[View]:
            found = sight.find({EntryKind.PRESENCE})
            return [one.view for one in sight.items(found, np.arange(len(found)))]

        for view in await layers.look(_THE_NODE, act):
            if isinstance(view.value, Presence):
                self._recall(view, view.value)

    def _recall(self, view: View, value: Presence) -> None:
        uid, track, party = uid_of(value, self._feed), value.track, value.party
        if uid is None or track is None or party is None or uid in self._units:
            return
        with contextlib.suppress(Conflict):
            callsign = "" if value.name == uid else value.name
            self._require_free(party, uid, callsign)
            observed = Observed(
                track=uid,
                time=track.time,
                position=track.position,
                accuracy_mm=track.accuracy_mm,
                drift_mm_s=track.speed_max_mm_s,
            )
            unit = Unit(
                uid=uid, type="", domain="", callsign="", observed=observed, stale=track.time
            )
            kept = _Kept(
                principal=Principal(
                    party=party,
                    method=Method.CLIENT,
                    subject=self._feed,
                    scopes=frozenset({Scope.WRITE_PRESENCE}),
                ),
                unit=unit,
                recorded=track,
                entry=(view.object, view.sequence),
            )
            # What the record holds is known, however many there are: it is to be withdrawn.
            self._know(kept)
            self._call(kept, callsign)

    async def stop(self) -> None:
        """Wait until what is under way is recorded, or cannot be."""
        self._stopping = True
        tasks = [one.task for one in self._units.values() if one.task is not None]
        await asyncio.gather(*tasks, return_exceptions=True)

    def _key(self, kept: _Kept) -> tuple[str, str, str]:
        return kept.principal.party, self._feed, kept.unit.uid

    def _show(self, kept: _Kept) -> None:
        unit = kept.unit
        seen = Seen(
            party=kept.principal.party,
            feed=self._feed,
            observed=replace(unit.observed, drift_mm_s=drift_of(unit)),
            kind=unit.type,
            name=unit.callsign,
            own=True,
            release=self._releases.get(kept.principal.party),
            stale=unit.stale,
            object_id=None if kept.entry is None else kept.entry[0],
        )
        self._tracks.put([seen])

    def _end(self, kept: _Kept) -> None:
        self._tracks.drop(self._key(kept))
        kept.over = True
        self._see_to(kept)

    def _see_to(self, kept: _Kept) -> None:
        """Have the record say what it should, unless that is under way."""
        if kept.task is None and self._asks(kept):
            kept.task = asyncio.get_running_loop().create_task(self._record(kept))

    def _asks(self, kept: _Kept) -> bool:
        """Whether the record must say something new of a unit."""
        if kept.over or kept.recorded is None:
            return True
        return not holds(kept.recorded, track_of(kept.unit))

    async def _record(self, kept: _Kept) -> None:
        try:
            while self._asks(kept):
                over, track = kept.over, with_room(track_of(kept.unit))
                said = _Say(kept.principal, self._value(kept, track, over=over))
                try:
                    receipt: Receipt = await self._engine.act(said)
                except Unavailable:
                    if self._stopping:
                        return
                    await asyncio.sleep(RETRY_S)
                    continue
                except DetenteError:
                    # It may no longer be said: what the record holds stays, and grows.
                    if kept.over and kept.entry is None:
                        self._leave(kept)
                    return
                if over and kept.over:
                    self._leave(kept)
                    return
                is_first = kept.entry is None
                kept.entry = receipt.object_id, receipt.sequence
                kept.recorded = track
                if is_first and self._engine.clock() <= kept.unit.stale and not kept.over:
                    self._show(kept)
        finally:
            kept.task = None

    def _value(self, kept: _Kept, track: Track, *, over: bool) -> Presence:
        party = kept.principal.party
        return Presence(
            source_id=f"{self._feed}:{kept.unit.uid}",
            name=kept.unit.callsign or kept.unit.uid,
            party=party,
            track=track,
            release=self._releases.get(party),
            standing=Standing.WITHDRAWN if over else Standing.IN_FORCE,
        )


class _Say:
    """Puts a unit's presence on the record: the next version of what bears its name."""

    def __init__(self, principal: Principal, value: Presence) -> None:
        principal.require(Scope.WRITE_PRESENCE)
        self.principal = principal
        self._value = value
        self.touches = Touches(names=((EntryKind.PRESENCE, principal.party, value.source_id),))

    def decide(self, moment: Moment) -> Decision[Receipt]:
        """One entry."""
        party, value = self.principal.party, self._value
        object_id = moment.before.named(EntryKind.PRESENCE, party, value.source_id)
        stored = None if object_id is None else moment.before.stored(object_id)
        former = None if stored is None or stored.data is None else read(stored.data)
        if stored is None or former is None:
            object_id, version = None, 1
        else:
            version = stored.version + 1
        require(moment, party, value, object_id, frozenset())
        said = Said(value=value, object_id=object_id, version=version)
        return Decision(says=(said,), answer=lambda receipts: receipts[0], aware=True)


def uid_of(value: Presence, feed: str) -> str | None:
    """The uid of the unit that a presence of the record stands for; None if it is no feed's."""
    head, _, uid = value.source_id.partition(":")
    return uid if head == feed and uid and value.track is not None else None


def track_of(unit: Unit) -> Track:
    """What the record says of a unit: at all heights, for a fix tells little of those to come."""
    seen = unit.observed
    bound = SPEEDS_M_S.get(unit.domain, SPEEDS_M_S[""]) * MM_PER_M
    if (seen.speed_mm_s or 0) * OUTRUN > bound:
        bound = math.ceil((seen.speed_mm_s or 0) * OUTRUN)
    return Track(
        position=seen.position,
        time=seen.time,
        speed_max_mm_s=min(bound, SPEED_MAX_MM_S),
        accuracy_mm=seen.accuracy_mm,
    )


def drift_of(unit: Unit) -> int:
    """How fast a unit may part from where its course and speed put it, mm/s.

    Where it reports none, as fast as its kind may move.
    """
    speed = unit.observed.speed_mm_s
    if speed is None:
        return track_of(unit).speed_max_mm_s
    least, percent = DRIFTS.get(unit.domain, DRIFTS["air"])
    return least + speed * percent // 100


def with_room(track: Track) -> Track:
    """The disc that is recorded."""
    return replace(track, accuracy_mm=min(track.accuracy_mm + ROOM_MM, RADIUS_MAX_MM))


def holds(recorded: Track, track: Track) -> bool:
    """Whether a recorded disc holds a unit as it is now, may be outrun by it, and is not old."""
    age = track.time - recorded.time
    if age >= RENEW_AFTER or track.speed_max_mm_s > recorded.speed_max_mm_s:
        return False
    (lon, lat), (lon_now, lat_now) = recorded.position, track.position
    here, there = (lon / E7_PER_DEG, lat / E7_PER_DEG), (lon_now / E7_PER_DEG, lat_now / E7_PER_DEG)
    apart_m = float(GEOD.inv(here[0], here[1], there[0], there[1])[2])
    reach_mm = recorded.accuracy_mm + max(0.0, age.total_seconds()) * recorded.speed_max_mm_s
    return (apart_m + DISTANCE_ERROR_M) * MM_PER_M + track.accuracy_mm <= reach_mm
