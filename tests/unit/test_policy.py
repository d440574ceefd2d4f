"""Policies: what a file may say, and which cosignatures make a quorum."""

import itertools

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from detente.core.note import Note, SignatureLine, render_note, sign, sign_note
from detente.core.note_key import Signer, cosigner, log_signer
from detente.core.policy import (
    POLICY_BYTES_MAX,
    Policy,
    PolicyGroup,
    PolicyLog,
    PolicyWitness,
    parse_policy,
    render_policy,
    verify_checkpoint,
    witnessed,
)
from detente.errors import DetenteError, MalformedInput, NotAuthentic
from logs import EAST, LOG, LOG_ML_DSA, NORTH, OTHER_LOG, SOUTH, Tree, ed25519, ml_dsa

LOG_KEY, NORTH_KEY, SOUTH_KEY, EAST_KEY = (one.verifier.vkey for one in (LOG, NORTH, SOUTH, EAST))
WITNESSES = f"witness N {NORTH_KEY}\nwitness S {SOUTH_KEY}\nwitness E {EAST_KEY}\n"

TREE = Tree([b"one", b"two", b"three"])
TEXT = TREE.at(3).text
NOW = 1_795_000_000


def policy(text: str) -> Policy:
    return parse_policy(text.encode())


def signed(*signers: Signer, text: str = TEXT) -> bytes:
    return render_note(sign_note(text, signers, timestamp=NOW))


# The file.


def test_the_example_of_the_standard_is_read() -> None:
    """Two levels of groups: two of three of X, and any of Y."""
    keys = [cosigner(f"w{number}.example", ed25519(number)) for number in range(10, 16)]
    names = ["X1", "X2", "X3", "Y1", "Y2", "Y3"]
    lines = [f"witness {name} {key.verifier.vkey}" for name, key in zip(names, keys, strict=True)]
    found = policy(
        f"log {LOG_KEY}\n\n"
        + "\n".join(lines[:3])
        + "\ngroup X-witnesses 2 X1 X2 X3\n\n"
        + "\n".join(lines[3:])
        + "\ngroup Y-witnesses any Y1 Y2 Y3\n\ngroup X-and-Y all X-witnesses Y-witnesses\n"
        + "quorum X-and-Y\n"
    )
    assert found.logs == (PolicyLog(key=LOG.verifier),)
    assert [one.name for one in found.witnesses] == names
    assert [(one.name, one.threshold) for one in found.groups] == [
        ("X-witnesses", 2),
        ("Y-witnesses", 1),
        ("X-and-Y", 2),
    ]
    for count in range(7):
        for chosen in itertools.combinations(range(6), count):
            met = "X-and-Y" in witnessed(found, {keys[one].verifier for one in chosen})
            x, y = len({0, 1, 2} & set(chosen)), len({3, 4, 5} & set(chosen))
            assert met == (x >= 2 and y >= 1)


def test_whitespace_comments_and_addresses() -> None:
    found = parse_policy(
        b"# a comment \xff\n   \t\n \t# another\n"
        + f"\tlog  {LOG_KEY}\thttps://log.example.org/ \n".encode()
        + f"witness #1 {NORTH_KEY} https://\u00e9.example\n quorum\t#1\t\n".encode()
    )
    assert found.logs[0].url == "https://log.example.org/"
    assert found.witnesses[0] == PolicyWitness(
        name="#1", key=NORTH.verifier, url="https://\u00e9.example"
    )
    assert found.quorum == "#1"


