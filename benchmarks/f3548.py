"""What F3548's door itself costs a request, without HTTP, signatures and the database.

``python benchmarks/f3548.py`` prints processor time a creation, microseconds: from
the request's bytes to the command, its decision, folding what it says, the answer's
bytes. Intents lie apart, or all in one cell with keys that grow to their number.
"""

import time
from collections import defaultdict
from datetime import UTC, datetime, timedelta
from secrets import token_hex, token_urlsafe
from types import SimpleNamespace
from typing import Any
from uuid import uuid4

import msgspec

from detente.core.agreement import Agreement
from detente.core.principal import Method, Principal, Scope
from detente.doors.astm import answers, requests
from detente.node.f3548.airspace import Airspace
from detente.node.f3548.intents import put_intent
from detente.node.f3548.terms import Terms
from detente.node.submit import Receipt

URL = "https://uss.example"
ASKER = Principal(party="uss", method=Method.TOKEN, subject="uss", scopes=frozenset(Scope))


def creations(count: int, *, apart: bool, implicit: bool) -> dict[str, float]:
    """Microseconds a creation, by step."""
    airspace = Airspace()
    airspace.begin({})
    world = SimpleNamespace(
        airspace=airspace, agreement=Agreement(name="b"), objections={}, answered=set()
    )
    moment: Any = SimpleNamespace(
        world=world,
        now=datetime.now(UTC),
        protected_meetings=lambda _: [],
        budget=SimpleNamespace(spent=lambda _: False),
    )
    spent: defaultdict[str, float] = defaultdict(float)
    key: list[str] = []
    for number in range(count):
        lat, lng = (40 + number // 200 * 0.05, number % 200 * 0.05) if apart else (47.0, 8.0)
        body = msgspec.json.encode(_body(lat, lng, key, implicit=implicit))
        began = time.thread_time()
        asked = requests.intent_asked(str(uuid4()), None, body)
        command = put_intent(ASKER, asked, Terms(), airspace)
        read = time.thread_time()
        decision = command.decide(moment)
        decided = time.thread_time()
        receipts = []
        for said in decision.says:
            receipts.append(_receipt())
            airspace.fold(receipts[-1].object_id, 1, said.value, receipts[-1].token)
        folded = time.thread_time()
        changed = decision.answer(receipts)
        answers.intent_changed(changed)
        spent["read"] += read - began
        spent["decide"] += decided - read
        spent["fold"] += folded - decided
        spent["answer"] += time.thread_time() - folded
        if not apart:
            key.append(changed.intent.ovn)
    return {step: seconds / count * 1e6 for step, seconds in spent.items()}


def _receipt() -> Receipt:
    return Receipt(
        sequence=0, leaf="", object_id=token_hex(16), version=1, size=1, root="",
        token=token_urlsafe(32),
    )  # fmt: skip


def _body(lat: float, lng: float, key: list[str], *, implicit: bool) -> dict[str, Any]:
    now = datetime.now(UTC)
    circle = {"center": {"lat": lat, "lng": lng}, "radius": {"value": 300, "units": "M"}}
    volume: dict[str, Any] = {"outline_circle": circle}
    for name, metres in (("altitude_lower", 50), ("altitude_upper", 200)):
        volume[name] = {"value": metres, "reference": "W84", "units": "M"}
    extent: dict[str, Any] = {"volume": volume}
    for name, minutes in (("time_start", 5), ("time_end", 65)):
        moment = now + timedelta(minutes=minutes)
        extent[name] = {"value": moment.isoformat(), "format": "RFC3339"}
    body: dict[str, Any] = {
        "extents": [extent],
        "key": key,
        "state": "Accepted",
        "uss_base_url": URL,
    }
    return body | ({"new_subscription": {"uss_base_url": URL}} if implicit else {})


def main() -> None:
    """Print the table."""
    for apart in (True, False):
        for implicit in (False, True):
            found = creations(2_000 if apart else 1_000, apart=apart, implicit=implicit)
            where = "2,000 apart" if apart else "1,000 in one cell"
            which = "with" if implicit else "without"
            steps = ", ".join(f"{step} {us:.0f}" for step, us in found.items())
            print(f"{where}, {which} subscription: {sum(found.values()):.0f} us ({steps})")


if __name__ == "__main__":
    main()
