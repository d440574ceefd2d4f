"""Where people are told: what is taken, what is kept, and that nobody uses another's."""

import asyncio
import base64
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st
from nacl.secret import SecretBox

from detente.core.reach import Allowed
from detente.errors import MalformedInput, NotPermitted
from detente.node.telling.people import (
    PARAMETERS,
    PLAIN,
    SECURE,
    Note,
    People,
    PeopleTerms,
    check_target,
)

NOTE = Note(title="t", body="b")


@pytest.mark.parametrize("scheme", sorted(SECURE))
def test_a_gateway_with_tls_is_taken(scheme: str) -> None:
    check_target(f"{scheme}://a:b@example.org/c?to=d@example.org&smtp=e", Allowed())


@pytest.mark.parametrize("scheme", sorted(PLAIN))
def test_one_without_is_taken_where_the_operator_says_so(scheme: str) -> None:
    with pytest.raises(NotPermitted, match="TLS"):
        check_target(f"{scheme}://example.org", Allowed(private=True))
    check_target(f"{scheme}://example.org", Allowed(http=True))


@given(
    scheme=st.sampled_from(["mailtos", "json", "file", ""]),
    rest=st.text() | st.text("?&;#=verifyto,:/@%\\", max_size=30),
)
def test_what_is_taken_has_known_parameters_alone(scheme: str, rest: str) -> None:
    url = f"{scheme}://{rest}"
    with suppress(MalformedInput, NotPermitted):
        check_target(url, Allowed(http=True))
        assert ";" not in url
        query = url.partition("?")[2]
        names = [one.partition("=")[0] for one in query.split("&")] if query else []
        assert set(names) <= PARAMETERS


def test_what_was_not_sealed_here_for_this_party_goes_nowhere() -> None:
    people = People(bytes(32), Allowed(), PeopleTerms())
    box: SecretBox = people._box
    theirs = base64.b64encode(box.encrypt(b'{"party":"one","url":"jsons://192.0.2.1/"}')).decode()
    other = base64.b64encode(SecretBox(bytes(32)).encrypt(b"{}")).decode()
    broken = base64.b64encode(box.encrypt(b"{")).decode()
    bad = base64.b64encode(box.encrypt(b'{"party":"two","url":"file:///etc/x"}')).decode()
    for sealed in (theirs, other, broken, bad, "", "!", "é"):
        assert not asyncio.run(people.post(sealed, "two", NOTE)).ok
