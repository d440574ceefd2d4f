"""Limits: what a bucket grants, what it refuses, and when to come back."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from detente.errors import RateLimited
from detente.node.access import limits
from detente.node.access.limits import Bucket, GuessLimits, Pace, PartyLimits

PACES = st.builds(Pace, st.floats(0.01, 1e4), st.floats(1, 1e5))
STEPS = st.lists(st.tuples(st.floats(0, 100), st.floats(0.001, 1e5)), min_size=1, max_size=60)


@given(PACES, STEPS)
def test_no_stretch_of_time_grants_more_than_the_burst_and_what_filled_in(
    pace: Pace, steps: list[tuple[float, float]]
) -> None:
    bucket = Bucket(pace, 0.0)
    now_s = 0.0
    granted: list[tuple[float, float]] = []
    for step_s, share in steps:
        now_s += step_s
        amount = min(share, pace.burst)
        if bucket.take(pace, amount, now_s) == 0:
            granted.append((now_s, amount))
    for first, (start_s, _) in enumerate(granted):
        total = 0.0
        for at_s, amount in granted[first:]:
            total += amount
            allowed = pace.burst + (at_s - start_s) * pace.per_s
            assert total <= allowed * (1 + 1e-9) + 1e-6


@given(PACES, STEPS)
def test_whoever_comes_back_when_told_is_granted(
    pace: Pace, steps: list[tuple[float, float]]
) -> None:
    bucket = Bucket(pace, 0.0)
    now_s = 0.0
    for step_s, amount in steps:
        now_s += step_s
        wait_s = bucket.take(pace, amount, now_s)
        assert wait_s >= 0
        if wait_s:
            now_s += wait_s * (1 + 1e-9) + 1e-6
            assert bucket.take(pace, amount, now_s) == 0


def test_a_refusal_costs_nothing_and_a_clock_that_goes_back_gives_nothing() -> None:
    pace = Pace(1.0, 2.0)
    bucket = Bucket(pace, 100.0)
    assert bucket.take(pace, 2, 100.0) == 0
    assert bucket.take(pace, 1, 100.0) == 1
    assert bucket.take(pace, 1, 100.0) == 1
    assert bucket.take(pace, 1, 50.0) == 1
    assert bucket.take(pace, 1, 101.0) == 0


def test_more_than_the_burst_is_taken_from_a_full_bucket_and_owed() -> None:
    pace = Pace(1.0, 10.0)
    bucket = Bucket(pace, 0.0)
    assert bucket.take(pace, 25, 0.0) == 0
    assert bucket.take(pace, 1, 15.0) == 1
    assert bucket.take(pace, 1, 16.0) == 0


def test_parties_are_limited_apart_in_requests_and_bytes(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(limits, "BYTES_BURST", 1_000.0)
    party_limits = PartyLimits(1.0, 100.0)
    party_limits.take("one", now_s=0.0)
    party_limits.take("one", now_s=0.0)
    with pytest.raises(RateLimited, match="requests of one") as refused:
        party_limits.take("one", now_s=0.0)
    assert refused.value.retry_after_s == 1
    party_limits.take("two", now_s=0.0, data=1_000)
    with pytest.raises(RateLimited, match="bytes of two") as refused:
        party_limits.take("two", now_s=0.0, data=500)
    assert refused.value.retry_after_s == 5
    party_limits.take("two", now_s=5.0, data=500)


def test_the_limits_leave_room_for_what_a_node_is_to_answer() -> None:
    party_limits = PartyLimits()
    for number in range(20_000):
        party_limits.take("one", now_s=number / 2_000, data=1_000)


def test_guesses_are_limited_by_name_from_wherever_they_come() -> None:
    guesses = GuessLimits()
    for number in range(int(limits.GUESSES_BURST)):
        guesses.take("somebody", f"192.0.2.{number}", now_s=0.0)
    with pytest.raises(RateLimited, match="this name") as refused:
        guesses.take("somebody", "198.51.100.1", now_s=0.0)
    assert refused.value.retry_after_s == 10
    guesses.take("somebody else", "198.51.100.1", now_s=0.0)
    guesses.take("somebody", "198.51.100.1", now_s=10.0)


def test_guesses_are_limited_by_address_whomever_they_are_for() -> None:
    guesses = GuessLimits()
    for number in range(int(limits.ADDRESS_GUESSES_BURST)):
        guesses.take(f"name {number}", "192.0.2.1", now_s=0.0)
    with pytest.raises(RateLimited, match="this address"):
        guesses.take("another", "192.0.2.1", now_s=0.0)


def test_a_flood_of_names_neither_fills_the_memory_nor_frees_a_name(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(limits, "SLOTS", 64)
    guesses = GuessLimits(address=Pace(1e9, 1e9))
    for _ in range(int(limits.GUESSES_BURST)):
        guesses.take("wanted", "192.0.2.1", now_s=0.0)
    for number in range(5_000):
        try:
            guesses.take(f"flood {number}", "192.0.2.1", now_s=0.0)
        except RateLimited:
            continue
    assert len(guesses._buckets) <= 3 * 64
    with pytest.raises(RateLimited):
        guesses.take("wanted", "192.0.2.1", now_s=0.0)


def test_whoever_guesses_at_a_name_does_not_keep_its_owner_out() -> None:
    guesses = GuessLimits()
    taken = guesses.take("owner", "192.0.2.1", now_s=0.0)
    guesses.succeeded("owner", "192.0.2.1", taken)
    for _ in range(int(limits.GUESSES_BURST)):
        guesses.take("owner", "198.51.100.1", now_s=0.0)
    with pytest.raises(RateLimited):
        guesses.take("owner", "198.51.100.1", now_s=0.0)
    guesses.take("owner", "192.0.2.1", now_s=0.0)
    # Nor is that address a way to guess without a limit.
    for _ in range(int(limits.GUESSES_BURST) - 1):
        guesses.take("owner", "192.0.2.1", now_s=0.0)
    with pytest.raises(RateLimited, match="this name"):
        guesses.take("owner", "192.0.2.1", now_s=0.0)


def test_those_who_know_their_secret_are_not_slowed() -> None:
    guesses = GuessLimits()
    for _ in range(200):
        taken = guesses.take("client", "192.0.2.1", now_s=0.0)
        guesses.succeeded("client", "192.0.2.1", taken)


def test_those_who_prove_themselves_at_once_are_given_back_all_that_they_took() -> None:
    guesses = GuessLimits()
    for _ in range(20):
        taken = [guesses.take("client", "192.0.2.1", now_s=0.0) for _ in range(4)]
        for one in taken:
            guesses.succeeded("client", "192.0.2.1", one)
    # The first of them took from its name, which is whole: nobody else is kept out.
    for _ in range(int(limits.GUESSES_BURST)):
        guesses.take("client", "198.51.100.1", now_s=0.0)


def test_only_so_many_known_addresses_are_remembered(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "SLOTS", 64)
    guesses = GuessLimits()
    for number in range(200):
        taken = guesses.take(f"n{number}", f"a{number}", now_s=number * 100.0)
        guesses.succeeded(f"n{number}", f"a{number}", taken)
    assert len(guesses._known) <= 16


def test_no_limit_is_no_limit() -> None:
    party_limits = PartyLimits(0, 0)
    for _ in range(10_000):
        party_limits.take("one", now_s=0.0, data=10**9)
