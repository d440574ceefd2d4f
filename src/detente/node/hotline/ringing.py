"""Ringing: whom an incident calls, decided in the transaction that opens it.

The node says whom it calls, one entry each, so that what is stored is what is called. An
incident is never refused for what it would tell: where the caller's budget of questions about
what is withheld from it is spent, the call goes out all the same, and its caller is not told to
whom.

Source: docs/rules/R-02.md, docs/rules/R-08.md; docs/hotline.md; docs/adr/0031.
"""

import secrets
from collections.abc import Iterable, Sequence

from msgspec.structs import replace

from detente.core.check import Meeting
from detente.core.incident import (
    DESKS_TOLD_MAX,
    Call,
    CallerTold,
    DeskTold,
    Incident,
    first_call,
    members,
    question,
    whom,
)
from detente.core.view import Reader
from detente.errors import LogInconsistent, Unavailable
from detente.node.author import Prepared
from detente.node.budget import owners_withholding
from detente.node.engine import Said
from detente.node.moment import Moment

ID_BYTES = 16
"""Of an object's id (detente.node.engine)."""


def named(said: Said) -> Said:
    """The same; a new incident with its id, by which the calls name it."""
    if said.object_id is not None or not isinstance(said.value, Incident):
        return said
    return replace(said, object_id=secrets.token_hex(ID_BYTES))


def ringing(moment: Moment, said: Said | Prepared) -> Sequence[Said | Prepared]:
    """What is said and, where that is an incident, the calls that it makes.

    Raises:
        MalformedInput: A place that cannot be measured.
    """
    if not isinstance(said.value, Incident):
        return (said,)
    object_id = said.object_id if isinstance(said, Said) else said.signed.statement.object
    assert object_id is not None, "an incident is named before it calls"  # noqa: S101
    return (said, *(said_call(moment, one) for one in _calls(moment, said.value, object_id)))


def said_call(moment: Moment, call: Call) -> Said:
    """A call as the node's next word on this party and incident."""
    object_id, version = moment.world.calls_at.get(call.source_id, (None, 0))
    return Said(value=call, object_id=object_id, version=version + 1, of_node=True)


def _calls(moment: Moment, incident: Incident, object_id: str) -> list[Call]:
    """Who is to be called that was not, and what the caller is told of it."""
    world, now = moment.world, moment.now
    hotline, parties = world.agreement.hotline, world.parties
    asked = question(incident, hotline, now)
    line = world.lines.get(object_id)
    everyone = members(world.agreement, parties)
    try:
        near = [one for one in moment.meetings(asked) if one.known.value.party != incident.party]
    except (Unavailable, LogInconsistent):
        # What stands there cannot be read: then nobody may be left out.
        to, told = whom((), incident.party, everyone), CallerTold(whole=False)
    else:
        to = whom(_authors(near), incident.party, everyone)
        reader = moment.reader(incident.party)
        whole = moment.budget.charge(asked, owners_withholding(near, reader), reader)
        told = _told(near, reader, whole=whole)
    if line is None:
        own = first_call(object_id, incident.party, now, now, hotline, {})
        known: Iterable[str] = ()
    else:
        own = line.calls[incident.party]
        known = line.calls
    made = [
        first_call(object_id, party, own.opened, now, hotline, parties)
        for party in to
        if party not in known
    ]
    everybody = own.told is not None and own.told.everyone
    return [replace(own, told=replace(told, everyone=told.everyone or everybody)), *made]


def _authors(near: Sequence[Meeting]) -> set[str]:
    return {one.known.value.party for one in near if one.known.value.party is not None}


def _told(near: Sequence[Meeting], reader: Reader, *, whole: bool) -> CallerTold:
    """What a check at this place tells its asker of whom to call, and no more."""
    desks: dict[tuple[str | None, str | None], DeskTold] = {}
    for one in near:
        value, withheld = one.known.value, reader.withhold(one)
        if withheld is None:
            told = DeskTold(party=value.party, desk=reader.desk_of(value.party, value.desk))
        elif whole:
            told = DeskTold(party=withheld.party, desk=withheld.desk)
        else:
            continue
        desks[told.party, None if told.desk is None else told.desk.id] = told
    found = [desks[name] for name in sorted(desks, key=str)]
    return CallerTold(desks=tuple(found[:DESKS_TOLD_MAX]), everyone=whole and not near, whole=whole)
