"""Two worlds that differ only in what is hidden from a party give it the same answers (R-02, R-10).

A script says what happens in both: what others show, what they hide (another thing in
each world), and what the party two does: it asks, files, reads, objects, guesses ids and
names. All its answers are written down, refusals to the letter, and compared. Salts are
drawn by chance and hashes follow from all that was said before, so hashes and version
tokens are masked; nothing else is. Where the worlds hold different numbers of entries,
numbers that count the public record are masked as well.

What is hidden lies away from all that two asks about, or meets it in both worlds alike:
then R-02 lets two learn the verdict, how many are withheld, and a desk, and these are
the same. What else it learns would make the answers differ.
"""

import re
import secrets
import ssl
import tempfile
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager, suppress
from datetime import timedelta
from functools import cache
from hashlib import sha256
from itertools import count
from pathlib import Path
from typing import Any, NamedTuple
from unittest import mock
from uuid import UUID

import msgspec
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from nacl.signing import SigningKey

from detente.core.alerts import Level as Gravity
from detente.core.committed import Question
from detente.core.entry import EntryKind, token
from detente.core.feature import KINDS
from detente.core.incident import Act, Code, Incident, IncidentStep
from detente.core.ledger import NODE
from detente.core.notice import Notice
from detente.core.pack import read_pack
from detente.core.party import key_id
from detente.core.plan import Plan, PlanState
from detente.core.presence import Presence
from detente.core.principal import Scope
from detente.core.release import Grade, Release
from detente.core.report import Report
from detente.core.subscription import Subscription
from detente.core.telling import (
    Acknowledgement,
    Answer,
    Level,
    Objection,
    ReleaseDecision,
    ReleaseRequest,
)
from detente.core.volume import Circle, Volume
from detente.core.warned import EntryTold, TrackTold, Warned
from detente.core.wire import Value
from detente.core.zone import Zone, ZoneRule
from detente.doors.cap.routes import alert_of, feed_of
from detente.doors.cap.wire import Letterhead
from detente.doors.exports import FORMS
from detente.doors.exports.asking import wanted_of
from detente.doors.features.asking import CRS84, asked_of
from detente.doors.features.formats import feature
from detente.doors.features.routes import features_of
from detente.doors.features.tiles import written as written_tile
from detente.errors import DetenteError, NotPermitted
from detente.node.asking import reader_of
from detente.node.author import Author
from detente.node.certificate import Certificate, own_certificate
from detente.node.clusters import SINGLE_MAX, Tile, look
from detente.node.committing import Commit, Committed
from detente.node.engine import Decision, Said
from detente.node.exporting import export
from detente.node.f3548.details import INTENT, Told, get_constraint_details, get_intent_details
from detente.node.f3548.entities import id_of_object
from detente.node.f3548.heard import hear
from detente.node.f3548.intents import IntentAsked, put_intent
from detente.node.f3548.reads import (
    get_intent,
    get_subscription,
    query_constraints,
    query_intents,
)
from detente.node.f3548.subscriptions import SubscriptionAsked, put_subscription
from detente.node.f3548.terms import Terms
from detente.node.hotline.lines import Asked as AskedLines
from detente.node.layers import Layers
from detente.node.looking_back import Frames, seeing
from detente.node.moment import Moment
from detente.node.packing import pack_of
from detente.node.reading import Reading
from detente.node.submit import Receipt, Touches
from detente.node.telling import Telling
from detente.node.telling.address import Allowed
from detente.node.telling.alerts import Alerts
from detente.node.telling.disclosures import (
    THE_NODE,
    disclose,
    disclose_tile,
    disclosures_of,
    shown_by,
)
from detente.node.telling.events import START
from detente.node.telling.matching import Wanted as Wish
from detente.node.telling.silence import Asked as Silent
from detente.node.telling.silence import silences
from detente.node.telling.subscribing import Subscribe, Unsubscribe
from detente.node.verbs import Submit
from detente.node.wanted import Wanted
from nodes import desk_of, run
from tablets import Tablets
from theatre import TERMS, Theatre
from world import NOW

HOME = 2
"""Places where things are shown and asked about; hidden things are there, or far away."""

AWAY_DEG = 100
ZONED_DEG = 50
"""Where zones are shown and taken back: far from what two asks about, so that it may change there
in secret."""

NOTICES = EntryKind.NOTICE
EVERY_KIND = tuple(KINDS.values())
UTM = Terms(base_url="https://node.example", plain_http=False)
TWO = msgspec.structs.replace(
    desk_of("two"), scopes=desk_of("two").scopes | {Scope.UTM_STRATEGIC_COORDINATION}
)


def circle(lon_deg: float, radius_m: float, lat_deg: float = 0.0, **window: object) -> Volume:
    centre = (round(lon_deg * 1e7), round(lat_deg * 1e7))
    return Volume(
        footprint=(Circle(centre=centre, radius_mm=round(radius_m * 1_000)),),
        **window,  # type: ignore[arg-type] # start, end
    )


