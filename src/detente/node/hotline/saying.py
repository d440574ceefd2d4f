"""Saying something on the hotline with a party's own key, on a register that is served elsewhere.

For the command line: a process that says one thing and ends. Whom a call calls is decided in its
transaction, as everywhere; that it is heard, and that the ladder is climbed, is for the nodes that
serve the register.

Source: docs/hotline.md.
"""

import secrets
from collections.abc import Iterable
from datetime import datetime, timedelta

from nacl.signing import SigningKey

from detente.core.incident import Incident, IncidentStep, Line, due
from detente.core.kinds import KINDS
from detente.core.ledger import source_id
from detente.core.party import key_id
from detente.core.principal import signed_principal
from detente.errors import Conflict, NotFound
from detente.node.author import Author
from detente.node.engine import Decision
from detente.node.hotline.ringing import ID_BYTES
from detente.node.moment import Moment
from detente.node.submit import Receipt, Touches, opened_submission
from detente.node.verbs import Submit
from detente.node.world import Shown

LATE_S = 10.0
"""A node that serves takes a rung within a second; one that is busy, within some."""

ID_SHORT_MIN = 8
"""Characters of a call's id that name it, if they name only one."""


class SayOwn:
    """Puts a party's own word in a call on the record, signed at its turn.

    Args:
        party: Who says it.
        key: The party's own.
        value: What; of this party.

    Raises:
        NotPermitted: Not a party's to say.
    """

    def __init__(self, party: str, key: SigningKey, value: Incident | IncidentStep) -> None:
        self.principal = signed_principal(party, key_id(bytes(key.verify_key)))
        self._key = key
        self._value = value
        self._object_id = secrets.token_hex(ID_BYTES)
        name = (KINDS[type(value)], party, source_id(value))
        self.touches = Touches(objects=(self._object_id,), names=(name,))

    def decide(self, moment: Moment) -> Decision[Receipt]:
        """The party's next entry, with the calls that it makes.

        Raises:
            Conflict: The party has a call or a step of this name.
        """
        kind, party, name = self.touches.names[0]
        if moment.before.named(kind, party, name) is not None:
            raise Conflict(f"{kind} {name}", expected="a name that is not taken yet")
        theatre, *_ = moment.record.head()
        head = moment.before.head(party)
        author = Author(theatre=theatre, party=party, key=self._key, head=head)
        said = author.write(self._value, now=moment.now, object_id=self._object_id)
        return Submit(self.principal, opened_submission(said, now=moment.now)).decide(moment)


def named_call(lines: Iterable[Line], party: str, name: str) -> str:
    """The call that a whole id names, or its beginning.

    Args:
        lines: As the record has them.
        party: Who names it; only a call that it made or received.
        name: As it was typed.

    Raises:
        NotFound: None, or more than one.
    """
    found = [
        one.incident
        for one in lines
        if party in {one.party, *one.calls} and one.incident.startswith(name.lower())
    ]
    if len(found) != 1 or len(name) < ID_SHORT_MIN:
        raise NotFound(f"call {name}", expected="the id of one, or its first 8 characters or more")
    return found[0]


def is_unattended(shown: Shown, now: datetime) -> bool:
    """Whether a rung is late: then no node that serves the register takes it."""
    then = now - timedelta(seconds=LATE_S)
    lines = shown.lines.values()
    return any(due(one, shown.agreement, shown.parties, then) for one in lines)
