"""Witnesses: what one cosigns and refuses, and what a log makes of the answer."""

from collections.abc import Mapping, Sequence
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from detente.core.lines import SIZE_MAX
from detente.core.merkle import leaf_hash
from detente.core.note import (
    Note,
    SignatureLine,
    parse_note,
    render_note,
    render_signatures,
    sign,
    sign_note,
    verify_note,
)
from detente.core.note_key import Signer, VerifierKey, parse_vkey
from detente.core.witness import (
    NOTHING_SEEN,
    REQUEST_BYTES_MAX,
    SIZE_TYPE,
    TEXT_TYPE,
    Answer,
    Cosigned,
    Decision,
    Outcome,
    Refused,
    Request,
    Seen,
    Status,
    Step,
    answer,
    decide,
    parse_request,
    read_answer,
    render_request,
    request_for,
)
from detente.errors import MalformedInput
from logs import EAST, LOG, LOG_ML_DSA, NORTH, ORIGIN, OTHER_LOG, SOUTH, Tree

VECTORS = Path(__file__).parents[1] / "vectors"

TREE = Tree([b"entry %d" % number for number in range(20)])
FORK = Tree([b"entry %d" % number for number in range(7)] + [b"another %d" % n for n in range(13)])
KNOWN = {ORIGIN: [LOG.verifier, LOG_ML_DSA.verifier]}
NOW = 1_795_000_000


def asked(old: int, size: int, *, tree: Tree = TREE, signers: Sequence[Signer] = (LOG,)) -> Request:
    """A log's request to cosign ``size``, with the proof from ``old``."""
    note = sign_note(tree.at(size).text, signers)
    return request_for(note, old_size=old, proof=tree.growth(old, size))


def changed(request: Request, **fields: object) -> Request:
    found = {name: getattr(request, name) for name in ("old_size", "proof", "note", "checkpoint")}
    return Request(**{**found, **fields})


def seen(size: int, tree: Tree = TREE) -> Seen:
    return Seen(size=size, root=tree.at(size).root)


def decided(
    request: Request,
    last: Seen,
    *,
    signers: Sequence[Signer] = (NORTH, EAST),
    known: Mapping[str, Sequence[VerifierKey]] = KNOWN,
) -> Decision:
    request = parse_request(render_request(request))
    return decide(request, logs=known, seen=last, signers=signers, timestamp=NOW)


def refusal(decision: Decision) -> tuple[int, int | None]:
    assert isinstance(decision, Refused), decision
    assert decision.reason
    return decision.status, decision.size


# The witness.


@pytest.mark.parametrize(("old", "size"), [(0, 0), (0, 1), (0, 20), (3, 7), (8, 16), (20, 20)])
def test_growth_is_cosigned_by_all_keys_of_the_witness(old: int, size: int) -> None:
    found = decided(asked(old, size), seen(old) if old else NOTHING_SEEN)
    assert isinstance(found, Cosigned)
    assert found.seen == seen(size)
    whole = parse_note(render_note(asked(old, size).note) + render_signatures(found.lines).encode())
    verified = verify_note(whole, [NORTH.verifier, EAST.verifier])
    assert [one.timestamp for one in verified] == [NOW, NOW]


def test_the_request_of_torchwood_is_cosigned() -> None:
    """Signed with ML-DSA-44 by another implementation; its own witness answers 200."""
    key = parse_vkey((VECTORS / "torchwood/mldsa.vkey").read_text().strip())
    body = (VECTORS / "torchwood/mldsa.request").read_bytes()
    request = parse_request(body)
    assert render_request(request) == body
    found = decided(request, NOTHING_SEEN, known={key.name: [key]})
    assert isinstance(found, Cosigned)
    assert found.seen.size == 1
    assert refusal(decided(request, NOTHING_SEEN)) == (404, None)
    assert refusal(decided(request, NOTHING_SEEN, known={key.name: [LOG.verifier]})) == (403, None)