def test_names_are_octets() -> None:
    """A Kelvin sign is not a K, and what is not UTF-8 is a name as well."""
    text = f"witness K {NORTH_KEY}\nwitness \u212a {SOUTH_KEY}\n".encode()
    text += b"witness \xff " + f"{EAST_KEY}\n".encode() + b"group g 2 \xff K\nquorum g\n"
    found = parse_policy(text)
    assert witnessed(found, {NORTH.verifier, EAST.verifier}) == {"K", "\udcff", "g"}
    assert witnessed(found, {SOUTH.verifier, EAST.verifier}) == {"\u212a", "\udcff"}
    assert render_policy(found) == text
    alone = parse_policy(text[: text.index(b"group")] + b"quorum \xff\n")
    alone = Policy(logs=(PolicyLog(key=LOG.verifier),), witnesses=alone.witnesses, quorum="\udcff")
    with pytest.raises(NotAuthentic) as refused:
        verify_checkpoint(signed(LOG, NORTH), alone)
    assert str(refused.value).encode()  # can be written down


def test_none_asks_for_no_witness() -> None:
    assert policy("quorum none\n") == Policy(logs=())
    assert policy(f"{WITNESSES}quorum none\n").quorum == "none"


@pytest.mark.parametrize(
    ("text", "match"),
    [
        ("", "quorum line"),
        (f"log {LOG_KEY}\n", "quorum line"),
        ("quorum none", "a newline at the end"),
        (f"{WITNESSES}group NS all N S\nquorum N", "a newline at the end"),
        ("quorum none\nquorum none\n", "line 2: quorum: expected one"),
        ("quorum\n", "line 1: quorum"),
        ("quorum none none\n", "line 1: quorum"),
        ("quorum x\n", "defined above, got x"),
        (f"quorum N\n{WITNESSES}", "line 1: name: expected one defined above"),
        ("log\n", "line 1: log: expected log VKEY"),
        (f"log {LOG_KEY} url more\nquorum none\n", "line 1: log"),
        ("log nonsense\n", "line 1: verifier key"),
        (f"log {LOG_KEY}\nlog {LOG_KEY}\n", "line 2: key .*: expected a public key that"),
        (f"log {NORTH_KEY}\n", "0x01 or 0x06, got 0x04"),
        (f"witness N {LOG_KEY}\n", "0x04 or 0x06, got 0x01"),
        (f"witness N\n{WITNESSES}", "line 1: witness"),
        (f"witness N {NORTH_KEY} url more\n", "line 1: witness"),
        (f"{WITNESSES}witness N {EAST_KEY}\n", "line 4: key"),
        (f"witness N {NORTH_KEY}\nwitness N {SOUTH_KEY}\n", "line 2: name: .*not taken, got N"),
        (f"witness none {NORTH_KEY}\n", "not taken, got none"),
        (f"witness N {NORTH_KEY}\nwitness M {NORTH_KEY}\n", "that stands here once"),
        (f"{WITNESSES}group N any S\n", "not taken, got N"),
        (f"{WITNESSES}group none any S\n", "not taken, got none"),
        (f"{WITNESSES}group g any\n", "line 4: group"),
        (f"{WITNESSES}group g any X\n", "defined above, got X"),
        (f"{WITNESSES}group g any g\n", "defined above, got g"),
        (f"{WITNESSES}group g any none\n", "not none, got none"),
        (f"{WITNESSES}group g any N N\n", "listed once in all groups"),
        (f"{WITNESSES}group g any N\ngroup h any S N\n", "line 5: .*listed once in all groups"),
        (f"{WITNESSES}group g 0 N\n", "1 to 1, got 0"),
        (f"{WITNESSES}group g 3 N S\n", "1 to 2, got 3"),
        (f"{WITNESSES}group g 01 N S\n", "threshold"),
        (f"{WITNESSES}group g -1 N S\n", "threshold"),
        (f"{WITNESSES}group g some N S\n", "threshold"),
        ("quorum none # a comment\n", "line 1: quorum"),
        ("Quorum none\n", "line 1: Quorum"),
        ("quorum\u00a0none\n", "line 1: quorum"),
        ("quorum none\r\n", "line 1: characters"),
        ("\fquorum none\n", "line 1: characters"),
        ("quorum none\n#\x7f\n", "line 2: characters"),
        ("\x00\n", "line 1: characters"),
        ("#" * POLICY_BYTES_MAX + "\n", "at most"),
    ],
)
def test_what_is_no_policy_is_refused(text: str, match: str) -> None:
    with pytest.raises(MalformedInput, match=match):
        policy(text)


