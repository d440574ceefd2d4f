"""Deleting an object from a collection: its author retracts it.

TAXII leaves no trace of what is deleted, so a reader would go on with what is wrong. Here he
is given a revoked version, as STIX has it, with a date of its own; for the author it is gone.

Source: TAXII 2.1 section 5.7; STIX 2.1 section 3.2 (``revoked``); docs/adr/0023.
"""

import asyncio

from detente.core.entry import token
from detente.core.principal import Principal
from detente.errors import NotFound, NotPermitted, Stale
from detente.node.engine import Engine
from detente.node.taxii.collections import Collection
from detente.node.taxii.filters import Filter
from detente.node.taxii.pages import Pages
from detente.node.verbs import End, Place

TRIES_MAX = 4
"""Looks at an object that others change: its author's own programs, each of which must win once."""


async def delete(
    engine: Engine, pages: Pages, principal: Principal, where: Collection, wanted: Filter
) -> None:
    """Retract an object.

    Args:
        engine: At work.
        pages: Reads collections.
        principal: Its author.
        where: May be read and written by him.
        wanted: Which object, and which of its versions.

    Raises:
        NotFound: There is none there, or he may neither read nor write there.
        NotPermitted: It is another's, or only earlier versions were named: what was said
            cannot be unsaid.
        Stale: It was changed meanwhile, again and again.
    """
    if not (where.can_read or where.can_write):
        raise NotFound(f"collection {where.alias}")
    if not (where.can_read and where.can_write):
        raise NotPermitted(f"collection {where.alias}", expected="one that may be read and written")
    for left in reversed(range(TRIES_MAX)):
        try:
            await _delete(engine, pages, principal, where, wanted)
        except (NotPermitted, Stale):
            # Where it was changed between looking and doing, another look says what it is now:
            # of two that delete at once the second finds it gone.
            if not left:
                raise
        else:
            return


async def _delete(
    engine: Engine, pages: Pages, principal: Principal, where: Collection, wanted: Filter
) -> None:
    page = await pages.look(principal, where, wanted)
    if not page.shown:
        raise NotFound("object", expected="one of this collection")
    own = [one.item for one in page.shown if one.item.party == principal.party]
    if not own:
        raise NotPermitted("object", expected="one of the party's own")
    object_ids = {one.object_id for one in own}
    [object_id] = object_ids  # A party calls one report so.
    stored = await asyncio.to_thread(_stored, engine, object_id)
    if stored is None or stored[0] not in {one.sequence for one in own}:
        raise NotPermitted("earlier version", expected="the latest: what was said stays said")
    await engine.act(End(principal, Place(object_id=object_id, token=stored[1])))


def _stored(engine: Engine, object_id: str) -> tuple[int, str] | None:
    with engine.store.reading() as record:
        found = record.identified([object_id]).get(object_id)
    if found is None or found.salt is None:
        return None
    return found.sequence, token(found.salt, found.leaf)