def test_an_unknown_log_is_404() -> None:
    other = Tree([b"x"], origin=OTHER_LOG.verifier.name)
    assert refusal(decided(asked(0, 1, tree=other), NOTHING_SEEN)) == (404, None)
    assert refusal(decided(asked(0, 1), NOTHING_SEEN, known={ORIGIN: []})) == (404, None)


def test_a_checkpoint_that_no_trusted_key_signed_is_403() -> None:
    for signers in ([OTHER_LOG], [NORTH], [NORTH, SOUTH]):
        assert refusal(decided(asked(0, 1, signers=signers), NOTHING_SEEN)) == (403, None)
    # One trusted signature is enough, of whichever type, among those of others.
    for signers in ([OTHER_LOG, LOG], [LOG_ML_DSA, NORTH], [LOG, LOG_ML_DSA]):
        assert isinstance(decided(asked(0, 1, signers=signers), NOTHING_SEEN), Cosigned)


def test_a_bad_signature_of_a_trusted_key_is_403_even_beside_a_good_one() -> None:
    request = asked(0, 2)
    bad = SignatureLine(name=ORIGIN, key_id=LOG_ML_DSA.verifier.id, signature=b"\0" * 2428)
    note = Note(text=request.note.text, signatures=(*request.note.signatures, bad))
    assert refusal(decided(changed(request, note=note), NOTHING_SEEN)) == (403, None)
    other = Note(text=TREE.at(3).text, signatures=request.note.signatures)
    assert refusal(decided(request_for(other, old_size=0, proof=()), NOTHING_SEEN)) == (403, None)


def test_an_old_size_above_the_checkpoint_s_is_400() -> None:
    request = changed(asked(5, 7), old_size=8)
    assert refusal(decided(request, seen(8))) == (400, None)
    assert refusal(decided(request, seen(5))) == (400, None)


@pytest.mark.parametrize(("old", "size", "last"), [(0, 7, 5), (3, 7, 5), (5, 7, 0), (5, 7, 6)])
def test_another_old_size_than_was_cosigned_is_409_with_that_size(
    old: int, size: int, last: int
) -> None:
    decision = decided(asked(old, size), seen(last) if last else NOTHING_SEEN)
    assert refusal(decision) == (409, last)
    assert answer(decision) == Answer(status=409, content_type=SIZE_TYPE, body=f"{last}\n".encode())


def test_an_older_checkpoint_is_409() -> None:
    """Nothing is rolled back: what was cosigned last stays the last."""
    assert refusal(decided(asked(5, 7), seen(12))) == (409, 12)


def test_a_proof_that_does_not_verify_is_422() -> None:
    good = asked(5, 13)
    swapped = (good.proof[1], good.proof[0], *good.proof[2:])
    for proof in ((), good.proof[:-1], (*good.proof, good.proof[0]), swapped):
        assert refusal(decided(changed(good, proof=proof), seen(5))) == (422, None)
    assert refusal(decided(asked(9, 13, tree=FORK), seen(9))) == (422, None)
    assert refusal(decided(good, seen(5, Tree([b"x"] * 5)))) == (422, None)


def test_from_size_0_there_is_nothing_to_prove() -> None:
    for size in (0, 1, 5):
        request = changed(asked(0, size), proof=(leaf_hash(b""),))
        assert refusal(decided(request, NOTHING_SEEN)) == (422, None)
        assert isinstance(decided(asked(0, size), NOTHING_SEEN), Cosigned)


def test_another_root_at_the_same_size_is_409_without_a_size() -> None:
    decision = decided(asked(9, 9, tree=FORK), seen(9))
    assert refusal(decision) == (409, None)
    assert answer(decision).content_type == TEXT_TYPE
    # With hashes beside, it is no proof either; and an empty tree has one root.
    request = changed(asked(9, 9), proof=(leaf_hash(b""),))
    assert refusal(decided(request, seen(9))) == (422, None)
    assert refusal(decided(request, seen(9, FORK))) == (422, None)
    empty = TREE.at(0).text.replace("47DE", "48DE")
    request = request_for(sign_note(empty, [LOG]), old_size=0, proof=())
    assert refusal(decided(request, NOTHING_SEEN)) == (409, None)


