"""Open calls of the hotline as events, to whoever called and to whoever is called.

Source: requirement M2; docs/hotline.md; ``b-a-o-tbl`` is what TAK shows as a 911 alert.
"""

from datetime import datetime
from xml.sax.saxutils import escape

from detente.core.incident import MESSAGES, Incident
from detente.core.principal import Principal
from detente.core.volume import Circle
from detente.doors.cot.event import UNKNOWN_M
from detente.doors.cot.mapping import UNIT_LIFE, drawn
from detente.doors.cot.writing import Out, Written, clean, deletion, remarks
from detente.node.hotline.lines import Asked, LineView
from detente.node.service import Service
from detente.node.telling.disclosures import disclose


class Calls:
    """The open calls that one party made or received, as its clients show them.

    Args:
        service: At work.
        principal: Of any of the party's clients.
    """

    def __init__(self, service: Service, principal: Principal) -> None:
        self._service = service
        self._principal = principal
        self._lines: object = None
        self._shown: dict[str, tuple[int, Written]] = {}

    @property
    def standing(self) -> list[Written]:
        """What a client that joins is shown."""
        return [written for _, written in self._shown.values()]

    async def look(self, now: datetime) -> list[Written]:
        """What is to be sent; that the calls are shown by it is on record before.

        Raises:
            Unavailable: The record cannot be read or written.
        """
        engine, lines = self._service.engine, self._service.engine.world.shown.lines
        if lines is self._lines and all(
            one.out.stale - now > UNIT_LIFE / 2 for _, one in self._shown.values()
        ):
            return []
        found = await self._open()
        await disclose(engine, self._principal, [one.incident for one in found])
        before, self._shown, out = self._shown, {}, []
        for line in found:
            uid = f"detente.call.{line.incident.object}"
            was = before.pop(uid, None)
            version = line.incident.version
            if was is None or was[0] != version or was[1].out.stale - now <= UNIT_LIFE / 2:
                was = version, Written(event_of(line, uid, now))
                out.append(was[1])
            self._shown[uid] = was
        self._lines = lines
        return [*out, *(Written(deletion(now, uid)) for uid in before)]

    async def _open(self) -> list[LineView]:
        found: list[LineView] = []
        asked = Asked(open=True)
        while True:
            page = await self._service.reading.lines(self._principal, asked)
            found += page.lines
            if not page.more:
                return found
            asked = Asked(open=True, after=page.after)


def event_of(line: LineView, uid: str, now: datetime) -> Out:
    """A call as it is written."""
    value = line.incident.value
    assert isinstance(value, Incident), "a line is of an incident"  # noqa: S101
    shape = value.volumes[0].footprint[0]
    _, place, _ = next(drawn(shape))
    said = [MESSAGES[value.code], value.words, f"opened {line.opened:%H:%M:%S}Z by {value.party}"]
    if not line.own:
        said.append("answer on the hotline; this asks, and permits nothing")
    caller = escape(clean(value.party))
    return Out(
        uid=uid,
        type="b-a-o-tbl",
        time=now,
        stale=now + UNIT_LIFE,
        position=place,
        ce_m=shape.radius_m if isinstance(shape, Circle) else UNKNOWN_M,
        callsign=value.party,
        detail=f'<emergency type="911 Alert">{caller}</emergency>'
        + remarks("; ".join(one for one in said if one)),
    )
