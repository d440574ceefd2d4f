"""A provider that misbehaves: each check of what comes back, broken once, with real keys."""

import asyncio
import json
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st
from joserfc.jwk import ECKey, Key

from detente.core.principal import Role
from detente.errors import DetenteError, NotAuthentic, NotPermitted, Unavailable
from detente.node.access.accounts import Identity
from detente.node.access.oidc import (
    DISCOVERY_FRESH_S,
    SIGN_IN_S,
    Begun,
    Provider,
    Returned,
    granted,
)
from detente.node.access.settings import Grant, ProviderSettings
from tokens import EC, ED, NOW_S, RSA, raw_token, token

CALLBACK = "https://node.example/v1/sign-in/test/callback"
SECRET = "of the node and the provider"  # noqa: S105 - of a test
GRANTS = (
    Grant(claim="groups", value="air", party="one", roles=(Role.PLANNER,)),
    Grant(claim="groups", value="sea", party="one", roles=(Role.WATCH,)),
    Grant(claim="role", value="land", party="two", roles=(Role.NOTIFIER,)),
)


class FakeProvider:
    """Answers as it is told; ``asked`` holds what it was sent."""

    def __init__(self) -> None:
        self.url = ""
        self.key: Key = EC
        self.alg = "ES256"
        self.nonce = ""
        self.discovery: dict[str, Any] = {}
        self.claims: dict[str, Any] = {}
        self.token: dict[str, Any] | None = None
        self.userinfo: Any = {"sub": "ana", "groups": ["air"]}
        self.statuses: dict[str, int] = {}
        self.asked: list[tuple[str, dict[str, str], str]] = []

    def answer(self, path: str) -> Any:
        match path:
            case "/.well-known/openid-configuration":
                return {
                    "issuer": self.url,
                    "authorization_endpoint": f"{self.url}/auth",
                    "token_endpoint": f"{self.url}/token",
                    "jwks_uri": f"{self.url}/jwks",
                    "userinfo_endpoint": f"{self.url}/me",
                    **self.discovery,
                }
            case "/jwks":
                return {"keys": [{**self.key.as_dict(private=False), "kid": "k"}]}
            case "/token":
                return self.token or {"id_token": self.id_token(), "access_token": "at"}
            case _:
                return self.userinfo

    def id_token(self) -> str:
        claims = {
            "iss": self.url,
            "sub": "ana",
            "aud": "detente",
            "exp": NOW_S + 60,
            "iat": NOW_S,
            "nonce": self.nonce,
            "groups": ["air", "lunch"],
            "nbf": None,
            "scope": None,
            **self.claims,
        }
        return token(self.key, self.alg, header={"kid": "k"}, **claims).decode()


@pytest.fixture
def fake() -> Iterator[FakeProvider]:
    one = FakeProvider()

    class Handler(BaseHTTPRequestHandler):
        def answer(self) -> None:
            path = urlsplit(self.path).path
            body = self.rfile.read(int(self.headers.get("content-length", 0)))
            one.asked.append((path, dict(self.headers), body.decode()))
            given_ = one.answer(path)
            data = given_ if isinstance(given_, bytes) else json.dumps(given_).encode()
            self.send_response(one.statuses.get(path, 200))
            self.send_header("Content-Length", str(len(data)))
            self.end_headers()
            self.wfile.write(data)

        do_GET = do_POST = answer  # noqa: N815 - the library's names

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    one.url = f"http://127.0.0.1:{server.server_port}"
    thread = Thread(target=server.serve_forever)
    thread.start()
    yield one
    server.shutdown()
    thread.join()
    server.server_close()


def sign_in(fake: FakeProvider, **returned: Any) -> tuple[Begun, Identity]:
    """A whole sign-in, with what the browser brings back changed."""

    async def story() -> tuple[Begun, Identity]:
        settings = ProviderSettings(
            id="test",
            name="Test",
            issuer=fake.url,
            client_id="detente",
            client_secret=returned.pop("secret", SECRET),
            grants=GRANTS,
            algorithm=returned.pop("algorithm", None),
        )
        late_s = returned.pop("late_s", 0)
        async with httpx.AsyncClient(timeout=30) as web:
            provider = Provider(settings, web, CALLBACK)
            url, begun = await provider.begin(NOW_S)
            query = parse_qs(urlsplit(url).query)
            assert query["state"] == [begun.state]
            assert query["redirect_uri"] == [CALLBACK]
            assert query["code_challenge_method"] == ["S256"]
            assert query["code_challenge"] != [begun.verifier]
            assert query["response_type"] == ["code"]
            [fake.nonce] = query["nonce"]
            brought = Returned(**{"code": "c", "state": begun.state, **returned})
            return begun, await provider.finish(begun, brought, NOW_S + late_s)

    return asyncio.run(story())