def test_the_same_checkpoint_may_be_cosigned_again() -> None:
    assert isinstance(decided(asked(9, 9), seen(9)), Cosigned)


def test_what_a_key_of_the_witness_could_not_sign_whole_is_400() -> None:
    note = sign_note(f"{TREE.at(3).text}extension\n", [LOG])
    request = request_for(note, old_size=0, proof=())
    assert refusal(decided(request, NOTHING_SEEN)) == (400, None)
    assert isinstance(decided(request, NOTHING_SEEN, signers=[NORTH]), Cosigned)


def test_the_order_of_refusals_is_that_of_the_standard() -> None:
    """Each request is wrong in all that follows as well."""
    wrong = changed(asked(5, 7, tree=FORK, signers=[OTHER_LOG]), old_size=8, proof=())
    assert refusal(decided(wrong, seen(6), known={})) == (404, None)
    assert refusal(decided(wrong, seen(6))) == (403, None)
    signed = changed(wrong, note=sign_note(FORK.at(7).text, [LOG]))
    assert refusal(decided(signed, seen(6))) == (400, None)
    assert refusal(decided(changed(signed, old_size=5), seen(6))) == (409, 6)
    assert refusal(decided(changed(signed, old_size=5), seen(5))) == (422, None)


requests = st.builds(
    lambda tree, signer, old, size, real, lie: changed(
        asked(min(real, size), size, tree=tree, signers=[signer]),
        old_size=old,
        **({} if lie is None else {"proof": tuple(lie)}),
    ),
    tree=st.sampled_from([TREE, FORK]),
    signer=st.sampled_from([LOG, LOG, LOG, OTHER_LOG]),
    old=st.integers(0, 20),
    size=st.integers(0, 20),
    real=st.integers(0, 20),
    lie=st.none() | st.lists(st.sampled_from([TREE.at(9).root, leaf_hash(b"")]), max_size=3),
)


fates = st.sampled_from(
    ["answered", "answered", "killed before writing", "killed before answering"]
)


@given(st.lists(st.tuples(requests, st.booleans(), fates), max_size=25))
@settings(max_examples=200)
def test_a_witness_never_signs_two_that_contradict(asks: list[tuple[Request, bool, str]]) -> None:
    """A log that forks, and a witness that is killed before and after what it writes.

    Half of the requests are made to be as good as they can be: from the size seen last.
    """
    last, cosigned = NOTHING_SEEN, list[tuple[int, bytes]]()
    for request, honest, fate in asks:
        tree = FORK if request.checkpoint.root == FORK.at(request.checkpoint.size).root else TREE
        size = request.checkpoint.size
        asking = asked(last.size, size, tree=tree) if honest and last.size <= size else request
        found = decided(asking, last, signers=[NORTH])
        if isinstance(found, Refused) or fate == "killed before writing":
            continue
        last = found.seen
        if fate == "answered":
            cosigned.append((last.size, last.root))
    sizes = [size for size, _ in cosigned]
    assert sizes == sorted(sizes)
    # All of them are one history's.
    assert any(all(tree.at(size).root == root for size, root in cosigned) for tree in (TREE, FORK))


def test_the_property_above_sees_cosignatures_and_forks() -> None:
    """Else it would say nothing: a fork is tried at a size where it differs, and refused."""
    first = decided(asked(0, 9), NOTHING_SEEN)
    assert isinstance(first, Cosigned)
    assert FORK.at(7) == TREE.at(7)
    assert FORK.at(9).root != TREE.at(9).root
    for size in range(9, 21):
        forked = decided(asked(9, size, tree=FORK), first.seen)
        assert refusal(forked)[0] == (409 if size == 9 else 422)


# The request.

