"""Parties around one node: a small theatre with a clock of its own, cheap to make many times."""

import shutil
import tempfile
from collections.abc import Sequence
from datetime import datetime, timedelta
from pathlib import Path
from types import TracebackType
from typing import ClassVar, Self

import msgspec

from detente.core.agreement import Agreement
from detente.core.check import Verdict
from detente.core.party import Desk, Party
from detente.core.plan import Plan
from detente.core.wire import Value
from detente.errors import DetenteError
from detente.node.asking import Asked, Asking
from detente.node.audit import audit
from detente.node.engine import Engine
from detente.node.keyring import Keyring
from detente.node.rules import Unaware
from detente.node.submit import Receipt
from detente.node.theatre import admit, found
from detente.node.verbs import End, Place, Speak
from detente.store import Store
from nodes import desk_of
from world import NOW

PARTIES = ("one", "two", "three")
DESK = Desk(id="all", name="The agreement's desk")
TERMS = Agreement(name="test", desk=DESK)


class Theatre:
    """A node at work in a folder of its own, with the parties one, two and three.

    Args:
        terms: The agreement.
        where: A register that is there already; else one is made, and gone afterwards.
    """

    _templates: ClassVar[dict[bytes, Path]] = {}
    _folder: ClassVar = tempfile.TemporaryDirectory(prefix="theatres")

    def __init__(self, terms: Agreement = TERMS, where: Path | None = None) -> None:
        self._made = None if where is not None else tempfile.TemporaryDirectory(prefix="theatre")
        if where is None:
            assert self._made is not None
            where = self._of_template(terms, Path(self._made.name))
        self.where = where
        self.keyring = Keyring(where)
        self.now = NOW + timedelta(hours=1)
        self._store = Store(where)
        self.engine = Engine(self._store, self.keyring.load("node"), clock=lambda: self.now)
        self.asking = Asking(self.engine)

    def __enter__(self) -> Self:
        self.engine.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.engine.stop()
        self.asking.close()
        if error is None:
            # Whatever was done to it, the record holds by its own rules.
            assert audit(self._store).problems == []
        self._store.close()
        if self._made is not None:
            self._made.cleanup()

    def beside(self) -> "Theatre":
        """Another process on the same register, with the same clock."""
        other = Theatre(where=self.where)
        other.now = self.now
        return other

    async def say(
        self,
        party: str,
        value: Value,
        *,
        replacing: Receipt | None = None,
        key: Sequence[str] = (),
    ) -> Receipt:
        """Put a value on the record for a party."""
        place = (
            None
            if replacing is None
            else Place(object_id=replacing.object_id, token=replacing.token)
        )
        command = Speak(desk_of(party), value, place, frozenset(key))
        return await self.engine.act(command)

    async def refused(self, party: str, value: Value, **given: object) -> DetenteError:
        """What a party is told when a value is not taken."""
        try:
            await self.say(party, value, **given)  # type: ignore[arg-type] # as for say
        except DetenteError as error:
            return error
        raise AssertionError("it was taken")

    async def aware(self, party: str, plan: Plan, *, replacing: Receipt | None = None) -> Receipt:
        """File a plan with the tokens that the node names when it is filed without."""
        key: set[str] = set()
        while True:
            try:
                return await self.say(party, plan, replacing=replacing, key=sorted(key))
            except Unaware as error:
                key |= {one.token for one in error.missing}

    async def end(self, party: str, receipt: Receipt) -> Receipt:
        """End a party's object."""
        place = Place(object_id=receipt.object_id, token=receipt.token)
        return await self.engine.act(End(desk_of(party), place))

    async def ask(self, party: str, *plans: Plan, separation_mm: int = 0) -> list[Verdict]:
        """Check plans for a party."""
        asked = Asked(principal=desk_of(party), plans=plans, separation_mm=separation_mm)
        return await self.asking.check(asked)

    def tomorrow(self) -> None:
        """Let a day pass."""
        self.now += timedelta(days=1)

    @classmethod
    def _of_template(cls, terms: Agreement, folder: Path) -> Path:
        digest = msgspec.json.encode(terms, order="sorted")
        if digest not in cls._templates:
            home = Path(cls._folder.name) / str(len(cls._templates))
            home.mkdir()
            _begin(home / "test.db", terms, NOW)
            cls._templates[digest] = home
        target = folder / "home"
        shutil.copytree(cls._templates[digest], target)
        return target / "test.db"


def _begin(where: Path, terms: Agreement, now: datetime) -> None:
    found(where, theatre="test", agreement=terms, now=now)
    store = Store(where)
    for party in PARTIES:
        desk = Desk(id=f"desk-{party}", name=f"Desk of {party}")
        admit(store, Keyring(where), Party(id=party, name=party.title(), desks=(desk,)), now=now)
    store.close()
