"""Verify an evidence file: no node, no network, no database, nothing else of Détente.

    python verify.py FILE [--policy FILE]

Needs Python and PyNaCl (libsodium, for Ed25519). Exit status: 0 if every check holds, 1 if
one does not, 2 if the file is no evidence. It cannot check ML-DSA-44, and says so.

The file is described in docs/evidence.md. Sources: RFC 6962 section 2.1 (hashes); RFC 9162
sections 2.1.3.2 and 2.1.4.2 (proofs); RFC 8032 (Ed25519); RFC 8785 (canonical JSON); DSSE
v1.0.2 (what entries sign); C2SP signed-note, tlog-checkpoint, tlog-cosignature, tlog-policy.
"""

import base64
import json
import sys
from collections import defaultdict
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from itertools import pairwise
from pathlib import Path
from typing import Any

from nacl.exceptions import BadSignatureError
from nacl.signing import VerifyKey

FORMAT = "detente-evidence/1"
OPENS, CLOSES = b'<script type="application/json" id="evidence">', b"</script>"
ENTRY_TYPE, SEAL_TYPE = (f"application/vnd.detente.{one}+json" for one in ("entry", "evidence"))
LEVELS = ("sent", "published", "delivered", "acknowledged", "passed_on")
ED25519, COSIGNATURE, ML_DSA, HASH = 1, 4, 6, 32  # kinds of signature; bytes of a hash
WORDS = {"kind": "{}", "name": "{!r}", "category": "category {}", "party": "of {}",
         "distance_mm": "{} mm away", "distance_error_mm": "give or take {} mm",
         "separation_mm": "where {} mm is asked", "from": "from {}", "to": "until {}",
         "stale": "stale", "disputed": "disputed", "area": "somewhere in {}", "rule": "by {}",
         "desk": "call {!r}", "problem": "{!r}", "unplaced": "{} without a place"}  # fmt: skip
MALFORMED = (ValueError, LookupError, TypeError, AttributeError, ArithmeticError, RecursionError)
CLOCK_BACK_MAX = timedelta(minutes=5)  # an author's clock may have been set back so far


def require(holds: object, why: str) -> None:
    """Fail the check that is at work."""
    if not holds:
        raise ValueError(why)