class Hidden(NamedTuple):
    """Something that two may not see; ``home`` is where two meets it, None for nowhere."""

    by: str
    kind: str
    name: str
    home: int | None
    dx: int
    size_m: int
    contact: bool


class Step(NamedTuple):
    """What happens; for what is hidden, in each world."""

    act: str
    place: int
    target: int
    one: Hidden | None = None
    other: Hidden | None = None


MET = ("notice", "presence", "zone", "plan")
"""Kinds of one gravity: where two meets one of them, R-02 lets it learn no more than that."""

UNMET = (
    *MET, "report", "objection", "acknowledgement", "request", "decision", "again", "end",
    "later", "later", "later", "warned", "unit", "track",
)  # fmt: skip
"""What else may be said in secret; ``later`` of a zone that two was shown before."""

OLD = {"again", "end", "later", "warned", "unit"}  # Of what may be there already.

names = st.sampled_from(["A", "B", "secret", "own"])
hidden_away = st.builds(
    Hidden,
    by=st.sampled_from(["one", "three"]),
    kind=st.sampled_from(UNMET),
    name=names,
    home=st.none(),
    dx=st.integers(0, 9),
    size_m=st.integers(0, 5_000),
    contact=st.booleans(),
)


@st.composite
def pairs(draw: st.DrawFn) -> tuple[Hidden, Hidden]:
    """Two things that two cannot tell apart: anything away, or what it meets alike."""
    if draw(st.booleans()):
        return draw(hidden_away), draw(hidden_away)
    by, home = draw(st.sampled_from(["one", "three"])), draw(st.integers(0, HOME - 1))
    contact = draw(st.booleans())
    one, other = (
        Hidden(
            by=by,
            kind=draw(st.sampled_from(MET)),
            name=draw(names),
            home=home,
            dx=draw(st.integers(-9, 9)),
            size_m=draw(st.integers(0, 500)),
            contact=contact,
        )
        for _ in range(2)
    )
    return one, other


DOES = (
    "ask", "ask wide", "ask as another", "commit", "file", "file",
    "utm file", "utm query", "utm get",
    "uss details", "uss constraint", "uss notify", "utm subscribe", "utm told",
    "list", "list", "list", "get", "history", "account", "terms",
    "events", "events there", "silence",
    "layer", "tile", "tile then", "item", "export",
    "notice", "same name", "report", "object", "acknowledge", "request",
    "decide", "answer", "replace", "end", "sign", "subscribe", "unsubscribe",
    "call", "lines", "step", "cap", "cot", "cot", "unit",
)  # fmt: skip
SHOWS = (
    "shown", "gridded", "shown", "gridded", "zoned", "zoned anew", "warned",
    "moving", "moving", "gone", "ship",
)  # fmt: skip


@st.composite
def scripts(draw: st.DrawFn, *, alike: bool) -> list[Step]:
    """What happens in both worlds; ``alike`` keeps their numbers of entries the same."""
    out, anew = [], True
    for _ in range(draw(st.integers(8, 30))):
        place, target = draw(st.integers(0, HOME - 1)), draw(st.integers(0, 11))
        match draw(st.integers(0, 5)):
            case 0:
                one, other = draw(pairs())
                anew = anew and OLD.isdisjoint((one.kind, other.kind))
                if not alike and one.home is None and draw(st.integers(0, 3)):
                    # Only one of the worlds has it.
                    if draw(st.integers(0, 7)) == 0:
                        # A call is as many entries as parties are called.
                        one = one._replace(kind="incident")
                    one, other = draw(st.sampled_from([(one, None), (None, other)]))  # type: ignore[assignment]
                out.append(Step("hide", place, target, one, other))
            case 1 | 2:
                out.append(Step(draw(st.sampled_from(SHOWS)), place, target))
            case _:
                does = draw(st.sampled_from(DOES))
                if does == "sign" and not (alike and anew):
                    # Whoever signs chooses an id, and learns whether it is taken: by chance
                    # never, and for whoever was told an id that is what is left to learn.
                    does = "get"
                out.append(Step(does, place, target))
    # What has come together by then.
    return [*out, *(Step(does, 0, draw(st.integers(0, 11))) for does in ("cap", "cot"))]


