"""The figures of the record: entries included and signed, in bulk, witnessed, audited, proven."""

import json
import os
import secrets
import statistics
import subprocess
import sys
import time
from datetime import UTC, datetime

import httpx
from node import DETENTE, NodeBench, at, entry, row
from plot import drawn, panels

from detente import verify as verifier
from detente.core.checkpoint import parse_checkpoint
from detente.core.note import parse_note
from detente.core.notice import Notice
from detente.node.author import Author
from detente.node.submit import appended, submit
from detente.store import Store

BULK = 20_000
BULK_BATCH = 1_000
GROWN = (10_000, 100_000, 1_000_000)
FILL_BATCH = 5_000
WITNESSED = 20
"""Entries, one after another, each of which waits for its cosignature."""

AUDITED = 1_000_000
"""Entries of one party; a hundred belong to those that founded the theatre."""

VERIFIED = 5
"""Runs of one verification, of which the median counts."""

PATIENCE_S = 30

WITNESS = "witness.example.org"


def http(bench: NodeBench) -> dict[str, object]:
    """Signed entries one by one, each answered with its proof under a signed checkpoint."""
    place = bench.folder / "record.http.db"
    keyring, _ = bench.register(place, 0)
    with bench.serving(str(place), keyring) as port:
        return row(bench.signed_entries(port, place, keyring), "at least 1,500, p99 at most 250 ms")


def bulk(bench: NodeBench) -> dict[str, object]:
    """Signed entries in batches, by the way in of a file on this machine."""
    place = bench.folder / "record.bulk.db"
    keyring, _ = bench.register(place, 0)
    store, now = Store(place), datetime.now(UTC)
    with store.reading() as record:
        author = Author.following(record, "p0", keyring.load("p0"))
    written = [author.write(a_notice(number), now=now) for number in range(BULK)]
    began = time.perf_counter()
    for first in range(0, BULK, BULK_BATCH):
        submit(store, written[first : first + BULK_BATCH], now=now)
    taken = time.perf_counter() - began
    store.close()
    return {"value": BULK / taken, "unit": "a second", "bar": "at least 8,000"}


def a_notice(number: int) -> Notice:
    """One of many, each in a place of its own."""
    return Notice(source_id=f"n{number}", name="A place", category="medical", party="p0",
                  volumes=at((number * 100, number * 90)))  # fmt: skip


def growth(bench: NodeBench) -> dict[str, object]:
    """Processor time of an entry in bulk, and its bytes on disk, by entries that stand already."""
    place = bench.folder / "record.growth.db"
    keyring, _ = bench.register(place, 0)
    store, now, rows, number = Store(place), datetime.now(UTC), [], 0
    with store.reading() as record:
        author = Author.following(record, "p0", keyring.load("p0"))
    for standing in GROWN:
        while number < standing:
            some = range(number, min(standing, number + FILL_BATCH))
            made = [
                author.prepare(a_notice(one), now=now, place=(secrets.token_hex(16), 1))
                for one in some
            ]
            with store.appending() as record:
                record.append(appended(one, now=now) for one in made)
            number = some.stop
        written = [author.write(a_notice(number + one), now=now) for one in range(BULK)]
        number += BULK
        before = os.times()
        for first in range(0, BULK, BULK_BATCH):
            submit(store, written[first : first + BULK_BATCH], now=now)
        after = os.times()
        user, system = after.user - before.user, after.system - before.system
        size = sum(one.stat().st_size for one in place.parent.glob(f"{place.name}*"))
        a_us = 1e6 / BULK
        rows.append((standing, (user + system) * a_us, system * a_us, size / number))
    store.close()
    titles = ("an entry, µs", "of it the system, µs", "bytes on disk an entry")
    drawn("record.png", panels("entries before", rows, titles))
    told = ", ".join(f"{row[0]:,}: {row[1]:.0f}" for row in rows)
    return {
        "value": rows[-1][1],
        "unit": f"us of processor time an entry beside {GROWN[-1]:,} ({told}), of it the system "
        f"{rows[-1][2]:.0f}; {rows[-1][3]:,.0f} bytes on disk each",
        "bar": "none set",
    }