def test_a_sign_in_that_holds(fake: FakeProvider) -> None:
    fake.claims = {"role": "lunch"}
    begun, who = sign_in(fake, iss=fake.url)
    assert who == Identity(
        party="one", roles=frozenset({Role.PLANNER}), subject="ana", issuer=fake.url
    )
    [(headers, body)] = [(head, body) for path, head, body in fake.asked if path == "/token"]
    sent = parse_qs(body)
    assert sent["code_verifier"] == [begun.verifier]
    assert sent["grant_type"] == ["authorization_code"]
    assert sent["redirect_uri"] == [CALLBACK]
    assert headers["Authorization"].startswith("Basic ")
    assert "client_secret" not in sent
    assert not [path for path, _, _ in fake.asked if path == "/me"]


def test_a_provider_that_wants_the_secret_in_the_body_or_none(fake: FakeProvider) -> None:
    fake.discovery = {"token_endpoint_auth_methods_supported": ["client_secret_post"]}
    sign_in(fake)
    [body] = [body for path, _, body in fake.asked if path == "/token"]
    assert parse_qs(body)["client_secret"] == [SECRET]
    fake.asked.clear()
    sign_in(fake, secret=None)
    [(headers, body)] = [(head, body) for path, head, body in fake.asked if path == "/token"]
    assert "client_secret" not in body
    assert "Authorization" not in headers
    assert parse_qs(body)["client_id"] == ["detente"]


@pytest.mark.parametrize(
    ("claims", "why"),
    [
        ({"iss": "https://evil.example"}, "issuer"),
        ({"aud": "another"}, "for this node"),
        ({"aud": ["detente", "another"]}, "for this node"),
        ({"aud": ["detente", "another"], "azp": "another"}, "asked for"),
        ({"azp": "another"}, "asked for"),
        ({"exp": NOW_S}, "valid now"),
        ({"iat": NOW_S + 31}, "valid now"),
        ({"nonce": "another"}, "nonce"),
        ({"nonce": None}, "claims"),
        ({"sub": ""}, "subject"),
        ({"sub": "x" * 256}, "subject"),
        ({"sub": None}, "claims"),
        ({"iat": None}, "claims"),
        ({"exp": "x"}, "claims"),
    ],
)
def test_an_id_token_that_does_not_hold_is_refused(
    fake: FakeProvider, claims: dict[str, Any], why: str
) -> None:
    fake.claims = claims
    with pytest.raises(NotAuthentic, match=why):
        sign_in(fake)


def test_an_id_token_for_several_names_us_as_the_one_who_asked(fake: FakeProvider) -> None:
    fake.claims = {"aud": ["detente", "another"], "azp": "detente"}
    assert sign_in(fake)[1].party == "one"


def test_an_id_token_by_another_key_or_algorithm_is_refused(fake: FakeProvider) -> None:
    stranger = ECKey.generate_key("P-256")
    for forged in (
        token(stranger, "ES256", header={"kid": "k"}, iss=fake.url),
        raw_token({"alg": "none"}, {"iss": fake.url}),
        raw_token({"alg": "HS256", "kid": "k"}, {"iss": fake.url}, b"x"),
        fake.id_token().encode()[:-4],
        b"garbage",
        b"",
    ):
        fake.token = {"id_token": forged.decode(), "access_token": "at"}
        with pytest.raises(NotAuthentic):
            sign_in(fake)
    fake.token = None
    with pytest.raises((NotAuthentic, Unavailable)):
        sign_in(fake, algorithm="RS256")


def test_any_of_our_algorithms_will_do(fake: FakeProvider) -> None:
    for key, alg in ((RSA, "RS256"), (ED, "EdDSA")):
        fake.key, fake.alg = key, alg
        assert sign_in(fake)[1].subject == "ana"


@pytest.mark.parametrize(
    "returned",
    [
        {"state": "another"},
        {"state": None},
        {"state": "\ud800"},
        {"iss": "https://evil.example"},
        {"code": None},
        {"error": "access_denied"},
        {"late_s": SIGN_IN_S},
    ],
)
def test_a_browser_that_brings_something_else_back_is_refused(
    fake: FakeProvider, returned: dict[str, Any]
) -> None:
    with pytest.raises(NotAuthentic):
        sign_in(fake, **returned)
    assert not [path for path, _, _ in fake.asked if path == "/token"]


def test_a_provider_that_says_it_names_itself_must(fake: FakeProvider) -> None:
    fake.discovery = {"authorization_response_iss_parameter_supported": True}
    with pytest.raises(NotAuthentic):
        sign_in(fake)
    assert sign_in(fake, iss=fake.url)[1].party == "one"


def test_another_providers_sign_in_does_not_end_here(fake: FakeProvider) -> None:
    async def story() -> None:
        async with httpx.AsyncClient(timeout=30) as web:
            one, two = (
                Provider(
                    ProviderSettings(
                        id=id_, name="x", issuer=fake.url, client_id="detente", grants=GRANTS
                    ),
                    web,
                    CALLBACK,
                )
                for id_ in ("one", "two")
            )
            _, begun = await one.begin(NOW_S)
            with pytest.raises(NotAuthentic):
                await two.finish(begun, Returned(code="c", state=begun.state), NOW_S)

    asyncio.run(story())