class Secrets:
    """What the others hide from two in one world."""

    def __init__(self, town: Theatre, tablets: Tablets) -> None:
        self.town = town
        self.tablets = tablets
        self.kept: list[tuple[Hidden, Value, Receipt]] = []
        self.taken_back: list[tuple[Zone, Receipt]] = []

    async def hide(self, hidden: Hidden, number: int) -> Receipt:
        """Say something that is not for two: one entry, whatever it is."""
        if hidden.kind in {"again", "end"}:
            place = next((n for n, one in enumerate(self.kept) if one[0].home is None), None)
            if place is not None:
                return await self.change(place, over=hidden.kind == "end")
        if hidden.kind == "later" and self.taken_back:
            return await self.go_on(hidden)
        if hidden.kind == "warned":
            return await warn(self.town, warned(hidden.by, number, None))
        if hidden.kind == "unit":
            at = place_at(AWAY_DEG + hidden.dx, hidden.size_m)
            await self.tablets.report("three", f"hidden {number}", at)
            return place_of(drawn_id(f"hidden {number}"), "0" * 64)
        if hidden.kind == "track":
            # Beside a notice, for nothing of it is on record. What nears its own, two is told.
            at = place_at((AWAY_DEG, ZONED_DEG)[hidden.size_m % 2] + hidden.dx, hidden.size_m)
            self.tablets.see(hidden.by, f"hidden {number}", at, shown=False)
        value = self.value(hidden, number)
        if isinstance(value, Incident):
            # Where nobody else is near, all are called.
            other = "three" if hidden.by == "one" else "one"
            near = self.value(hidden._replace(kind="notice", by=other), number)
            await self.town.say(other, near)
        receipt = await self.town.say(hidden.by, value, key=self.all_tokens())
        self.kept.append((hidden, value, receipt))
        return receipt

    async def change(self, place: int, *, over: bool) -> Receipt:
        """Something that two does not meet changes, or ends."""
        hidden, value, receipt = self.kept.pop(place)
        ends = Notice | Zone | Presence | Plan | Report
        if isinstance(value, Report) or (over and isinstance(value, ends)):
            return await self.town.end(hidden.by, receipt)
        receipt = await self.town.say(hidden.by, value, replacing=receipt, key=self.all_tokens())
        self.kept.append((hidden, value, receipt))
        return receipt

    async def go_on(self, hidden: Hidden) -> Receipt:
        """Another version of a zone of which two was shown one, and is shown no more."""
        zone, receipt = self.taken_back.pop()
        value = msgspec.structs.replace(zone, name=hidden.name, standoff_mm=hidden.size_m)
        receipt = await self.town.say("one", value, replacing=receipt)
        self.taken_back.append((value, receipt))
        return receipt

    def all_tokens(self) -> list[str]:
        """Whoever files in secret is aware of everything."""
        with self.town.engine.store.reading() as record:
            objects = list(record.objects())
        return [token(one.salt, one.leaf) for one in objects if one.salt is not None]

    def value(self, hidden: Hidden, number: int) -> Value:
        """What is hidden; what would be about another secret, where there is none, a notice."""
        away = hidden.home is None
        longitude = AWAY_DEG + hidden.dx if away else (hidden.home or 0) + hidden.dx / 1_000
        other = "three" if hidden.by == "one" else "one"
        common: dict[str, Any] = {
            "source_id": f"{hidden.name} {number}",
            "party": hidden.by,
            "volumes": (circle(longitude, hidden.size_m),),
            "release": Release(
                members=Grade.CONTACT if hidden.contact else None, parties={other: Grade.FULL}
            ),
        }
        match hidden.kind:
            case "presence":
                return Presence(**common, name=hidden.name)
            case "zone":
                return Zone(**common, name=hidden.name, rule=ZoneRule.NO_ACTIVITY)
            case "plan":
                return Plan(**common, state=PlanState.ACCEPTED)
            case "incident":
                said = {one: common[one] for one in ("source_id", "party", "volumes")}
                return Incident(**said, code=Code.STOP_HITTING_US, words=hidden.name)
            case "report":
                return Report(**common, title=hidden.name, text="x")
            case _:
                return self.about(hidden, common) or self.notice(hidden, common)

    def notice(self, hidden: Hidden, common: dict[str, Any]) -> Notice:
        due = self.town.now - timedelta(days=1) if hidden.size_m % 2 else None
        category = "school" if hidden.dx % 2 else "medical"
        return Notice(**common, name=hidden.name, category=category, review_due=due)

    def about(self, hidden: Hidden, common: dict[str, Any]) -> Value | None:
        """Something said of what the other of the two hid, if there is anything."""
        found = next((one for one in self.kept if one[0].by != hidden.by), None)
        if found is None or not isinstance(found[1], Notice | Zone | Presence | Plan):
            return None
        said = {"source_id": common["source_id"], "party": hidden.by}
        match hidden.kind:
            case "objection":
                return Objection(**said, object=found[2].object_id, text=hidden.name)
            case "acknowledgement":
                return Acknowledgement(**said, entry=found[2].leaf, level=Level.RECEIVED)
            case "request":
                return ReleaseRequest(**said, object=found[2].object_id, to=hidden.by)
            case _:
                return None