def canonical(value: object) -> bytes:
    """RFC 8785, for values without floats whose names are ASCII."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()


def parse(data: bytes, what: str) -> Any:
    """A value in its one spelling."""
    value = json.loads(data)
    require(canonical(value) == data, f"{what} is not canonical JSON")
    return value


def debase(text: str) -> bytes:
    """Base64 in its one spelling (RFC 4648 section 3.5)."""
    data = base64.b64decode(text, validate=True)
    require(base64.b64encode(data).decode() == text, "base64 that could be spelt otherwise")
    return data


def verifies(key: bytes, message: bytes, signature: bytes) -> bool:
    """Whether an Ed25519 signature does."""
    try:
        return bool(VerifyKey(key).verify(message, signature) == message)
    except (BadSignatureError, ValueError):
        return False


def dsse(kind: str, body: bytes) -> bytes:
    """What DSSE signs."""
    return b"DSSEv1 %d %b %d %b" % (len(kind), kind.encode(), len(body), body)


def node(left: bytes, right: bytes) -> bytes:
    """Hash of an inner node of the tree."""
    return sha256(b"\x01" + left + right).digest()


def sides(index: int, last: int, proof: list[bytes]) -> list[tuple[bytes, bool]]:
    """Each hash of a proof, and whether it stands on the left."""
    found = []
    for one in proof:
        require(last, "a proof is too long")
        left = bool(index & 1) or index == last
        found.append((one, left))
        while left and not index & 1 and index:
            index, last = index >> 1, last >> 1
        index, last = index >> 1, last >> 1
    require(last == 0, "a proof is too short")
    return found


def included(leaf: bytes, index: int, size: int, proof: list[bytes]) -> bytes:
    """The root to which an inclusion proof leads."""
    require(0 <= index < size, f"entry {index} is beyond a checkpoint of {size} entries")
    for one, left in sides(index, size - 1, proof):
        leaf = node(one, leaf) if left else node(leaf, one)
    return leaf


def grown(old_size: int, size: int, proof: list[bytes], old_root: bytes) -> tuple[bytes, bytes]:
    """The two roots to which a consistency proof leads; 0 < old_size < size."""
    path = [old_root, *proof] if old_size & (old_size - 1) == 0 else proof
    rise = (old_size & -old_size).bit_length() - 1
    old = new = path[0]
    for one, left in sides((old_size - 1) >> rise, (size - 1) >> rise, path[1:]):
        old, new = (node(one, old), node(one, new)) if left else (old, node(new, one))
    return old, new


def key_of(vkey: str) -> tuple[str, bytes, int, bytes]:
    """Name, id, kind and public key of a verifier key (C2SP signed-note)."""
    name, _, rest = vkey.partition("+")
    data = debase(rest.partition("+")[2])
    return name, sha256(name.encode() + b"\n" + data).digest()[:4], data[0], data[1:]


class Checkpoint:
    """A checkpoint as it was signed: origin, size and root, and the signatures under it."""

    def __init__(self, note: str) -> None:
        text, blank, below = note.rpartition("\n\n")
        self.origin, size, root = text.split("\n")
        self.text, self.size, self.root = (text + "\n").encode(), int(size), debase(root)
        good = blank and str(self.size) == size and len(self.root) == HASH
        require(good, "a checkpoint is malformed")
        lines = [line.split(" ") for line in below.removesuffix("\n").split("\n")]
        self.lines = [(name, debase(spelt)) for _, name, spelt in lines]

    def by(self, vkey: str) -> list[int]:
        """When this key signed, by its own clock (0: it does not say); nothing if it did not."""
        name, key_id, kind, key = key_of(vkey)
        found = []
        for data in (data for who, data in self.lines if (who, data[:4]) == (name, key_id)):
            at, cut = (int.from_bytes(data[4:12], "big"), 12) if kind == COSIGNATURE else (0, 4)
            head = b"cosignature/v1\ntime %d\n" % at if kind == COSIGNATURE else b""
            good = kind == ML_DSA or verifies(key, head + self.text, data[cut:])
            require(good, f"the signature of {name} under checkpoint {self.size} does not verify")
            found += [] if kind == ML_DSA else [at]
        return found


class Policy:
    """Which logs and witnesses are known, and what makes a quorum (C2SP tlog-policy)."""

    def __init__(self, text: str) -> None:
        lines = [line.split() for line in text.splitlines() if line.split()]
        self.logs = [line[1] for line in lines if line[0] == "log"]
        self.witnesses = {line[1]: line[2] for line in lines if line[0] == "witness"}
        self.groups = [(line[1], line[2], line[3:]) for line in lines if line[0] == "group"]
        [self.quorum] = [line[1] for line in lines if line[0] == "quorum"]

    def cosigned(self, one: Checkpoint) -> dict[str, int]:
        """The witnesses that cosigned, and when last."""
        known = self.witnesses.items()
        found = {name: one.by(key) for name, key in known if key_of(key)[2] == COSIGNATURE}
        return {name: max(times) for name, times in found.items() if times}

    def met(self, one: Checkpoint) -> bool:
        """Whether a quorum cosigned; the quorum "none" proves nothing, and is not met."""
        names = set(self.cosigned(one))
        for name, count, members in self.groups:
            number = {"any": 1, "all": len(members)}.get(count) or max(1, int(count))
            names |= {name} if len(names & set(members)) >= number else set()
        return self.quorum in names


class Entry:
    """An entry of the record, its proof, and what it commits to (None where that is withheld)."""

    def __init__(self, given: dict[str, Any]) -> None:
        self.about, self.index, self.under = given["about"], given["index"], given["checkpoint"]
        self.proof, self.withheld = [debase(one) for one in given["proof"]], given.get("withheld")
        data, self.name = given["envelope"].encode(), f"entry {self.index} ({self.about})"
        envelope = parse(data, self.name)
        require(envelope["payloadType"] == ENTRY_TYPE, f"{self.name} is of another type")
        self.leaf, self.payload = sha256(b"\0" + data).digest(), debase(envelope["payload"])
        self.says = parse(self.payload, self.name)
        self.signatures = [(one["keyid"], debase(one["sig"])) for one in envelope["signatures"]]
        self.own = self.says["authorship"] == "own"
        self.chain = self.says["party"] if self.own else "node"
        self.time = datetime.fromisoformat(self.says["time"])
        self.salt, self.data = debase(given.get("salt", "")), given.get("object", "").encode()
        self.object: Any = parse(self.data, self.name) if self.data else None


def reason(one: dict[str, Any], what: str) -> str:
    """A finding, or as much of it as was shown, or a source, in words."""
    given = {key: one[key] for key in WORDS if one.get(key) is not None}
    if isinstance(desk := given.get("desk"), dict):
        given["desk"] = "; ".join([desk["name"], *desk.get("contacts", ())])
    said = [what, *(WORDS[key].format(value) for key, value in given.items())]
    return f"    {one.get('severity', 'source')}: {', '.join(filter(None, said))}"


def answer(told: dict[str, Any]) -> list[str]:
    """What a check told whoever asked: in a sentence, then each reason in words."""
    when = f"at {told['as_of']}, on the record as of register version {told['sequence']}"
    what = f"of its plan {told['plan']['source_id']!r}: {told['verdict']}. It permits nothing."
    kinds = {"findings": "", "withheld": "withheld", "sources": ""}
    said = [reason(one, kinds[kind]) for kind in kinds for one in told.get(kind, ())]
    return [f"  {told['party']} was told {when}, {what}", *said]


class Evidence:
    """An evidence file and the checks of it."""

    def __init__(self, data: bytes, policy: str | None) -> None:
        before, _, rest = data.partition(OPENS)
        block, closes, after = rest.partition(CLOSES)
        require(closes and OPENS not in after, "there is no block of evidence in it, or several")
        whole = json.loads(block)
        self.file, self.seal, self.given = whole["evidence"], whole["seal"], policy
        self.later = whole.get("later", [])
        require(self.file["format"] == FORMAT, f"its format is not {FORMAT}")
        self.one_spelling = canonical(whole).replace(b"<", b"\\u003c") == block
        self.page = sha256(before + after).hexdigest()

    def whole(self) -> str:
        """The file has one spelling, and all in it is of one theatre and one object."""
        require(self.one_spelling, "the evidence could be spelt otherwise")
        file, self.by_about = self.file, defaultdict(list)
        self.checkpoints = [Checkpoint(one) for one in file["checkpoints"]]
        self.points = [*self.checkpoints, *(Checkpoint(one["checkpoint"]) for one in self.later)]
        self.entries = [Entry(one) for one in file["entries"]]
        self.own_policy = Policy(file["policy"])
        self.policy = Policy(self.given) if self.given else self.own_policy
        places = [one.index for one in self.entries]
        require(places == sorted(set(places)), "an entry is out of the record's order")
        for one in self.entries:
            self.by_about[one.about].append(one)
            theatre, kind = one.says["theatre"], one.says["kind"]
            asked = (file["theatre"], file["kind"] if one.about == "object" else one.about)
            require((theatre, kind) == asked, f"{one.name} is of the theatre {theatre}, a {kind}")
        self.versions = self.by_about["object"]
        ids = [what for what, _ in {(it.says["object"], it.says["party"]) for it in self.versions}]
        require(ids == [file["object"]], "versions of another object or author, or none, are here")
        return f"{file['kind']} {file['object']} in the theatre {file['theatre']}"

    def agreed(self, index: int) -> list[dict[str, Any]]:
        """The agreement that was in force before an entry, and those after it."""
        past = [one for one in self.by_about["agreement"] if one.index < index]
        require(past and past[-1].object, f"no agreement is here from before entry {index}")
        return [one.object for one in self.by_about["agreement"][len(past) - 1 :] if one.object]

    def signed_heads(self) -> str:
        """Each checkpoint is signed by a key that the agreement gave to the log, then or later."""
        for one in self.points:
            keys = [key for it in self.agreed(one.size) for key in it.get("log_keys", ())]
            keys = [key for key in keys if key_of(key)[::2][:2] == (one.origin, ED25519)]
            keys = [key for key in keys if not self.given or key in self.policy.logs]
            require(any(map(one.by, keys)), f"checkpoint {one.size} is not signed by the log")
        return f"{len(self.points)} of {one.origin}, the last of {one.size} entries"

    def one_log(self) -> str:
        """Each checkpoint grew out of the one before it: no history was exchanged for another."""
        proofs = [*self.file["consistency"], *(one["consistency"] for one in self.later)]
        for (old, new), proof in zip(pairwise(self.points), proofs, strict=True):
            good = old.size < new.size or (old.size, old.root) == (new.size, new.root)
            require(good, f"the log is forked or out of order: heads of {old.size}, {new.size}")
            path, same = list(map(debase, proof)), old.size == new.size
            same = same or grown(old.size, new.size, path, old.root) == (old.root, new.root)
            require(same, f"checkpoint {new.size} did not grow out of {old.size}")
        return f"{len(proofs)} proofs of consistency"

    def in_log(self) -> str:
        """Each entry stands at its place under a checkpoint."""
        for one in self.entries:
            under = self.checkpoints[one.under]
            root = included(one.leaf, one.index, under.size, one.proof)
            require(root == under.root, f"{one.name} is not under checkpoint {under.size}")
        return f"{len(self.entries)} proofs of inclusion"

    def committed(self) -> str:
        """Each object shown is what its entry committed to, and is of whoever says it."""
        for one in (one for one in self.entries if one.object):
            good = sha256(one.salt + one.data).hexdigest() == one.says["commitment"]
            require(good and len(one.salt) == HASH, f"{one.name} committed to something else")
            of_node = one.says["kind"] in {"agreement", "delivery", "check", "call", "alert"}
            author = "node" if of_node else one.object.get("party", one.says["party"])
            same = (one.object["type"], author) == (one.says["kind"], one.says["party"])
            require(same, f"the object of {one.name} is another's or of another kind")
        by = {(it.object["object"], it.says["party"]) for it in self.by_about["erasure"]}
        good = by & {(self.file["object"], who) for who in ("node", self.versions[0].says["party"])}
        require(good or all(one.withheld != "erased" for one in self.versions), "nothing erased it")
        hidden = sum(one.object is None for one in self.entries)
        return f"{len(self.entries) - hidden} objects; {hidden} entries are here without theirs"

    def in_order(self) -> str:
        """No version lies between two others, and no entry contradicts one before it."""
        versions: dict[str, int] = defaultdict(int)
        chains: dict[str, Entry] = {}
        for one in self.entries:
            what, last = one.says["object"], chains.get(one.chain)
            versions[what] += 1
            require(one.says["version"] == versions[what], f"one before {one.name} is missing")
            if last is not None:
                step = one.says["party_sequence"] - last.says["party_sequence"]
                follows = one.says["previous"] == last.leaf.hex() if step == 1 else step > 1
                require(follows, f"{one.name} does not follow {last.name} in their chain")
                require(one.time >= last.time - CLOCK_BACK_MAX, f"{one.name} is back-dated")
            chains[one.chain] = one
        return f"versions 1 to {len(self.versions)} of the object, {len(chains)} chains of entries"

    def by_their_keys(self) -> str:
        """Each entry is signed by keys that the record had given to who speaks, before it."""
        held: dict[str, dict[str, bytes]] = {}
        for one in self.entries:
            who, given, chain, party = "", {}, one.chain, one.says["party"]
            if one.about in {"agreement", "party"}:
                who = "node" if one.about == "agreement" else one.object["id"]
                require(party in {"node", who}, f"{one.name} is not {party}'s to say")
                keys = one.object.get("node_keys" if who == "node" else "keys", ())
                given = {key["id"]: bytes.fromhex(key["ed25519"]) for key in keys}
            new = {name: key for name, key in given.items() if name not in held.get(who, {})}
            # Leaf 0 brings the key that signs it: whoever trusts the record knows that key.
            speaking, new = (new, {}) if one.index == 0 else (held.get(chain, {}), new)
            key, known = one.says["key"], party in {"node", *held}
            not_its = f"{one.name} is signed by key {key}, which was not {chain}'s at that place"
            require(key in speaking and known, not_its)
            wanted = {key: speaking[key], **new}
            names = [name for name, _ in one.signatures]
            require(names == list(wanted), f"{one.name} is not signed by {', '.join(wanted)}")
            for name, signature in one.signatures:
                good = sha256(wanted[name]).hexdigest()[:16] == name
                good = good and verifies(wanted[name], dsse(ENTRY_TYPE, one.payload), signature)
                require(good, f"a signature of {one.name} does not verify")
            held |= {who: given} if who else {}
        return f"{len(self.entries)} entries of {', '.join(sorted(held))}"

    def standing(self, version: Entry, party: str) -> dict[str, Any]:
        """How far it is proven that a party was told of a version (docs/what-told-means.md)."""
        leaf, own, attested, took = version.leaf.hex(), [], set(), False
        for said in (one.object for one in self.by_about["delivery"] if one.object):
            full = (said["outcome"], said.get("grade", "full")) == ("delivered", "full")
            took |= full and said["to"] == party and leaf in said["entries"]
        for one in (one for one in self.by_about["acknowledgement"] if one.object):
            if (one.says["party"], one.object["entry"]) == (party, leaf):
                own += [one.object] if one.own else []
                attested |= set() if one.own else {one.object["level"]}
        further = [one for one in own if one["level"] in {"passed_on", "acted_on"}]
        to = sorted({one["to"] for one in further if "to" in one})
        met = self.own_policy.met(self.checkpoints[version.under])
        level = LEVELS[max(met, 2 * took, 3 * bool(own), 4 * bool(to))]
        return {"level": level, "to": to, "attested": sorted(attested)}

    def told(self) -> str:
        """What the file says of who was told follows from the entries in it."""
        numbers = {one.leaf.hex(): one.says["version"] for one in self.versions}
        spoken = {(numbers.get(leaf), one.object["to"]) for one in self.by_about["delivery"]
                  if one.object for leaf in one.object["entries"]}  # fmt: skip
        spoken |= {(numbers.get(one.object["entry"]), one.says["party"])
                   for one in self.by_about["acknowledgement"] if one.object}  # fmt: skip
        claims = {(one["version"], one["party"]): one for one in self.file["told"]}
        require(spoken <= set(claims), "an entry speaks of another object, or of nobody named")
        for (version, party), claim in claims.items():
            require(version in numbers.values(), f"there is no version {version}")
            found = self.standing(self.versions[version - 1], party)
            require(found.items() <= claim.items(), f"{party}, {version}: proven is {found}")
        for one in self.file["silences"]:
            level = claims[len(numbers), one["party"]]["level"]
            require(level not in LEVELS[3:], f"{one['party']} is said to be silent, and is not")
        self.answers: list[str] = []
        heads = {(point.size, point.root.hex()) for point in self.checkpoints}
        for one in (one for one in self.versions if one.object and self.file["kind"] == "check"):
            size, root = one.object["sequence"], one.object["root"]
            require((size, root) in heads and size <= one.index, "it stands on no state of the log")
            self.answers += answer(one.object)
        return f"{len(claims)} recipients of versions, {len(self.file['silences'])} silent"

    def witnessed(self) -> str:
        """Cosignatures verify; and where a policy was given, a quorum cosigned each version."""
        self.existed: dict[int, tuple[int, str]] = {}
        for one in self.versions:
            after = [point for point in self.points if point.size > one.index]
            good = not self.given or any(map(self.policy.met, after))
            require(good, f"no quorum of your policy cosigned {one.name}")
            times = [(at, by) for it in after for by, at in self.policy.cosigned(it).items() if at]
            self.existed[one.index] = min(times, default=(0, ""))
        keys = list(map(key_of, [*self.policy.logs, *self.policy.witnesses.values()]))
        known = {(name, key_id) for name, key_id, kind, _ in keys if kind != ML_DSA}
        lines = {(who, data[:4]) for point in self.points for who, data in point.lines}
        others = ", ".join(sorted({name for name, _ in lines - known})) or "none"
        whose = "your policy" if self.given else "the file's policy: learn its keys elsewhere"
        return f"by {whose}. NOT CHECKED (unknown, or ML-DSA-44): {others}"

    def sealed(self) -> str:
        """The file, the page in it included, is as the node made and signed it."""
        keys = self.agreed(self.checkpoints[-1].size)[0]["node_keys"]
        [key] = [bytes.fromhex(one["ed25519"]) for one in keys if one["id"] == self.seal["keyid"]]
        good = verifies(key, dsse(SEAL_TYPE, canonical(self.file)), debase(self.seal["sig"]))
        require(good, "the seal does not verify: something was altered, added or left out")
        require(self.page == self.file["page"], "the page is not the one that was sealed")
        return f"by the node's key {self.seal['keyid']}, as made at {self.file['made']}"

    def proven(self) -> list[str]:
        """What the checks amount to, in plain words."""
        lines = ["Proven:", *self.answers]
        for one in self.versions:
            says, (at, witness) = one.says, self.existed[one.index]
            by = f"It existed by {datetime.fromtimestamp(at, UTC):%FT%TZ}, as {witness} says."
            by = by if at else "No witness says by when it existed."
            how = "signed by" if one.own else "received from, as the node attests,"
            where = f"  version {says['version']}, entry {one.index}, {how} {says['party']}; "
            lines.append(where + f"it claims the time {says['time']}. {by}")
        lines += [f"  Erased by {it.name}: {it.data.decode()}" for it in self.by_about["erasure"]]
        for one in self.file["told"]:
            more = f" to {', '.join(one['to'])}" if one["to"] else ""
            more += f" (the node attests: {', '.join(one['attested'])})" if one["attested"] else ""
            lines += [f"  version {one['version']} to {one['party']}: {one['level']}{more}"]
        lines += [f"  entry {it['index']}: {it['why']}" for it in self.file["withheld"]]
        agreed = self.agreed(self.checkpoints[-1].size)[0]
        keys = [*(one["ed25519"] for one in agreed["node_keys"]), *agreed["log_keys"]]
        return [*lines, NOT_PROVEN, *(f"      {key}" for key in keys)]


NOT_PROVEN = """Not proven:
  - That what was said is true, or that anybody who was told of it agreed.
  - When an entry was made: the time that it claims is its author's, or the node's.
  - That the record holds nothing else about it: a later version, a key taken away, an
    acknowledgement. Whoever reads the log can look: its entries name object and version.
  - That a delivery was read. It is the node's word that an endpoint took the bytes.
  - That who is silent knew nothing. Of that and of what is released, the seal is the word.
  - That these are the right keys. Compare those of node and log with what you know:"""
CHECKS = ("whole", "signed_heads", "one_log", "in_log", "committed", "in_order", "by_their_keys",
          "told", "witnessed", "sealed")  # fmt: skip


def verify(data: bytes, policy: str | None = None) -> tuple[int, str]:
    """Exit status, and what to print.

    Args:
        data: The file.
        policy: Text of a C2SP tlog-policy that the reader trusts; None takes the file's own.
    """
    try:
        evidence = Evidence(data, policy)
    except MALFORMED as error:
        return 2, f"no evidence: {error}\n"
    lines, failed = [], 0
    for number, name in enumerate(CHECKS, start=1):
        check = getattr(evidence, name)
        try:
            verdict = f"holds: {check()}"
        except MALFORMED as error:
            failed += 1
            verdict = f"FAILS: {error if type(error) is ValueError else f'malformed ({error!r})'}"
        lines.append(f"{number}. {check.__doc__.strip()}\n   {verdict}")
    lines += [f"NOT PROVEN: {failed} of {len(CHECKS)} checks fail"] if failed else evidence.proven()
    return int(bool(failed)), "\n".join(lines) + "\n"


def main(arguments: list[str]) -> int:
    """The command line."""
    if len(arguments) not in {1, 3} or arguments[1:2] not in ([], ["--policy"]):
        sys.stderr.write("usage: verify.py FILE [--policy FILE]\n")
        return 2
    try:
        data, *policies = [Path(name).read_bytes() for name in arguments[::2]]
    except OSError as error:
        sys.stderr.write(f"{error.filename}: expected a readable file, got {error.strerror}\n")
        return 2
    status, text = verify(data, *(one.decode(errors="replace") for one in policies))
    sys.stdout.write(text)
    return status


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
