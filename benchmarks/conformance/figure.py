"""The figure of ``make bench``: how many of all checks each server passes."""

import json
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from conformance import CHECKS, Outcome, Server, run

STARTED = ("detente", "medallion", "opentaxii")


@contextmanager
def server_of(name: str) -> Iterator[Server]:
    """One that is started for this, or one that a file tells of."""
    if name not in STARTED:
        said = json.loads(Path(name).read_text())
        login, collection = said.pop("neither")
        logins = {who: tuple(said.pop(who)) for who in ("login", "reader")}
        yield Server(**said, **logins, neither=(tuple(login), collection))
        return
    from conformance import servers  # noqa: PLC0415 - whoever checks another needs none of ours

    with tempfile.TemporaryDirectory() as folder, getattr(servers, name)(Path(folder)) as server:
        yield server


def report(only: list[str]) -> dict[str, list[Outcome]]:
    """What became of the checks of each server; printed with what failed."""
    found = {}
    for name in only or STARTED:
        with server_of(name) as server:
            began = time.perf_counter()
            found[name] = run(server)
            took_s = time.perf_counter() - began
        failed = [one for one in found[name] if one.failure]
        for check, failure in failed:
            print(f"{check.number:5} {check.level:6} {check.clause}: {check.said}: {failure:.200}")
        levels = Counter(one.check.level for one in failed)
        of_each = ", ".join(f"{number} {level}" for level, number in levels.items())
        print(f"{server.name}: {len(CHECKS) - len(failed)} of {len(CHECKS)} in {took_s:.0f} s"
              f"{of_each and '; failed: '}{of_each}")  # fmt: skip
    return found


def conformance() -> dict[str, object]:
    """Checks of TAXII 2.1 that a node passes, medallion and OpenTAXII beside it."""
    passed = {
        name: sum(not one.failure for one in outcomes) for name, outcomes in report([]).items()
    }
    return {
        "value": passed["detente"],
        "unit": f"of {len(CHECKS)} checks; medallion 3.0.0 passes {passed['medallion']}, "
        f"OpenTAXII 0.9.3 {passed['opentaxii']}",
        "bar": "all",
    }


FIGURES = {"taxii.conformance": conformance}