class World:
    """One of the two worlds, played step by step."""

    zoned: tuple[Zone, Receipt] | None = None
    """What of zones two was shown last."""

    def __init__(self, town: Theatre, side: str) -> None:
        self.town = town
        self.side = side
        self.leaves: dict[str, str] = {}
        self.heard: list[str] = []
        self.two = Two(town, self.leaves)
        self.tablets = self.two.tablets
        self.secrets = Secrets(town, self.tablets)

    async def play(self, script: list[Step]) -> list[str]:
        """Everything that two was answered."""
        two = self.two
        await two.tail.start()
        # One zone is taken back before anything: what becomes of it is secret from the first step.
        await self.show(Step("zoned", 0, 0), -2)
        await self.show(Step("zoned anew", 0, 2), -1)
        for number, step in enumerate(script):
            if step.act == "hide":
                await self.hide(step, number)
                two.guesses.append(drawn_id(f"hidden {number}"))
                two.names.append(f"secret {number}")
                continue
            self.town.now += timedelta(seconds=1)
            if step.act in SHOWS:
                shown = await self.show(step, number)
                two.shown += [] if shown is None else [shown]
            else:
                two.number = number
                with ids_of(f"own {number}"):
                    self.heard.append(await two.hear(step))
        two.reading.close()
        two.layers.close()
        await two.telling.stop()
        return self.heard

    async def hide(self, step: Step, number: int) -> None:
        hidden = step.one if self.side == "one" else step.other
        if hidden is not None:
            with ids_of(f"hidden {number}"):
                receipt = await self.secrets.hide(hidden, number)
            self.leaves[receipt.object_id] = receipt.leaf

    async def show(self, step: Step, number: int) -> Receipt | None:
        """One of the others lets two see something, or no more of it."""
        with ids_of(f"shown {number}"):
            match step.act:
                case "moving" | "gone" | "ship":
                    await self.move(step, number)
                    return None
                case "zoned":
                    return await self.zone(step, number)
                case "zoned anew":
                    return await self.zone_anew(step, number)
                case "warned":
                    return await warn(self.town, warned("two", number, self.zoned))
                case _:
                    return await self.town.say("one", self.notice(step, number))

    async def move(self, step: Step, number: int) -> None:
        """A unit or ship of party one, near zones that two was shown, and is shown no more.

        Not near what else is hidden: of an entry whose contact two may have, that somebody
        nears it is told (detente.node.alerted).
        """
        place = place_at(ZONED_DEG + step.place, 500 * step.target)
        uid = f"unit {step.place}"
        if step.act == "moving":
            await self.tablets.report("one", uid, place)
        elif step.act == "ship":
            self.tablets.see("one", f"ship {number}", place, shown=True)
        else:
            with suppress(NotPermitted):  # There is none.
                await self.tablets.over("one", uid)

    def notice(self, step: Step, number: int) -> Notice:
        return Notice(
            source_id=f"shown {number}",
            name=f"Shown {number}",
            category="medical",
            volumes=(circle(step.place, 100 * (step.target + 1)),),
            review_due=self.town.now - timedelta(days=1) if step.target % 2 else None,
            release=Release(members=Grade.FULL if step.act == "shown" else Grade.AREA),
        )

    async def zone(self, step: Step, number: int) -> Receipt:
        zone = Zone(
            source_id=f"zoned {number}",
            name=f"Zone {number}",
            rule=ZoneRule.NO_ACTIVITY,
            volumes=(circle(ZONED_DEG + step.place, 1_000 * (step.target + 1)),),
            release=GRADES[step.target % 2],
        )
        receipt = await self.town.say("one", zone)
        self.zoned = zone, receipt
        return receipt

    async def zone_anew(self, step: Step, number: int) -> Receipt:
        """The last zone, shown otherwise, or no more, or over."""
        if self.zoned is None:
            return await self.zone(step, number)
        zone, before = self.zoned
        if step.target == 0:
            self.zoned = None
            return await self.town.end("one", before)
        release = GRADES[step.target % len(GRADES)]
        value = msgspec.structs.replace(zone, name=f"Anew {number}", release=release)
        receipt = await self.town.say("one", value, replacing=before)
        if release is None:
            self.zoned = None
            self.secrets.taken_back.append((value, receipt))
        else:
            self.zoned = value, receipt
        return receipt


GRADES = (Release(members=Grade.FULL), Release(members=Grade.AREA), None)


def warned(to: str, number: int, near: tuple[Zone, Receipt] | None) -> Warned:
    """What the watch tells one party: of a zone that it is shown, or only whom to call."""
    entry = EntryTold(party="one")
    if near is not None:
        zone, receipt = near
        entry = EntryTold(
            party="one", object=receipt.object_id, sequence=receipt.sequence, grade=Grade.FULL,
            kind="zone", name=zone.name,
        )  # fmt: skip
    return Warned(
        source_id=f"warned {number}",
        to=to,
        level=Gravity.WARNING,
        begun=NOW,
        track=TrackTold(party="one", feed="roof", track="ship", kind="ship"),
        entry=entry,
        distance_mm=number,
    )


class Warn:
    """Puts a warning on the record, as the node's own watch does."""

    principal = THE_NODE

    def __init__(self, value: Warned) -> None:
        self._value = value
        self._object_id = secrets.token_hex(16)
        self.touches = Touches(
            objects=(self._object_id,), names=((EntryKind.ALERT, NODE, value.source_id),)
        )

    def decide(self, _: Moment) -> Decision[Receipt]:
        """One entry of the node's."""
        said = Said(value=self._value, object_id=self._object_id, version=1, of_node=True)
        return Decision(says=[said], answer=lambda receipts: receipts[0])