CHECKPOINT = render_note(asked(0, 1).note).decode()
HASH = "jrJZDmY8Y7SyJE0MWLpLozkIVMSMZcD5kvuKxPC3swk="


@given(requests)
def test_a_request_is_read_as_it_was_written(request: Request) -> None:
    assert parse_request(render_request(request)) == request


def test_the_form_is_that_of_the_standard() -> None:
    body = render_request(asked(3, 4)).decode()
    head, _, checkpoint = body.partition("\n\n")
    assert head.split("\n")[0] == "old 3"
    assert len(head.split("\n")) == 4
    assert checkpoint.startswith(f"{ORIGIN}\n4\n")
    assert render_request(asked(0, 1)).decode() == f"old 0\n\n{CHECKPOINT}"


@pytest.mark.parametrize(
    ("body", "match"),
    [
        ("", "old SIZE"),
        ("old 0\n", "old SIZE"),
        (f"\n\n{CHECKPOINT}", "old SIZE"),
        (f"0\n\n{CHECKPOINT}", "old SIZE"),
        (f"old 00\n\n{CHECKPOINT}", "old size"),
        (f"old -1\n\n{CHECKPOINT}", "old size"),
        (f"old  0\n\n{CHECKPOINT}", "old size"),
        (f"old {SIZE_MAX + 1}\n\n{CHECKPOINT}", "old size"),
        (f"old 0\r\n\n{CHECKPOINT}", "U\\+000D"),
        (f"old 0\nAAAA\n\n{CHECKPOINT}", "32 bytes"),
        (f"old 0\n{HASH[:-1]}\n\n{CHECKPOINT}", "base64"),
        (f"old 0\n{HASH} \n\n{CHECKPOINT}", "base64"),
        ("old 0\n" + f"{HASH}\n" * 64 + f"\n{CHECKPOINT}", "at most 63 hashes"),
        ("old 0\n\n", "note"),
        (f"old 0\n\n\n{CHECKPOINT}", "tree size"),
        (f"old 0\n\n{CHECKPOINT[:-1]}", "signatures"),
        (f"old 0\n\nnot one\n\n{CHECKPOINT.partition(chr(10) * 2)[2]}", "checkpoint"),
        ("x" * (REQUEST_BYTES_MAX + 1), "at most"),
    ],
)
def test_what_is_no_request_is_refused(body: str, match: str) -> None:
    with pytest.raises(MalformedInput, match=match):
        parse_request(body.encode())


def test_a_request_may_have_63_hashes() -> None:
    body = "old 1\n" + f"{HASH}\n" * 63 + f"\n{CHECKPOINT}"
    assert len(parse_request(body.encode()).proof) == 63


@given(st.binary(max_size=200).map(lambda rest: b"old 0\n" + rest))
@settings(max_examples=300)
def test_garbage_is_refused(data: bytes) -> None:
    with pytest.raises(MalformedInput):
        parse_request(data)


# The log.


def read(found: Answer, sent: Request, *, newest: int = 20) -> Outcome:
    return read_answer(found, sent, keys=[NORTH.verifier, EAST.verifier], newest=newest)


def test_what_the_witness_gives_the_log_keeps() -> None:
    sent = asked(3, 7)
    found = read(answer(decided(sent, seen(3), signers=[SOUTH, NORTH, EAST])), sent)
    assert found.step is Step.DONE
    # South's is of a key that this log does not know: it is left alone.
    assert [one.key for one in found.cosignatures] == [NORTH.verifier, EAST.verifier]
    assert {one.timestamp for one in found.cosignatures} == {NOW}


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        (b"", "no cosignature"),
        (b"\xff", "UTF-8"),
        (b"nonsense\n", "em dash"),
        (render_note(asked(3, 7).note), "em dash"),
    ],
)
def test_an_answer_without_a_cosignature_is_asked_about(body: bytes, reason: str) -> None:
    found = read(Answer(status=200, content_type=TEXT_TYPE, body=body), asked(3, 7))
    assert (found.step, found.cosignatures) == (Step.ASK, ())
    assert reason in found.reason


