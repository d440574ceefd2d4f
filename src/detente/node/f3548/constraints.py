"""Commands on constraint references: create, update, delete.

A constraint stands in the record as a zone that asks to be coordinated with, so
that the native check tells of it as well. Order of precedence as for intents.

Source: ASTM F3548-21 annex A2; docs/adr/0012.
"""

from collections.abc import Callable, Sequence
from datetime import datetime

from msgspec import Struct, structs

from detente.core.entry import EntryKind
from detente.core.lifecycle import Standing
from detente.core.principal import Principal
from detente.core.uss import Uss
from detente.core.volume import Volume
from detente.core.zone import Zone, ZoneRule
from detente.errors import NotFound, NotPermitted, Stale
from detente.node.engine import Decision, Said
from detente.node.f3548.airspace import Airspace, changed
from detente.node.f3548.entities import Constraint, window
from detente.node.f3548.extent import Extent, extent_if
from detente.node.f3548.recount import keeping
from detente.node.f3548.references import (
    ConstraintChanged,
    ConstraintReference,
    Told,
    constraint_reference,
    told,
)
from detente.node.f3548.terms import Terms, require_extent, require_not_past, require_url
from detente.node.f3548.touching import touching
from detente.node.moment import Moment
from detente.node.submit import Receipt, Touches

CONSTRAINT = "constraint"
"""Name and category of a zone that was filed so: F3548 tells no more of it."""

_WHAT = "constraint"


class ConstraintAsked(Struct, frozen=True, kw_only=True):
    """What a request says of a constraint; ``ovn`` None creates it."""

    id: str
    ovn: str | None
    volumes: tuple[Volume, ...]
    base_url: str


class PutConstraint(Struct, kw_only=True):
    """Creates or updates a constraint. Made by ``put_constraint``."""

    principal: Principal
    asked: ConstraintAsked
    extent: Extent
    terms: Terms
    touches: Touches

    def decide(self, moment: Moment) -> Decision[ConstraintChanged]:
        """One version of the zone.

        Raises:
            MalformedInput: Over already.
            NotPermitted: Another's.
            Stale: Of another version, of none, or there already.
        """
        airspace, asked, party = moment.world.airspace, self.asked, self.principal.party
        require_not_past(window(asked.volumes)[1], moment.now)
        old = airspace.constraints.get(asked.id)
        if old is None and asked.ovn is not None:
            raise Stale(_WHAT, expected="one that exists, to update it")
        if old is not None:
            _require_own(old, party, asked.ovn)
        zone = Zone(
            source_id=asked.id,
            name=CONSTRAINT,
            party=party,
            rule=ZoneRule.COORDINATE_FIRST,
            volumes=asked.volumes,
            category=CONSTRAINT,
            uss=Uss(base_url=asked.base_url),
        )
        spread = changed(extent_if(old), self.extent) or self.extent
        return Decision(
            says=(_said(zone, old),),
            answer=_answer(airspace, zone, party, _told(airspace, spread, self.terms, moment.now)),
            effects=keeping(airspace),
        )


class DeleteConstraint(Struct, kw_only=True):
    """Withdraws a constraint. Made by ``delete_constraint``."""

    principal: Principal
    id: str
    ovn: str
    terms: Terms
    touches: Touches

    def decide(self, moment: Moment) -> Decision[ConstraintChanged]:
        """The zone's end.

        Raises:
            NotFound: No such constraint.
            NotPermitted: Another's.
            Stale: Of another version.
        """
        airspace, party = moment.world.airspace, self.principal.party
        found = airspace.constraints.get(self.id)
        if found is None:
            raise NotFound(_WHAT)
        _require_own(found, party, self.ovn)
        over = structs.replace(found.zone, standing=Standing.WITHDRAWN)
        answer = ConstraintChanged(
            constraint=constraint_reference(airspace, found, party),
            told=_told(airspace, found.extent, self.terms, moment.now),
        )
        return Decision(
            says=(_said(over, found),), answer=lambda _: answer, effects=keeping(airspace)
        )


def put_constraint(
    principal: Principal, asked: ConstraintAsked, terms: Terms, airspace: Airspace
) -> PutConstraint:
    """A command that creates or updates a constraint.

    Raises:
        MalformedInput: Not what F3548 takes.
    """
    require_url(asked.base_url, terms, what="uss_base_url")
    return PutConstraint(
        principal=principal,
        asked=asked,
        extent=require_extent(asked.volumes, times=True, altitudes=False),
        terms=terms,
        touches=touching(
            airspace.constraints.get(asked.id), EntryKind.ZONE, principal.party, asked.id
        ),
    )


def delete_constraint(
    principal: Principal, name: str, ovn: str, terms: Terms, airspace: Airspace
) -> DeleteConstraint:
    """A command that withdraws a constraint."""
    touches = touching(airspace.constraints.get(name), EntryKind.ZONE, principal.party, name)
    return DeleteConstraint(principal=principal, id=name, ovn=ovn, terms=terms, touches=touches)


def _require_own(old: Constraint, party: str, ovn: str | None) -> None:
    if old.party != party:
        raise NotPermitted(_WHAT, expected="one that you manage")
    if old.ovn != ovn:
        raise Stale(_WHAT, expected="its current OVN", got=ovn or "none: it exists already")


def _said(zone: Zone, old: Constraint | None) -> Said:
    if old is None:
        return Said(value=zone)
    return Said(value=zone, object_id=old.object_id, version=old.version + 1)


def _told(airspace: Airspace, spread: Extent, terms: Terms, now: datetime) -> Told:
    wishes = [wish for wish in airspace.wishes_in(spread) if wish.zones]
    return told(airspace, wishes, terms, now)


def _answer(
    airspace: Airspace, zone: Zone, party: str, tell: Told
) -> Callable[[Sequence[Receipt]], ConstraintChanged]:
    manager = airspace.manager(party)
    availability = airspace.availability(manager).state
    starts, ends = window(zone.volumes)

    def answer(receipts: Sequence[Receipt]) -> ConstraintChanged:
        (receipt,) = receipts
        return ConstraintChanged(
            constraint=ConstraintReference(
                id=zone.source_id,
                manager=manager,
                availability=availability,
                version=receipt.version,
                ovn=receipt.token,
                starts=starts,
                ends=ends,
                base_url="" if zone.uss is None else zone.uss.base_url,
            ),
            told=tell,
        )

    return answer
