"""Packs: made of an export, and asked where there is no network.

A pack holds what was released and nothing else, so what is hidden does not protect in it. It
never says ``no_known_conflict``: without a finding the answer is ``incomplete``, and says that
the node was not asked. Once it has expired, or where the clock is behind the pack, all its
answers are ``incomplete``; what it finds is shown as of then.

Source: docs/rules/R-01.md, docs/rules/R-02.md; docs/adr/0028.
"""

from collections.abc import Callable
from datetime import datetime
from typing import TYPE_CHECKING

from msgspec import Struct
from nacl.signing import SigningKey

from detente.core.check import Known, Meeting, Protected, Source, VerdictKind, Withheld
from detente.core.notice import Notice
from detente.core.pack import Pack, State, delta, sealed, state_of
from detente.core.party import key_id
from detente.core.release import Grade
from detente.errors import Conflict
from detente.node.exporting import Export

if TYPE_CHECKING:
    from detente.core.view import View
    from detente.picture import Picture


def pack_of(key: SigningKey) -> Callable[[Export], bytes]:
    """What makes a pack of an export, sealed with the node's key."""
    return lambda found: sealed(_pack(found), key)


def update_of(key: SigningKey, base: Pack) -> Callable[[Export], bytes]:
    """What makes, of an export, a delta for a pack that the same party has.

    Raises:
        Conflict: The pack is another party's, or of another theatre or cut.
    """
    state = state_of(base)
    write = update_for(key, state)

    def checked(found: Export) -> bytes:
        for name in ("theatre", "reader", "within"):
            had, has = getattr(base, name), getattr(found, name)
            if had != has:
                raise Conflict("base", expected=f"a pack with the {name} {has!r}", got=repr(had))
        return write(found)

    return checked


def update_for(key: SigningKey, state: State) -> Callable[[Export], bytes]:
    """The same for a pack of which only this is known; to another one it does not apply."""
    public = bytes(key.verify_key)
    return lambda found: delta(state, sealed(_pack(found), key), {key_id(public): public})


def _pack(found: Export) -> Pack:
    return Pack(
        theatre=found.theatre,
        reader=found.reader,
        as_of=found.as_of,
        expires=found.expires,
        edition=found.edition,
        within=found.within,
        agreement=found.agreement,
        objects=tuple(item.view for item in found.items),
    )


class Asked(Struct, frozen=True, kw_only=True):
    """A pack as a check asks it.

    Attributes:
        picture: What it holds, under the agreement's separations.
        source: What is to be said of it.
        withhold: What to show of an entry of which only the area was released.
    """

    picture: "Picture"
    source: Source
    withhold: Callable[[Meeting], Withheld | None]


def ask(pack: Pack, *, name: str, now: datetime) -> Asked:
    """A pack, to be asked.

    An entry of which only an area was released protects as the whole of that area: it may be
    anywhere in it. What a zone asks there is not told, so it is taken to ask the most.

    Args:
        pack: Verified.
        name: Of the file.
        now: By the clock here, UTC.
    """
    from detente.picture import Picture  # noqa: PLC0415 - loads compiled kernels

    areas = {one.object: one for one in pack.objects if one.grade is Grade.AREA}
    picture = Picture(map(_known, pack.objects), agreement=pack.agreement)
    return Asked(
        picture=picture,
        source=source_of(pack, name=name, now=now),
        withhold=lambda meeting: _withheld(areas.get(meeting.known.object_id)),
    )


def source_of(pack: Pack, *, name: str, now: datetime) -> Source:
    """What a check must say of a pack that it asked."""
    problem = None
    if now > pack.expires:
        problem = f"expired {_utc(pack.expires)}: get a new pack"
    elif now < pack.as_of:
        problem = f"the clock here says {_utc(now)}, before the pack was made: set it"
    within = f", and of that only {pack.within}" if pack.within else ""
    return Source(
        name=name,
        problem=problem,
        as_of=pack.as_of,
        lacks=(
            f"pack {pack.edition} as of {_utc(pack.as_of)}, expires {_utc(pack.expires)}; it holds "
            f"what was released to {pack.reader}{within}: the node was not asked"
        ),
    )


def _known(view: "View") -> Known:
    value = view.value
    if not isinstance(value, Protected):
        value = Notice(
            source_id=view.object,
            name=f"an area of {view.party}"[:200],
            category=view.category or "unspecified",
            party=view.party,
            volumes=view.area,
        )
    return Known(
        value=value,
        object_id=view.object,
        sequence=view.sequence,
        version=view.version,
        token=view.token,
    )


def _withheld(view: "View | None") -> Withheld | None:
    if view is None:
        return None
    return Withheld(
        severity=VerdictKind.CONFLICT,
        desk=view.desk,
        grade=view.grade,
        party=view.party,
        kind=view.kind.value,
        category=view.category,
        object=view.object,
        area=view.area,
    )


def _utc(time: datetime) -> str:
    return f"{time:%Y-%m-%dT%H:%M:%SZ}"
