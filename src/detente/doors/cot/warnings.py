"""Alerts of the watch as events: what begins, what rises, what is over.

A party is shown of an alert what detente.node.alerted cuts. Where the track is not shown to it,
the event stands at its own entry.

Source: docs/adr/0026, 0027; ``b-a-g`` is TAK's type for a geofence that is breached.
"""

from collections.abc import Callable
from datetime import datetime, timedelta

from detente.core.alerts import Level
from detente.core.principal import Principal
from detente.core.volume import E7_PER_DEG, Position
from detente.doors.cot.mapping import UNIT_LIFE
from detente.doors.cot.writing import Out, Written, deletion, remarks
from detente.node.alerted import AlertShown
from detente.node.asking import reader_of
from detente.node.service import Service
from detente.node.telling.disclosures import disclose
from detente.node.telling.tracks import disclose_tracks, feeds_in

_SAYS = {
    Level.LOST: "nothing is heard of it any more",
    Level.WARNING: "may violate",
    Level.VIOLATION: "may violate now",
}


class Warnings:
    """The alerts that one party sees, as its clients show them.

    Args:
        service: At work.
        principal: Of any of the party's clients.
    """

    def __init__(self, service: Service, principal: Principal) -> None:
        self._service = service
        self._principal = principal
        self._shown: dict[str, tuple[Level, Written]] = {}

    @property
    def standing(self) -> list[Written]:
        """What a client that joins is shown."""
        return [written for _, written in self._shown.values()]

    async def look(
        self, place_of: Callable[[str], Position | None], now: datetime
    ) -> list[Written]:
        """What is to be sent; that the entries are shown by it is on record before.

        Args:
            place_of: Tells where the party's clients show an object.
            now: UTC.

        Raises:
            Unavailable: The record cannot be written.
        """
        engine = self._service.engine
        reader = reader_of(engine.world.shown, self._principal.party, now)
        found = self._service.alerting.alerts(reader)
        await disclose(engine, self._principal, found.views)
        await disclose_tracks(engine, self._principal.party, feeds_in(found.alerts), "stream")
        before, self._shown = self._shown, {}
        out = []
        for alert in found.alerts:
            # Not made of what is shown: two alerts of one party may look alike.
            uid, place = f"detente.alert.{alert.id}", _place_of(alert, place_of)
            if place is None:
                continue
            was = before.pop(uid, None)
            if was is None or was[0] is not alert.level or was[1].out.stale - now < UNIT_LIFE / 2:
                was = alert.level, Written(event_of(alert, uid, place, now))
                out.append(was[1])
            self._shown[uid] = was
        return [*out, *(Written(deletion(now, uid)) for uid in before)]


def event_of(alert: AlertShown, uid: str, place: Position, now: datetime) -> Out:
    """An alert as it is written."""
    track = alert.track
    name = "a track that is not shown" if track is None else track.name or track.track
    return Out(
        uid=uid,
        type="b-a-g",
        time=now,
        stale=now + UNIT_LIFE,
        position=place,
        callsign=name,
        detail=remarks(_said(alert, now)),
    )


def _said(alert: AlertShown, now: datetime) -> str:
    entry, parts = alert.entry, [_SAYS[alert.level]]
    if entry is not None:
        named = entry.name or entry.category or "an entry"
        parts = [f"{parts[0]} {named} of {entry.party}"]
        if entry.desk is not None:
            parts.append(f"call {entry.desk.name}")
    if alert.time_s:
        at = now + timedelta(seconds=alert.time_s)
        parts.append(f"{at:%H:%M:%S}Z at the earliest")
    if alert.doubted:
        parts.append("it may be elsewhere than it says")
    if alert.desk is not None:
        parts.append(f"whose track it is: {alert.desk.name}")
    return "; ".join(parts)


def _place_of(alert: AlertShown, place_of: Callable[[str], Position | None]) -> Position | None:
    if alert.track is not None:
        return round(alert.track.lon * E7_PER_DEG), round(alert.track.lat * E7_PER_DEG)
    entry = alert.entry
    return None if entry is None or entry.object is None else place_of(entry.object)