def test_what_the_id_token_does_not_say_is_asked_about_the_same_person(
    fake: FakeProvider,
) -> None:
    fake.claims = {"groups": None}
    assert sign_in(fake)[1].roles == {Role.PLANNER}
    assert fake.asked[-1][1]["Authorization"] == "Bearer at"
    fake.userinfo = {"sub": "ben", "groups": ["air"]}
    with pytest.raises(NotAuthentic, match="same person"):
        sign_in(fake)
    # What was signed is never overridden by what was only told.
    fake.claims = {"groups": ["lunch"]}
    fake.userinfo = {"sub": "ana", "groups": ["air"]}
    with pytest.raises(NotPermitted):
        sign_in(fake)
    fake.discovery = {"userinfo_endpoint": None}
    fake.claims = {"groups": None}
    with pytest.raises(NotPermitted):
        sign_in(fake)


@pytest.mark.parametrize(
    "discovery",
    [
        {"issuer": "https://evil.example"},
        {"token_endpoint": "http://evil.example/token"},
        {"jwks_uri": "file:///etc/passwd"},
        {"userinfo_endpoint": "http://evil.example/me"},
        {"authorization_endpoint": None},
    ],
)
def test_a_provider_whose_addresses_cannot_be_trusted_is_unavailable(
    fake: FakeProvider, discovery: dict[str, Any]
) -> None:
    fake.discovery = discovery
    with pytest.raises(Unavailable):
        sign_in(fake)


@pytest.mark.parametrize(
    ("path", "status", "error"),
    [
        ("/.well-known/openid-configuration", 500, Unavailable),
        ("/.well-known/openid-configuration", 302, Unavailable),
        ("/jwks", 500, Unavailable),
        ("/token", 400, NotAuthentic),
        ("/token", 503, Unavailable),
    ],
)
def test_a_provider_that_fails(
    fake: FakeProvider, path: str, status: int, error: type[DetenteError]
) -> None:
    fake.statuses[path] = status
    with pytest.raises(error):
        sign_in(fake)


@pytest.mark.parametrize("token_", [{"access_token": "x"}, {"id_token": 7}, [1]])
def test_a_token_answer_that_is_none(fake: FakeProvider, token_: Any) -> None:
    fake.token = token_
    with pytest.raises(Unavailable):
        sign_in(fake)


def test_a_provider_that_is_gone_and_one_that_moved(fake: FakeProvider) -> None:
    async def story() -> None:
        async with httpx.AsyncClient(timeout=30) as web:
            settings = ProviderSettings(
                id="test", name="x", issuer=fake.url, client_id="detente", grants=GRANTS
            )
            provider = Provider(settings, web, CALLBACK)
            await provider.begin(NOW_S)
            await provider.begin(NOW_S + DISCOVERY_FRESH_S)
            assert len(fake.asked) == 1
            fake.discovery = {"authorization_endpoint": f"{fake.url}/elsewhere"}
            url, _ = await provider.begin(NOW_S + DISCOVERY_FRESH_S + 1)
            assert url.startswith(f"{fake.url}/elsewhere?")
            fake.discovery = {"jwks_uri": " " * 300_000}
            with pytest.raises(Unavailable):
                await provider.begin(NOW_S + 3 * DISCOVERY_FRESH_S)

    asyncio.run(story())


# Grants.


def test_grants_add_up_within_one_party() -> None:
    assert granted(GRANTS, {"groups": ["air", "sea"]}) == (
        "one",
        frozenset({Role.PLANNER, Role.WATCH}),
    )
    assert granted(GRANTS, {"role": "land"}) == ("two", frozenset({Role.NOTIFIER}))


CLAIM = st.none() | st.booleans() | st.text(max_size=5) | st.lists(st.text(max_size=5))


@given(st.dictionaries(st.sampled_from(["groups", "role", "x"]), CLAIM | st.just(["air"])))
def test_grants_give_one_party_or_refuse(claims: dict[str, Any]) -> None:
    try:
        party, roles = granted(GRANTS, claims)
    except NotPermitted:
        return
    assert party == "one"
    assert roles


@pytest.mark.parametrize(
    "claims",
    [
        {},
        {"groups": None},
        {"groups": "airport"},
        {"groups": {"air": True}},
        {"groups": [["air"]]},
        {"Groups": ["air"]},
        {"groups": ["air"], "role": "land"},
    ],
)
def test_what_grants_nothing_or_two_parties_is_refused(claims: dict[str, Any]) -> None:
    with pytest.raises(NotPermitted, match="one party"):
        granted(GRANTS, claims)