def test_cosignatures_of_another_checkpoint_or_without_a_time_are_asked_about() -> None:
    sent = asked(3, 7)
    for other in (
        answer(decided(asked(3, 8), seen(3))),
        answer(decided(sent, seen(3), signers=[SOUTH])),
        answer(Cosigned(seen=seen(7), lines=(sign(EAST, sent.note.text, timestamp=0),))),
    ):
        assert read(other, sent).step is Step.ASK


def test_behind_the_witness_the_log_asks_again_from_where_it_is() -> None:
    sent = asked(3, 7)
    found = read(answer(decided(sent, seen(5))), sent)
    assert (found.step, found.size) == (Step.RESUBMIT, 5)
    again = asked(5, 7)
    assert read(answer(decided(again, seen(5))), again).step is Step.DONE
    # Another process of the log asked for a later one meanwhile.
    found = read(answer(decided(sent, seen(12))), sent)
    assert (found.step, found.size) == (Step.RESUBMIT, 12)
    # A witness that forgot, or never knew.
    found = read(answer(decided(sent, NOTHING_SEEN)), sent)
    assert (found.step, found.size) == (Step.RESUBMIT, 0)


def test_a_witness_that_saw_more_than_there_is_raises_the_alarm() -> None:
    sent = asked(3, 7)
    assert read(answer(decided(sent, seen(12))), sent, newest=11).step is Step.ALARM
    assert read(answer(decided(sent, seen(12))), sent, newest=12).step is Step.RESUBMIT


def test_a_witness_that_saw_another_history_raises_the_alarm() -> None:
    sent = asked(9, 12)
    assert read(answer(decided(sent, seen(9, FORK))), sent).step is Step.ALARM
    same = asked(9, 9)
    assert read(answer(decided(same, seen(9, FORK))), same).step is Step.ALARM


@pytest.mark.parametrize(
    ("content_type", "body", "step", "size"),
    [
        (SIZE_TYPE, b"5\n", Step.RESUBMIT, 5),
        (SIZE_TYPE, b"5", Step.RESUBMIT, 5),
        ("Text/X.tlog.size; charset=utf-8", b"5\n", Step.RESUBMIT, 5),
        (SIZE_TYPE, b"3\n", Step.ASK, None),
        (SIZE_TYPE, b"05\n", Step.ASK, None),
        (SIZE_TYPE, b"5\n\n", Step.ASK, None),
        (SIZE_TYPE, b"", Step.ASK, None),
        (SIZE_TYPE, b"9" * 65, Step.ASK, None),
        ("text/plain", b"5\n", Step.ASK, None),
        ("", b"5\n", Step.ASK, None),
    ],
)
def test_a_conflict_says_which_size(
    content_type: str, body: bytes, step: Step, size: int | None
) -> None:
    found = read(Answer(status=409, content_type=content_type, body=body), asked(3, 7))
    assert (found.step, found.size) == (step, size)


@pytest.mark.parametrize(
    ("status", "step"),
    [
        (400, Step.ASK),
        (403, Step.ASK),
        (404, Step.ASK),
        (422, Step.ALARM),
        (201, Step.WAIT),
        (301, Step.WAIT),
        (429, Step.WAIT),
        (500, Step.WAIT),
        (503, Step.WAIT),
    ],
)
def test_every_other_code_has_its_step(status: int, step: Step) -> None:
    found = read(Answer(status=status, content_type=TEXT_TYPE, body=b"5\n"), asked(3, 7))
    assert found.step is step
    assert found.reason
    assert (found.cosignatures, found.size) == ((), None)


def test_every_refusal_is_told_in_words() -> None:
    decision = decided(asked(0, 1), NOTHING_SEEN, known={})
    assert answer(decision) == Answer(
        status=Status.UNKNOWN_LOG, content_type=TEXT_TYPE, body=b"log: expected a known origin\n"
    )
