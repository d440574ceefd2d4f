"""Commands on what peers notify: each notification is on record before it is answered.

It is a report of its sender, in the words that he sent, released to nobody. The
report of an intent or constraint is corrected by each later notification of it, and
retracted by that of its end. It narrows nothing: what protects is what stands in the
record by its own author's word, whatever a peer says of it.

Source: ASTM F3548-21 annex A2 (notifyOperationalIntentDetailsChanged,
notifyConstraintDetailsChanged).
"""

import msgspec
from msgspec import Struct

from detente.core.entry import EntryKind
from detente.core.principal import Principal
from detente.core.report import REPORT_TEXT_MAX, Report, ReportState
from detente.core.wire import read
from detente.errors import Conflict, MalformedInput, NotPermitted
from detente.node.engine import Decision, Said
from detente.node.f3548.details import manager_seen
from detente.node.moment import Moment
from detente.node.submit import Touches

TITLE = "F3548 notification"


_NULL = msgspec.Raw(b"null")


class _Reference(Struct):
    manager: str
    version: int


class _Entity(Struct):
    reference: _Reference


class _Notification(Struct):
    """What is looked at of a notification, by F3548's names."""

    operational_intent: msgspec.Raw = _NULL
    constraint: msgspec.Raw = _NULL

    @property
    def entity(self) -> bytes | None:
        """The entity as it is now; None where it has ended."""
        found = (bytes(one) for one in (self.operational_intent, self.constraint) if one != _NULL)
        return next(found, None)


_notification = msgspec.json.Decoder(_Notification)
_entity = msgspec.json.Decoder(_Entity)


class Hear(Struct, kw_only=True):
    """Keeps a notification. Made by ``hear``."""

    principal: Principal
    what: str
    id: str
    text: str
    touches: Touches

    def decide(self, moment: Moment) -> Decision[None]:
        """One entry, unless the very same was kept before.

        Raises:
            NotPermitted: The sender does not manage the entity, for all that he may
                know of it or says himself.
            Conflict: Of an older version than was notified before, or other words of
                the same one.
        """
        party = self.principal.party
        manager = moment.world.airspace.manager(party)
        entity = _notification.decode(self.text).entity
        managers = {manager_seen(moment, party, self.id, self.what) or manager}
        if entity is not None:
            managers.add(_entity.decode(entity).reference.manager)
        if managers != {manager}:
            raise NotPermitted(self.what, expected="one that you manage")
        value = Report(
            source_id=_name(self.what, self.id),
            party=party,
            title=TITLE,
            text=self.text,
            state=ReportState.ISSUED,
        )
        object_id = moment.before.named(EntryKind.REPORT, party, value.source_id)
        stored = None if object_id is None else moment.before.stored(object_id)
        if stored is None or stored.data is None:
            return Decision(says=(Said(value=value),), answer=_nothing)
        kept = read(stored.data)
        assert isinstance(kept, Report)  # noqa: S101 - a report was asked for
        if kept.text == self.text:
            return Decision(says=(), answer=_nothing)
        self._require_later(kept, entity)
        state = ReportState.RETRACTED if entity is None else ReportState.CORRECTED
        value = msgspec.structs.replace(value, state=state)
        said = Said(value=value, object_id=object_id, version=stored.version + 1)
        return Decision(says=(said,), answer=_nothing)

    def _require_later(self, kept: Report, entity: bytes | None) -> None:
        before = _notification.decode(kept.text).entity
        if before is None or entity is None or before == entity:
            return
        was, now = (_entity.decode(one).reference.version for one in (before, entity))
        if now <= was:
            raise Conflict(
                f"version of {self.what}", expected=f"later than {was}", got=f"another {now}"
            )


def _nothing(_: object) -> None:
    """A notification has no answer but that it was taken."""


def hear(principal: Principal, what: str, name: str, text: str) -> Hear:
    """A command that keeps a notification.

    Args:
        principal: Who sends it.
        what: INTENT or CONSTRAINT of detente.node.f3548.details.
        name: The entity's id.
        text: The notification, JSON by F3548's names.

    Raises:
        MalformedInput: Too long.
    """
    if len(text) > REPORT_TEXT_MAX:
        raise MalformedInput(
            "notification", expected=f"at most {REPORT_TEXT_MAX} characters", got=f"{len(text)}"
        )
    key = (EntryKind.REPORT, principal.party, _name(what, name))
    return Hear(principal=principal, what=what, id=name, text=text, touches=Touches(names=(key,)))


def _name(what: str, name: str) -> str:
    return f"F3548 {what} {name}"
