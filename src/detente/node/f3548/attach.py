"""The subscription by which an intent's manager hears of what it must reckon with.

Three ways: an existing one, which must hold the intent (one that was made for
intents is extended instead); a new one, made for the intent and gone with it;
or none, while the intent is only accepted. An implicit subscription on which
nothing else relies goes when its intent lets go of it.

Source: ASTM F3548-21, PutOperationalIntentReferenceParameters.
"""

from msgspec import Struct, structs

from detente.core.lifecycle import Standing
from detente.core.notice import LEGS_MAX
from detente.core.subscription import Subscription
from detente.core.uss import Uss
from detente.core.volume import Volume
from detente.errors import MalformedInput, NotPermitted
from detente.node.engine import Said
from detente.node.f3548.airspace import Airspace
from detente.node.f3548.entities import PLANS, ZONES, Intent, Wish
from detente.node.f3548.extent import Extent


class NewSubscription(Struct, frozen=True, kw_only=True):
    """What is asked of a subscription to be made for an intent."""

    base_url: str
    zones: bool = False


class Wanted(Struct, frozen=True, kw_only=True):
    """An intent that is being put, and by which subscription.

    Attributes:
        old: Its former self.
        subscription: An existing one.
        new: One to be made.
        fresh: Id for it.
    """

    id: str
    party: str
    volumes: tuple[Volume, ...]
    extent: Extent
    old: Intent | None
    subscription: str | None
    new: NewSubscription | None
    fresh: str


class Attached(Struct, frozen=True, kw_only=True):
    """What comes of it.

    Attributes:
        subscription: Id of the one that the intent has now.
        zones: Whether its manager processes constraints, and so must know of them.
        says: What is said of subscriptions, before the intent itself.
        made: Id and address of one that is told of the intent, though the airspace
            does not know it yet as it will be.
        gone: Id of one that is told of nothing any more.
    """

    subscription: str | None = None
    zones: bool = False
    says: tuple[Said, ...] = ()
    made: tuple[str, str] | None = None
    gone: str | None = None


def attach(airspace: Airspace, wanted: Wanted) -> Attached:
    """Find, extend or make the subscription of an intent.

    Raises:
        MalformedInput: No such subscription, or it does not hold the intent.
        NotPermitted: It is another party's.
    """
    if wanted.new is not None:
        found = _made(wanted, wanted.new)
    elif wanted.subscription is not None:
        found = _existing(airspace, wanted, wanted.subscription)
    else:
        found = Attached()
    left = released(airspace, wanted.old, keeping=found.subscription)
    if left is None:
        return found
    return structs.replace(found, says=(*found.says, withdrawn(left)), gone=left.id)


def released(airspace: Airspace, old: Intent | None, *, keeping: str | None) -> Wish | None:
    """The implicit subscription that goes when an intent lets go of it, if any."""
    name = None if old is None else old.subscription
    if old is None or name is None or name == keeping:
        return None
    wish = airspace.wishes.get(name)
    if wish is None or not wish.implicit or airspace.dependents(name) != (old.id,):
        return None
    return wish


def withdrawn(wish: Wish) -> Said:
    """A subscription's end."""
    return Said(
        value=structs.replace(wish.value, standing=Standing.WITHDRAWN),
        object_id=wish.object_id,
        version=wish.version + 1,
    )


def _made(wanted: Wanted, new: NewSubscription) -> Attached:
    name = wanted.fresh
    value = Subscription(
        source_id=name,
        party=wanted.party,
        kinds=(PLANS, ZONES) if new.zones else (PLANS,),
        volumes=wanted.volumes,
        implicit=True,
        uss=Uss(base_url=new.base_url),
    )
    return Attached(
        subscription=name,
        zones=new.zones,
        says=(Said(value=value),),
        made=(name, new.base_url),
    )


def _existing(airspace: Airspace, wanted: Wanted, name: str) -> Attached:
    wish = airspace.wishes.get(name)
    if wish is None:
        raise MalformedInput("subscription_id", expected="a subscription that exists")
    if wish.party != wanted.party:
        raise NotPermitted("subscription_id", expected="a subscription of your own")
    if not wish.plans:
        raise MalformedInput("subscription_id", expected="a subscription to operational intents")
    lacking = lacks(wish.extent, wanted.extent)
    if not lacking:
        return Attached(subscription=name, zones=wish.zones)
    if not wish.implicit:
        raise MalformedInput("subscription_id", expected=f"a subscription that holds {lacking}")
    return Attached(
        subscription=name,
        zones=wish.zones,
        says=(_extended(airspace, wish, wanted),),
        made=(name, wish.base_url),
    )


def lacks(holder: Extent, held: Extent, *, start_slack_us: int = 0) -> str:
    """In what an extent does not hold another; empty if it does."""
    if holder.start > held.start + start_slack_us:
        return "the start of the intent"
    if holder.end < held.end:
        return "the end of the intent"
    if holder.lower > held.lower or holder.upper < held.upper:
        return "the altitudes of the intent"
    if holder.cells != held.cells and not set(holder.cells).issuperset(held.cells):
        return "the whole area of the intent"
    return ""


def _extended(airspace: Airspace, wish: Wish, wanted: Wanted) -> Said:
    """An implicit subscription that holds this intent, and the others that rely on it."""
    alone = airspace.dependents(wish.id) in {(), (wanted.id,)}
    volumes = wanted.volumes
    if not alone:
        volumes = tuple(dict.fromkeys((*wish.value.volumes, *wanted.volumes)))
        if len(volumes) > LEGS_MAX:
            raise MalformedInput(
                "subscription_id", expected="a subscription that fewer intents rely on"
            )
    return Said(
        value=structs.replace(wish.value, volumes=volumes),
        object_id=wish.object_id,
        version=wish.version + 1,
    )