async def warn(town: Theatre, value: Warned) -> Receipt:
    receipt: Receipt = await town.engine.act(Warn(value))
    return receipt


class Two:
    """The party that would like to know."""

    def __init__(self, town: Theatre, leaves: dict[str, str]) -> None:
        self.town = town
        self.reading = Reading(town.engine)
        self.layers = Layers(town.engine)
        self.frames = Frames(town.engine)
        self.telling = Telling(town.engine, town.keyring, Allowed(), tls=TLS)
        self.tail = self.telling.tail
        self.events = self.telling.events
        self.alerts = Alerts(self.telling)
        self.tablets = Tablets(town.engine, self.layers, self.reading, TWO)
        self.number = 0
        self.wishes: list[str] = []
        self.utm_wishes: list[str] = []
        self.shown: list[Receipt] = []
        self.own: list[Receipt] = []
        self.guesses: list[str] = []
        self.names: list[str] = ["secret"]
        self.tokens: list[str] = []
        self._leaves = leaves

    async def hear(self, step: Step) -> str:
        """Do something, and write down what is answered."""
        do: Callable[[Step], Awaitable[object]] = getattr(self, "do_" + step.act.replace(" ", "_"))
        try:
            answer = await do(step)
        except DetenteError as error:
            told: dict[str, object] = {"code": error.code, "text": str(error)}
            for part in ("missing", "intents", "constraints"):
                found = getattr(error, part, ())
                self.tokens += [getattr(one, "token", None) or one.ovn for one in found]
                # In the order of their tokens, which are drawn by chance.
                texts = sorted((written(unlinked(one)) for one in found), key=uncounted)
                told[part] = [msgspec.Raw(text.encode()) for text in texts]
            return written({"step": step.act, "refused": told})
        return written({"step": step.act, "answer": answer})

    def target(self, number: int) -> Receipt:
        """What two names: something shown, its own, hidden in one of the worlds, or nothing."""
        guessed = [place_of(one, self._leaves.get(one, "0" * 64)) for one in self.guesses]
        kinds = [self.shown, self.own, guessed, []]
        receipts = kinds[number % 4]
        return receipts[number // 4 % len(receipts)] if receipts else place_of("0" * 32, "0" * 64)

    def guessed_name(self, step: Step) -> str:
        return self.names[step.target % len(self.names)]

    @property
    def name(self) -> str:
        return f"own {self.number}"

    @property
    def said(self) -> dict[str, Any]:
        return {"source_id": self.name, "party": "two"}

    async def say(self, value: Value, **given: Any) -> Receipt:
        receipt = await self.town.say("two", value, **given)
        self.own.append(receipt)
        return receipt

    def notice_at(self, place: int, name: str | None = None) -> Notice:
        return Notice(
            source_id=name or self.name,
            name=self.name,
            category="medical",
            party="two",
            volumes=(circle(place, 50),),
        )

    async def do_ask(self, step: Step) -> object:
        plan = Plan(source_id=self.name, volumes=(circle(step.place, 2_000),))
        return await self.town.ask("two", plan)

    async def do_ask_wide(self, _: Step) -> object:
        plans = [Plan(source_id=self.name, volumes=(circle(n, 10),)) for n in range(HOME)]
        return await self.town.ask("two", *plans, separation_mm=3_000_000)

    async def do_ask_as_another(self, step: Step) -> object:
        """Under the name that another party may have given to a plan."""
        volumes = (circle(step.place, 2_000),)
        plan = Plan(source_id=self.guessed_name(step), party="one", volumes=volumes)
        return await self.town.ask("two", plan)

    async def do_call(self, step: Step) -> object:
        """On the hotline, where hidden things are or are not; and what it is told of it."""
        incident = Incident(
            source_id=self.name,
            party="two",
            code=Code.STOP_HITTING_US,
            volumes=(circle(step.place, 50),),
        )
        receipt = await self.say(incident)
        return [receipt, await self.reading.line(TWO, receipt.object_id)]

    async def do_lines(self, step: Step) -> object:
        guessed = self.target(step.target).object_id
        page = await self.reading.lines(TWO, AskedLines())
        try:
            return [page, await self.reading.line(TWO, guessed)]
        except DetenteError as error:
            return [page, str(error)]

    async def do_step(self, step: Step) -> object:
        target = self.target(step.target).object_id
        return await self.say(IncidentStep(**self.said, incident=target, act=Act.STATED))

    async def do_cap(self, step: Step) -> object:
        """The feed of alerts in pages, each alert signed, and what it guesses: to the byte."""
        told: list[str] = []
        named: list[tuple[str, int]] = []
        after: int | None = START
        while after is not None:
            page = await self.alerts.page(TWO, after=after, limit=1)
            told.append(feed_of(page, HEAD, 1).decode())
            named += [(one.event.object, one.event.version) for one in page.alerts]
            after = page.after
        guessed = self.target(step.target).object_id
        for object_id, version in (*named, (guessed, 1), (guessed, 2)):
            try:
                page = await self.alerts.one(TWO, object_id, version)
            except DetenteError as error:
                told.append(str(error))
            else:
                told.append(alert_of(page, HEAD, certificate()).decode())
        return told

    async def do_cot(self, _: Step) -> object:
        """What its tablets are sent, to the byte."""
        return await self.tablets.look()

    async def do_unit(self, step: Step) -> object:
        """A unit of its own, away from all, for it is told whom it nears."""
        place = place_at(ZONED_DEG / 2, 500 * step.target)
        await self.tablets.report("two", f"own {step.place}", place)
        return None

    async def do_commit(self, step: Step) -> object:
        """What it was told, as the node commits to it, to the byte."""
        plan = Plan(source_id=self.name, party="two", volumes=(circle(step.place, 2_000),))
        [verdict] = await self.town.ask("two", plan)
        question = Question(party="two", plan=plan)
        made: Committed = await self.town.engine.act(Commit(desk_of("two"), question, verdict))
        return [verdict, made.receipt, msgspec.Raw(made.content.data)]

    async def do_file(self, step: Step) -> object:
        volumes = (circle(step.place, 2_000),)
        plan = Plan(source_id=self.name, volumes=volumes, state=PlanState.ACCEPTED)
        return await self.say(plan, key=self.tokens)

    async def do_utm_file(self, step: Step) -> object:
        begins = self.town.now + timedelta(hours=1)
        volume = circle(step.place, 2_000, start=begins, end=begins + timedelta(hours=1))
        asked = IntentAsked(
            id=id_of_object(drawn_id(f"intent {self.number}")),
            ovn=None,
            state=PlanState.ACCEPTED,
            volumes=(msgspec.structs.replace(volume, lower_mm=0, upper_mm=100_000),),
            base_url="https://two.example",
            key=frozenset(self.tokens),
        )
        return await self.town.engine.act(
            put_intent(TWO, asked, UTM, self.town.engine.world.airspace)
        )

    async def do_utm_query(self, step: Step) -> object:
        asked = (circle(step.place, 2_000),)
        act = self.town.engine.act
        return [
            await act(query_intents(TWO, asked, UTM)),
            await act(query_constraints(TWO, asked, UTM)),
        ]

    async def do_utm_get(self, step: Step) -> object:
        name = id_of_object(self.target(step.target).object_id)
        return await self.town.engine.act(get_intent(TWO, name, UTM))

    async def do_uss_details(self, step: Step) -> object:
        name = id_of_object(self.target(step.target).object_id)
        told: Told = await self.town.engine.act(get_intent_details(TWO, name, UTM))
        await disclose(self.town.engine, TWO, (told.view,))
        return told

    async def do_uss_constraint(self, step: Step) -> object:
        name = id_of_object(self.target(step.target).object_id)
        told: Told = await self.town.engine.act(get_constraint_details(TWO, name, UTM))
        await disclose(self.town.engine, TWO, (told.view,))
        return told

    async def do_uss_notify(self, step: Step) -> object:
        """As if it managed what another party may have filed in secret."""
        name = id_of_object(self.target(step.target).object_id)
        entity = {"reference": {"manager": "two", "version": self.number}}
        text = msgspec.json.encode({"operational_intent": entity}).decode()
        return await self.town.engine.act(hear(TWO, INTENT, name, text))

    async def do_utm_subscribe(self, step: Step) -> object:
        """To all of a place, for a day: what is told of it is numbered."""
        asked = SubscriptionAsked(
            id=id_of_object(drawn_id(f"wish {self.number}")),
            version=None,
            area=circle(step.place, 20_000),
            base_url="https://two.example",
            plans=True,
            zones=True,
        )
        self.utm_wishes.append(asked.id)
        airspace = self.town.engine.world.airspace
        return await self.town.engine.act(put_subscription(TWO, asked, UTM, airspace))

    async def do_utm_told(self, _: Step) -> object:
        act = self.town.engine.act
        return [await act(get_subscription(TWO, one, UTM)) for one in self.utm_wishes]

    async def do_list(self, step: Step) -> object:
        wanted = (Wanted(), Wanted(party="one"), Wanted(kinds=frozenset({EntryKind.NOTICE})))
        page = await self.reading.search(TWO, wanted[step.target % len(wanted)])
        await disclose(self.town.engine, TWO, page.objects)
        return page

    async def do_layer(self, step: Step) -> object:
        """A page of features, to the byte."""
        asked = asked_of(({}, {"bbox": "-1,-1,0.5,1"}, {"limit": "1"})[step.target % 3], NOTICES)
        page = await self.layers.look(TWO, lambda sight: features_of(sight, asked))
        await disclose(self.town.engine, TWO, page.views)
        return [[msgspec.Raw(one) for one in page.features], {"after": page.after}]

    async def do_tile(self, step: Step) -> object:
        """A tile, to the byte: of the world, of a place, or crowded so that it counts."""
        where = (Tile(0, 0, 0), Tile(8, 127, 128), Tile(3, 4, 4))[step.target % 3]
        most = 0 if step.target % 2 else SINGLE_MAX
        with mock.patch("detente.node.clusters.SINGLE_MAX", most):
            sight = await self.layers.look(TWO, lambda sight: look(sight, where, EVERY_KIND))
        await disclose_tile(self.town.engine, TWO, sight.shown)
        return written_tile(where, sight).hex(" ")

    async def do_tile_then(self, step: Step) -> object:
        """A tile as two had been shown it a while ago, and of what is there at a time."""
        ago = self.town.now - timedelta(seconds=step.target)
        at = (None, ago, self.town.now + timedelta(hours=1))[step.target % 3]
        see = seeing(self.frames, as_of=ago if step.target % 2 else None, at=at)
        where = Tile(0, 0, 0)
        sight = await self.layers.look(TWO, lambda sight: look(sight, where, EVERY_KIND), see)
        await disclose_tile(self.town.engine, TWO, sight.shown)
        return written_tile(where, sight).hex(" ")

    async def do_export(self, step: Step) -> object:
        """A file to take away, to the byte, and what a pack holds."""
        name = ("geojson", "csv", "kml", "ed318", "aco")[step.target % 5]
        engine, wanted = self.town.engine, wanted_of(bbox=(None, "-1,-1,0.5,1")[step.place % 2])
        data = await export(engine, self.layers, TWO, wanted, FORMS[name].write)
        packed = await export(engine, self.layers, TWO, wanted, pack_of(PACK_KEY), how="pack")
        return data.decode(), read_pack(packed, {key_id(PACK_PUBLIC): PACK_PUBLIC})

    async def do_item(self, step: Step) -> object:
        name = self.target(step.target).object_id
        item = await self.layers.look(TWO, lambda sight: sight.one(NOTICES, name))
        await disclose(self.town.engine, TWO, [item.view])
        return msgspec.Raw(feature(item, CRS84))

    async def do_get(self, step: Step) -> object:
        view = await self.reading.object(TWO, self.target(step.target).object_id)
        await disclose(self.town.engine, TWO, (view,))
        return view

    async def do_history(self, step: Step) -> object:
        return await self.reading.history(TWO, self.target(step.target).object_id)

    async def do_account(self, step: Step) -> object:
        return await self.reading.account(TWO, self.target(step.target).object_id)

    async def do_terms(self, _: Step) -> object:
        return [await self.reading.agreement(TWO), await self.reading.parties(TWO)]

    async def do_subscribe(self, step: Step) -> object:
        value = Subscription(**self.said, volumes=(circle(step.place, 50_000),))
        command = Subscribe(TWO, value, Allowed())
        self.own.append(await self.town.engine.act(command))
        self.wishes.append(self.own[-1].object_id)
        return self.own[-1]

    async def do_unsubscribe(self, step: Step) -> object:
        return await self.town.engine.act(Unsubscribe(TWO, self.target(step.target).object_id))

    async def do_events(self, step: Step) -> object:
        known = [-1, *(one.sequence for one in (*self.shown, *self.own))]
        return await self.told(None, after=known[step.target % len(known)])

    async def do_events_there(self, step: Step) -> object:
        if not self.wishes:
            return None
        await self.tail.follow(self.town.engine.world.shown.sequence)
        name = self.wishes[step.target % len(self.wishes)]
        return await self.told(self.tail.subscriptions.get(name), after=-1)

    async def told(self, wish: Wish | None, *, after: int) -> object:
        page = await self.events.read("two", after=after, wish=wish)
        shown = shown_by("two", page.events)
        await disclosures_of(self.town.engine).record("two", shown, "poll")
        return page

    async def do_silence(self, _: Step) -> object:
        engine = self.town.engine
        reader = reader_of(engine.world.shown, "two", self.town.now)
        with engine.store.reading() as record:
            page = silences(record, reader, Silent(of="two"))
        return page.silences

    async def do_notice(self, step: Step) -> object:
        return await self.say(self.notice_at(step.place))

    async def do_same_name(self, step: Step) -> object:
        """A name that another party may have given to something in secret."""
        return await self.say(self.notice_at(step.place, self.guessed_name(step)))

    async def do_report(self, step: Step) -> object:
        refers = (self.target(step.target).object_id,)
        release = Release(parties={"three": Grade.FULL})
        return await self.say(
            Report(**self.said, title="T", text="x", refers=refers, release=release)
        )

    async def do_object(self, step: Step) -> object:
        target = self.target(step.target).object_id
        return await self.say(Objection(**self.said, object=target, text="no"))

    async def do_acknowledge(self, step: Step) -> object:
        leaf = self.target(step.target).leaf
        return await self.say(Acknowledgement(**self.said, entry=leaf, level=Level.RECEIVED))

    async def do_request(self, step: Step) -> object:
        target = self.target(step.target).object_id
        return await self.say(ReleaseRequest(**self.said, object=target, to="three"))

    async def do_decide(self, step: Step) -> object:
        target = self.target(step.target).object_id
        return await self.say(ReleaseDecision(**self.said, request=target, granted=True))

    async def do_answer(self, step: Step) -> object:
        target = self.target(step.target).object_id
        return await self.say(Answer(**self.said, objection=target, text="so"))

    async def do_replace(self, step: Step) -> object:
        return await self.say(self.notice_at(step.place), replacing=self.target(step.target))

    async def do_end(self, step: Step) -> object:
        return await self.town.end("two", self.target(step.target))

    async def do_sign(self, step: Step) -> object:
        """An entry of its own, whose object it names by itself."""
        with self.town.engine.store.reading() as record:
            author = Author.following(record, "two", self.town.keyring.load("two"))
        prepared = author.prepare(
            self.notice_at(step.place),
            now=self.town.now,
            place=(self.target(step.target).object_id, 1 + step.place % 2),
        )
        entry = msgspec.structs.replace(prepared, made_here=False)
        return await self.town.engine.act(Submit(desk_of("two"), entry))


def place_of(object_id: str, leaf: str) -> Receipt:
    """What two pretends to know of an object that it names."""
    return Receipt(
        sequence=0, leaf=leaf, object_id=object_id, version=1, size=0, root="", token="t" * 43
    )


def place_at(lon_deg: float, north_m: int) -> tuple[int, int]:
    """Some metres north of the equator."""
    return round(lon_deg * 1e7), north_m * 90


def drawn_id(label: str, number: int = 0) -> str:
    return sha256(f"{label} {number}".encode()).hexdigest()[:32]


@contextmanager
def ids_of(label: str) -> Iterator[None]:
    """Let new objects get ids that are the same in both worlds; salts stay drawn by chance."""
    numbers, draw = count(), Author.draw

    def drawn(author: Author, size: int) -> bytes:
        if size != ID_BYTES:
            return draw(author, size)
        return bytes.fromhex(drawn_id(label, next(numbers)))

    token_hex = mock.Mock(side_effect=lambda size: drawn_id(label, next(numbers))[: 2 * size])
    with (
        mock.patch.object(Author, "draw", drawn),
        mock.patch.object(secrets, "token_hex", token_hex),
    ):
        yield


ID_BYTES = 16
TLS = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
"""Nothing is posted here: whom the machine believes need not be read for each world."""

HEAD = Letterhead(url="https://node.example", status="Exercise")
PACK_KEY = SigningKey(bytes(32))
PACK_PUBLIC = bytes(PACK_KEY.verify_key)

HASH = re.compile(r"\b[0-9a-f]{64}\b")
TOKEN = re.compile(r"(?<![\w-])[\w-]{43}(?![\w-])")
HASHES = re.compile(r'"<hash>"(,"<hash>")+')
COUNTED = re.compile(r'"(sequence|size|after|next)":-?\d+')
LINKED = re.compile(r"\?after=\d+")


def written(answer: object) -> str:
    """An answer as it would go out, but for hashes and what follows from them."""
    text = msgspec.json.encode(answer, order="sorted").decode()
    return TOKEN.sub("<token>", HASH.sub("<hash>", text))


@cache
def certificate() -> Certificate:
    """The node's in both worlds, as it keeps the same."""
    with tempfile.TemporaryDirectory() as folder:
        return own_certificate(Path(folder), "test", NOW)


def unlinked(missing: Any) -> Any:
    """What a key lacks, without the id that F3548's door makes of the token of what is withheld."""
    token = getattr(missing, "ovn", "")
    made = str(UUID(bytes=sha256(token.encode()).digest()[:16], version=4))
    is_made = getattr(missing, "id", None) == made
    return msgspec.structs.replace(missing, id="made of the token") if is_made else missing


def uncounted(text: str) -> str:
    """An answer without what counts the entries of the public record."""
    # As many hashes as the tree is deep.
    return LINKED.sub("?after=0", HASHES.sub('"<hash>"', COUNTED.sub(r'"\1":0', text)))


def heard_in_both(script: list[Step], budget: int) -> tuple[list[str], list[str]]:
    async def story(side: str) -> list[str]:
        terms = msgspec.structs.replace(TERMS, budget_km2_day=budget)
        with Theatre(terms) as town:
            return await World(town, side).play(script)

    return run(story("one")), run(story("other"))


budgets = st.sampled_from([10_000, 100])
SETTINGS = settings(max_examples=60, suppress_health_check=[HealthCheck.too_slow])


@given(script=scripts(alike=True), budget=budgets)
@SETTINGS
def test_worlds_with_as_many_entries_answer_alike(script: list[Step], budget: int) -> None:
    one, other = heard_in_both(script, budget)
    assert one == other


@given(script=scripts(alike=False), budget=budgets)
@SETTINGS
def test_worlds_with_more_or_fewer_entries_answer_alike_but_for_their_count(
    script: list[Step], budget: int
) -> None:
    one, other = heard_in_both(script, budget)
    assert [*map(uncounted, one)] == [*map(uncounted, other)]