def test_other_octets_are_refused_in_words_that_can_be_written() -> None:
    for data in (b"\xff\n", b"quorum \xff\n", b"log \xff+530d903a+AAAA\n", b"quorum none\n\xff"):
        with pytest.raises(MalformedInput) as refused:
            parse_policy(data)
        assert str(refused.value).encode()


def test_as_many_as_the_standard_asks_for() -> None:
    lines = [
        f"log {log_signer(f'log{n}.example', ml_dsa(n)).verifier.vkey} https://l\n"
        for n in range(32)
    ]
    for n in range(32):
        lines.append(f"witness w{n} {cosigner(f'w{n}', ml_dsa(n)).verifier.vkey}\n")
        lines.append(f"group g{n} all w{n}{f' g{n - 1}' if n else ''}\n")
    found = policy("".join(lines) + "quorum g31\n")
    assert (len(found.logs), len(found.witnesses), len(found.groups)) == (32, 32, 32)
    every = {witness.key for witness in found.witnesses}
    assert "g31" in witnessed(found, every)
    assert "g31" not in witnessed(found, every - {found.witnesses[0].key})


KEYS = [cosigner(f"w{number}.example", ed25519(number + 20)).verifier for number in range(6)]


@st.composite
def policies(draw: st.DrawFn) -> Policy:
    count = draw(st.integers(0, 6))
    witnesses = tuple(PolicyWitness(name=f"w{n}", key=KEYS[n]) for n in range(count))
    free, groups = [one.name for one in witnesses], []
    for number in range(draw(st.integers(0, 4)) if free else 0):
        members = draw(st.lists(st.sampled_from(free), min_size=1, unique=True))
        free = [name for name in free if name not in members] + [f"g{number}"]
        threshold = draw(st.integers(1, len(members)))
        groups.append(PolicyGroup(name=f"g{number}", threshold=threshold, members=tuple(members)))
    names = ["none", *(one.name for one in witnesses), *(one.name for one in groups)]
    return Policy(
        logs=draw(st.sampled_from([(), (PolicyLog(key=LOG.verifier, url="https://a"),)])),
        witnesses=witnesses,
        groups=tuple(groups),
        quorum=draw(st.sampled_from(names)),
    )


@given(policies())
def test_what_is_rendered_is_parsed_again(one: Policy) -> None:
    assert parse_policy(render_policy(one)) == one


@given(one=policies(), keys=st.sets(st.sampled_from(KEYS)))
def test_groups_count_as_the_standard_says(one: Policy, keys: set[object]) -> None:
    """By recursion, as it is written; and no further cosignature ever undoes a quorum."""
    by_name = {group.name: group for group in one.groups}
    own = {witness.name: witness.key for witness in one.witnesses}

    def met(name: str) -> bool:
        if name in own:
            return own[name] in keys
        group = by_name[name]
        return sum(met(member) for member in group.members) >= group.threshold

    names = witnessed(one, keys)  # type: ignore[arg-type]  # a set of keys
    assert names == {name for name in [*own, *by_name] if met(name)}
    assert names <= witnessed(one, set(KEYS))


@given(
    st.one_of(st.binary(max_size=80), st.text("log quormne12\n\t#", max_size=60).map(str.encode))
)
@settings(max_examples=300)
def test_garbage_is_refused_or_a_policy(data: bytes) -> None:
    try:
        found = parse_policy(data)
    except MalformedInput:
        return
    assert found.quorum


@pytest.mark.parametrize(
    "broken",
    [
        Policy(logs=(), quorum="x"),
        Policy(logs=(PolicyLog(key=LOG.verifier, url="a b"),)),
        Policy(logs=(PolicyLog(key=LOG.verifier, url=""),)),
        Policy(logs=(PolicyLog(key=NORTH.verifier),)),
        Policy(logs=(), witnesses=(PolicyWitness(name="a b", key=NORTH.verifier),)),
        Policy(logs=(), quorum="none\nquorum none"),
    ],
)
def test_what_no_file_could_say_is_not_rendered(broken: Policy) -> None:
    with pytest.raises(MalformedInput):
        render_policy(broken)