def quorum(bench: NodeBench) -> dict[str, object]:
    """From an answered entry to a checkpoint with it that another node cosigned."""
    place, other = bench.folder / "record.quorum.db", bench.folder / "witness.db"
    keyring, _ = bench.register(place, 0)
    theirs, _ = bench.register(other, 0)
    log = f"log {_said('key', '--store', str(place))}\n"
    (bench.folder / "logs.txt").write_text(f"{log}quorum none\n")
    key, _, _ = _said(
        "witness-key", WITNESS, "--store", str(other), "--keys", str(theirs.folder)
    ).partition("\n")
    with bench.serving(
        str(other), theirs, witness_name=WITNESS, witness_logs="logs.txt"
    ) as witness:
        (bench.folder / "policy.txt").write_text(
            f"{log}witness w {key} http://127.0.0.1:{witness}/witness\nquorum w\n"
        )
        with bench.serving(str(place), keyring, witness_policy="policy.txt") as port:
            store = Store(place)
            with store.reading() as record:
                theatre = record.head()[0]
                author = Author.following(record, "p0", keyring.load("p0"))
            store.close()
            url = f"http://127.0.0.1:{port}"
            waits = [_witnessed(url, theatre, author, n) for n in range(WITNESSED)]
    return {
        "value": statistics.median(waits),
        "unit": f"s, at most {max(waits):.2f} of {WITNESSED}",
        "bar": "within 2 s",
    }


def audit(bench: NodeBench) -> dict[str, object]:
    """A log of a million entries in a folder, read from outside with all signatures."""
    place, folder = bench.folder / "record.audit.db", bench.folder / "log"
    keyring, parties = bench.register(place, AUDITED)
    _said("export", str(folder), "--store", str(place), "--keys", str(keyring.folder))
    key = _said("key", "--store", str(place))
    public = bench.folder / "public-keys.txt"
    names = ("node", "one", *parties)
    public.write_text("".join(f"{bytes(keyring.load(n).verify_key).hex()}\n" for n in names))
    began = time.perf_counter()
    done = subprocess.run(
        [DETENTE, "audit", folder, "--key", key, "--public-keys", public, "--full", "--json",
         "--state", bench.folder / "audited.json"],
        check=True, capture_output=True,
    )  # fmt: skip
    taken = time.perf_counter() - began
    found = json.loads(done.stdout)
    if found["signatures"] < AUDITED or found["problems_total"]:
        raise RuntimeError(found)
    return {
        "value": taken,
        "unit": f"s, {found['size']:,} entries, {found['signatures']:,} signatures verified",
        "bar": "at most 60",
    }


def verify(bench: NodeBench) -> dict[str, object]:
    """One evidence file verified, the process' start included; and by the verifier alone."""
    place, file = bench.folder / "record.verify.db", bench.folder / "evidence.html"
    keyring, _ = bench.register(place, 1_000)
    where = ("--store", str(place), "--keys", str(keyring.folder))
    subprocess.run([DETENTE, "evidence", "n7", "-o", file, *where], check=True, capture_output=True)
    whole = _median_s([DETENTE, "verify", file])
    alone = _median_s([sys.executable, verifier.__file__, file])
    return {
        "value": whole,
        "unit": f"s, {file.stat().st_size:,} bytes; verify.py alone {alone:.2f} s",
        "bar": "at most 0.5",
    }


def _median_s(command: list[object]) -> float:
    """Seconds of a whole command that succeeds."""
    taken = []
    for _ in range(VERIFIED):
        began = time.perf_counter()
        subprocess.run(list(map(str, command)), check=True, capture_output=True)
        taken.append(time.perf_counter() - began)
    return statistics.median(taken)


def _witnessed(url: str, theatre: str, author: Author, number: int) -> float:
    """Seconds from the answer to the cosigned checkpoint."""
    body = entry(author, "p0", number, datetime.now(UTC))
    headers = {"content-type": "application/json"}
    size = httpx.post(f"{url}/v1/entries", content=body, headers=headers).json()["size"]
    began = time.perf_counter()
    while time.perf_counter() - began < PATIENCE_S:
        note = parse_note(httpx.get(f"{url}/log/{theatre}/checkpoint").content)
        # Before the first is witnessed, the head is served, signed by the log alone.
        if len(note.signatures) > 1 and parse_checkpoint(note.text).size >= size:
            return time.perf_counter() - began
        time.sleep(0.01)
    raise TimeoutError(note)


def _said(*arguments: str) -> str:
    """What a command of the log says."""
    done = subprocess.run([DETENTE, "log", *arguments], check=True, capture_output=True, text=True)
    return done.stdout.strip()
