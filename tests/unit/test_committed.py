"""A committed check says what was told: all of it, in whole numbers, and nothing else."""

from hypothesis import given, settings

from detente.core.check import Finding, Verdict
from detente.core.committed import Question, Reason, told
from detente.core.wire import decode, encode
from strategies import questions, verdicts


@given(questions, verdicts)
@settings(max_examples=100)
def test_all_that_was_told_is_committed_to(question: Question, verdict: Verdict) -> None:
    made = told(question, verdict, root=b"r" * 32, object_id="0" * 32)
    data = encode(made)
    assert decode(data) == made
    assert (made.party, made.plan, made.method) == (question.party, question.plan, question.method)
    assert (made.sequence, made.root) == (verdict.sequence, (b"r" * 32).hex())
    assert (made.verdict, made.as_of) == (verdict.verdict, verdict.as_of)
    assert (made.withheld, made.sources) == (verdict.withheld, verdict.sources)
    assert tuple(map(found, made.findings)) == verdict.findings


def found(one: Reason) -> Finding:
    """The finding again: a verdict is in whole millimetres, so nothing is lost."""
    return Finding(
        rule=one.rule,
        kind=one.kind,
        id=one.id,
        name=one.name,
        category=one.category,
        distance_m=one.distance_mm / 1_000,
        distance_error_m=one.distance_error_mm / 1_000,
        separation_m=one.separation_mm / 1_000,
        start=one.start,
        end=one.end,
        severity=one.severity,
        party=one.party,
        desk=one.desk,
        stale=one.stale,
        disputed=one.disputed,
        object=one.object,
    )