# Checkpoints.

BOTH = f"log {LOG_KEY}\n{WITNESSES}group both all N S\nquorum both\n"


def test_a_checkpoint_that_a_quorum_cosigned_is_believed() -> None:
    found = verify_checkpoint(signed(LOG, NORTH, SOUTH), policy(BOTH))
    assert found.checkpoint == TREE.at(3)
    assert [one.key for one in found.logs] == [LOG.verifier]
    assert list(found.cosignatures) == ["N", "S"]
    assert {one.timestamp for one in found.cosignatures.values()} == {NOW}


@pytest.mark.parametrize(
    ("data", "match"),
    [
        (signed(LOG), "cosignatures that make both, got those of nobody"),
        (signed(LOG, NORTH), "those of N"),
        (signed(LOG, NORTH, EAST), "those of E, N"),
        (signed(NORTH, SOUTH), "signature of a known log, got log.example.org/levant"),
        (signed(LOG_ML_DSA, NORTH, SOUTH), "a known log"),
        (signed(OTHER_LOG, LOG_ML_DSA), "a known key"),
    ],
)
def test_fewer_are_refused(data: bytes, match: str) -> None:
    with pytest.raises(NotAuthentic, match=match):
        verify_checkpoint(data, policy(BOTH))


def test_a_log_speaks_only_for_its_own_origin() -> None:
    two = f"log {LOG_KEY}\nlog {OTHER_LOG.verifier.vkey}\nquorum none\n"
    assert verify_checkpoint(signed(LOG, OTHER_LOG), policy(two)).logs[0].key == LOG.verifier
    with pytest.raises(NotAuthentic, match="a known log"):
        verify_checkpoint(signed(OTHER_LOG), policy(two))


def test_any_listed_log_will_do_and_none_without_a_list() -> None:
    two = f"log {LOG_KEY}\nlog {LOG_ML_DSA.verifier.vkey}\nquorum none\n"
    for signers in ([LOG], [LOG_ML_DSA], [LOG, LOG_ML_DSA]):
        found = verify_checkpoint(signed(*signers), policy(two))
        assert [one.key for one in found.logs] == [one.verifier for one in signers]
    with pytest.raises(NotAuthentic):
        verify_checkpoint(signed(LOG, NORTH), policy(f"{WITNESSES}quorum none\n"))


def test_a_witness_counts_once_and_with_its_newest_word() -> None:
    lines = [sign(LOG, TEXT), *(sign(NORTH, TEXT, timestamp=when) for when in (5, 9, 7))]
    data = render_note(Note(text=TEXT, signatures=tuple(lines)))
    found = verify_checkpoint(data, policy(BOTH.replace("quorum both", "quorum N")))
    assert {name: one.timestamp for name, one in found.cosignatures.items()} == {"N": 9}
    with pytest.raises(NotAuthentic, match="those of N"):
        verify_checkpoint(data, policy(BOTH))


def test_a_bad_signature_of_a_witness_refuses_the_checkpoint() -> None:
    bad = SignatureLine(name=EAST.verifier.name, key_id=EAST.verifier.id, signature=b"\0" * 2428)
    good = sign_note(TEXT, [LOG, NORTH, SOUTH], timestamp=NOW)
    data = render_note(Note(text=TEXT, signatures=(*good.signatures, bad)))
    with pytest.raises(NotAuthentic, match="party-c"):
        verify_checkpoint(data, policy(BOTH))


def test_what_is_no_checkpoint_is_refused() -> None:
    for data in (b"", signed(LOG, text="not a checkpoint\n")):
        with pytest.raises(DetenteError):
            verify_checkpoint(data, policy(BOTH))
