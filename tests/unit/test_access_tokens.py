"""The node's own tokens: who gets one, who does not, and what it is worth."""

import asyncio
import base64
import shutil
import time
from collections.abc import Callable, Coroutine, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st
from joserfc import jwt
from joserfc.jwk import OKPKey

from access_node import Served, serving
from detente.core.party import Party
from detente.core.principal import Method, Scope
from detente.errors import MalformedInput, NotAuthentic, NotPermitted, RateLimited
from detente.node.access import secret as secret_module
from detente.node.access.gate import Gate
from detente.node.access.issuers import Issuers
from detente.node.access.keys import sign
from detente.node.access.secret import Verifier, hash_password, matches, new_secret
from detente.node.access.settings import (
    AccessSettings,
    IssuerSettings,
    access_settings,
)
from detente.node.access.tokens import (
    TOKEN_LIFE_S,
    TokenIssuer,
    TokenKeys,
    TokenRefused,
    TokenRequest,
    read_request,
)
from detente.node.keyring import Keyring
from detente.settings import Settings
from detente.store import Client, Store
from tokens import NOW_S, RSA, Parties, token
from world import NOW

FORM = "application/x-www-form-urlencoded"
SECRET = new_secret()
GIVEN = frozenset({Scope.READ, Scope.UTM_STRATEGIC_COORDINATION})


@pytest.fixture(scope="module")
def secret_hash() -> str:
    return hash_password(SECRET)


@pytest.fixture
def store(register: Path, secret_hash: str) -> Iterator[Store]:
    """A register with the client ``uss`` of party one."""
    one = Store(register)
    client = Client(id="uss", party="one", scopes=GIVEN, secret_hash=secret_hash)
    one.access.add_client(client, now=NOW)
    yield one
    one.close()


def gate_at_work(
    store: Store,
    register: Path,
    story: Callable[[Gate], Coroutine[Any, Any, None]],
    parties: Parties | None = None,
    **settings: Any,
) -> None:
    chosen = AccessSettings(url="https://node.example", **settings)

    async def run() -> None:
        gate = Gate(chosen, store.access, Keyring(register), parties or Parties("one", "two"))
        async with gate.running():
            await story(gate)

    asyncio.run(run())


def asked(secret: str = SECRET, client: str = "uss", *scopes: str) -> TokenRequest:
    return TokenRequest(client_id=client, secret=secret, scopes=scopes or None)


def test_a_client_gets_a_token_and_is_known_by_it(store: Store, register: Path) -> None:
    async def story(gate: Gate) -> None:
        granted = await gate.grant(asked(), address="a", now_s=NOW_S)
        assert granted.token_type == "Bearer"  # noqa: S105 - a word
        assert granted.expires_in == TOKEN_LIFE_S
        assert set(granted.scope.split()) == GIVEN
        found = await gate.by_token(granted.access_token.encode(), NOW_S)
        assert (found.party, found.subject, found.method) == ("one", "one", Method.CLIENT)
        assert found.scopes == GIVEN
        assert gate.recall_token(granted.access_token.encode(), NOW_S) is found
        late = NOW_S + TOKEN_LIFE_S
        assert gate.recall_token(granted.access_token.encode(), late) is None
        with pytest.raises(NotAuthentic, match="expired"):
            await gate.by_token(granted.access_token.encode(), late)

    gate_at_work(store, register, story)


def test_others_can_verify_it_by_the_published_keys(store: Store, register: Path) -> None:
    async def story(gate: Gate) -> None:
        granted = await gate.grant(asked(), address="a", now_s=NOW_S)
        [published] = gate.tokens.keys.jwks()["keys"]
        assert "d" not in published
        assert (published["use"], published["alg"], published["crv"]) == ("sig", "EdDSA", "Ed25519")
        with pytest.warns(match="EdDSA"):
            read = jwt.decode(
                granted.access_token, OKPKey.import_key(published), algorithms=["EdDSA"]
            )
        assert read.header == {"alg": "EdDSA", "typ": "at+jwt", "kid": published["kid"]}
        claims = read.claims
        assert claims["iss"] == "https://node.example"
        assert claims["aud"] == "node.example"
        assert (claims["sub"], claims["client_id"]) == ("one", "uss")
        assert claims["exp"] - claims["iat"] == TOKEN_LIFE_S
        assert len(claims["jti"]) == 32

    gate_at_work(store, register, story)


def test_scopes_are_the_clients_or_fewer(store: Store, register: Path) -> None:
    async def story(gate: Gate) -> None:
        granted = await gate.grant(asked(SECRET, "uss", "detente.read"), address="a", now_s=NOW_S)
        assert granted.scope == "detente.read"
        for beyond in ("detente.admin", "no.such.scope"):
            with pytest.raises(TokenRefused, match="only those given to it") as refused:
                await gate.grant(
                    asked(SECRET, "uss", "detente.read", beyond), address="a", now_s=NOW_S
                )
            assert refused.value.error == "invalid_scope"

    gate_at_work(store, register, story)


def test_wrong_secrets_and_unknown_clients_look_alike_and_are_slowed(
    store: Store, register: Path
) -> None:
    async def story(gate: Gate) -> None:
        said = set()
        for request in (asked("wrong"), asked(client="nobody"), asked(SECRET + "x")):
            with pytest.raises(TokenRefused) as refused:
                await gate.grant(request, address="a", now_s=NOW_S)
            said.add((refused.value.error, str(refused.value)))
        assert len(said) == 1
        refusals = 0
        for _ in range(10):
            try:
                await gate.grant(asked("wrong"), address="b", now_s=NOW_S)
            except RateLimited:
                refusals += 1
            except TokenRefused:
                pass
        assert refusals

    gate_at_work(store, register, story)


def test_a_client_at_work_is_never_slowed_and_hashes_once(
    store: Store, register: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    hashed = []

    def counting(kept: str | None, given_: str) -> bool:
        hashed.append(given_)
        return matches(kept, given_)

    monkeypatch.setattr(secret_module, "matches", counting)

    async def story(gate: Gate) -> None:
        for number in range(100):
            await gate.grant(asked(), address="a", now_s=NOW_S + number / 10)
        assert len(hashed) == 1
        await gate.grant(asked(), address="a", now_s=NOW_S + 301)
        assert len(hashed) == 2

    gate_at_work(store, register, story)


def test_a_revoked_client_is_out_with_its_tokens_and_its_remembered_secret(
    store: Store, register: Path
) -> None:
    async def story(gate: Gate) -> None:
        now_s = time.time()
        granted = (await gate.grant(asked(), address="a", now_s=now_s)).access_token.encode()
        await gate.by_token(granted, now_s)
        store.access.revoke_client("uss", now=NOW)  # long ago, by another clock
        await gate.catch_up(NOW.timestamp())
        assert gate.recall_token(granted, now_s) is None
        with pytest.raises(NotAuthentic, match="not revoked"):
            await gate.by_token(granted, now_s)
        with pytest.raises(TokenRefused):
            await gate.grant(asked(), address="a", now_s=now_s)

    gate_at_work(store, register, story)


def test_another_worker_learns_of_a_revocation(
    store: Store, register: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("detente.node.access.gate.REVOKED_WITHIN_S", 0.05)

    async def story(gate: Gate) -> None:
        now_s = time.time()
        granted = (await gate.grant(asked(), address="a", now_s=now_s)).access_token.encode()
        await gate.by_token(granted, now_s)
        other = Store(register)
        other.access.revoke_client("uss", now=datetime.now(UTC))
        other.close()
        async with asyncio.timeout(30):
            while gate.recall_token(granted, now_s) is not None:  # noqa: ASYNC110 - the gate tells nobody
                await asyncio.sleep(0.05)

    gate_at_work(store, register, story)


def test_a_store_that_fails_does_not_end_the_following(
    store: Store, register: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("detente.node.access.gate.REVOKED_WITHIN_S", 0.02)

    async def story(gate: Gate) -> None:
        calls = []

        async def failing(now_s: float) -> None:
            calls.append(now_s)
            raise RuntimeError("away")

        monkeypatch.setattr(gate, "catch_up", failing)
        async with asyncio.timeout(30):
            while len(calls) < 2:  # noqa: ASYNC110 - the gate tells nobody
                await asyncio.sleep(0.02)

    gate_at_work(store, register, story)


# What is not a token of the node's.


def test_other_tokens_by_the_same_key_are_none(store: Store, register: Path) -> None:
    """A token of another kind, or for longer than we give, or of an unknown party."""

    async def story(gate: Gate) -> None:
        keys = gate.tokens.keys
        claims = {
            "iss": "https://node.example",
            "sub": "one",
            "client_id": "uss",
            "aud": "node.example",
            "exp": NOW_S + 60,
            "scope": "detente.read",
        }
        good = keys.sign(claims).encode()
        assert await gate.by_token(good, NOW_S)
        other_type = sign(claims, keys._key, kid=keys.kid, typ="JWT").encode()
        with pytest.raises(NotAuthentic, match="type"):
            await gate.by_token(other_type, NOW_S)
        long = keys.sign({**claims, "exp": NOW_S + TOKEN_LIFE_S + 60}).encode()
        with pytest.raises(NotAuthentic, match="ahead"):
            await gate.by_token(long, NOW_S)
        nobody = keys.sign({**claims, "sub": "nobody"}).encode()
        for _ in range(2):  # also when it is remembered
            with pytest.raises(NotPermitted, match="admitted"):
                await gate.by_token(nobody, NOW_S)
            assert gate.recall_token(nobody, NOW_S) is None

    gate_at_work(store, register, story)


def test_the_nodes_key_for_tokens_is_kept_and_can_be_replaced(register: Path) -> None:
    keyring = Keyring(register)
    first = TokenKeys(keyring)
    assert TokenKeys(keyring).kid == first.kid
    path = keyring.path("_tokens")
    assert path.stat().st_mode & 0o777 == 0o600
    path.rename(keyring.path("_tokens-2025"))
    second = TokenKeys(keyring)
    assert second.kid != first.kid
    assert {one["kid"] for one in second.jwks()["keys"]} == {first.kid, second.kid}
    settings = AccessSettings(url="https://node.example")
    old = first.sign(
        {"iss": settings.url, "sub": "one", "aud": "node.example", "exp": NOW_S + 9, "scope": ""}
    )
    issuers = Issuers([TokenIssuer(settings, second).issuer()])
    assert asyncio.run(issuers.vouch(old.encode(), NOW_S)).principal.party == "one"
    keyring.path("_tokens-2025").unlink()
    issuers = Issuers([TokenIssuer(settings, TokenKeys(keyring)).issuer()])
    with pytest.raises(NotAuthentic):
        asyncio.run(issuers.vouch(old.encode(), NOW_S))


# Issuers that introduce parties.


def outside(register: Path, **changes: Any) -> IssuerSettings:
    path = register.with_name("rsa.pem")
    path.write_bytes(RSA.as_pem(private=False))
    return IssuerSettings(
        issuer="https://issuer.example",
        audiences=("node.example",),
        key_files=(str(path),),
        **changes,
    )


def test_a_party_that_nobody_admitted_is_refused(store: Store, register: Path) -> None:
    async def story(gate: Gate) -> None:
        for _ in range(2):
            with pytest.raises(NotPermitted, match="uss_three"):
                await gate.by_token(token(sub="uss_three"), NOW_S)
        assert gate.recall_token(token(sub="uss_three"), NOW_S) is None

    gate_at_work(store, register, story, issuers=(outside(register),))


def test_an_issuer_may_introduce_parties_by_their_subject(store: Store, register: Path) -> None:
    parties = Parties("one", "uss-four")
    parties.parties["uss-four"] = Party(id="uss-four", name="Four", subject="uss_4")

    async def story(gate: Gate) -> None:
        found = await gate.by_token(token(sub="uss_three"), NOW_S)
        assert parties.parties[found.party].subject == found.subject == "uss_three"
        plain = await gate.by_token(token(sub="uss3"), NOW_S)
        assert plain.party == "uss3"
        assert parties.parties["uss3"].subject is None
        known = await gate.by_token(token(sub="uss_4"), NOW_S)
        assert known.party == "uss-four"
        # Its id is not its subject: whoever names himself so is not it.
        with pytest.raises(NotPermitted):
            await gate.by_token(token(sub="uss-four"), NOW_S)
        # And once the record calls it otherwise, what was remembered does not hold.
        remembered = token(sub="uss_4")
        assert gate.recall_token(remembered, NOW_S)
        parties.parties["uss-four"] = Party(id="uss-four", name="Four", subject="uss_44")
        assert gate.recall_token(remembered, NOW_S) is None
        with pytest.raises(NotPermitted):
            await gate.by_token(remembered, NOW_S)

    gate_at_work(store, register, story, parties, issuers=(outside(register, introduces=True),))


def test_the_record_has_the_party_that_was_introduced(register: Path) -> None:
    chosen = AccessSettings(issuers=(outside(register, introduces=True),))
    with serving(register, chosen) as node:
        now_s = time.time()
        bearer = token(sub="uss_three", exp=now_s + 60, nbf=None).decode()
        who = httpx.get(f"{node.url}/v1/session", headers={"authorization": f"Bearer {bearer}"})
        assert who.status_code == 200, who.text
        party = node.engine.world.party_of("uss_three")
        assert party is not None
        assert (who.json()["party"], party.name, party.keys) == (party.id, "uss_three", ())


# The endpoint.


@pytest.fixture
def node(register: Path, store: Store) -> Iterator[Served]:
    assert store.access.client("uss")
    with serving(register) as one:
        yield one


def basic(client: str = "uss", secret: str = SECRET) -> dict[str, str]:
    pair = f"{client}:{secret}".encode()
    return {"authorization": "Basic " + base64.b64encode(pair).decode()}


def test_the_endpoint_takes_both_ways_and_gives_what_the_rfc_says(node: Served) -> None:
    url = f"{node.url}/v1/token"
    form = {"grant_type": "client_credentials"}
    by_body = {**form, "client_id": "uss", "client_secret": SECRET}
    for answer in (
        httpx.post(url, data=form, headers=basic()),
        httpx.post(url, data=by_body),
        httpx.post(url, data={**form, "client_id": "uss"}, headers=basic()),
        httpx.post(url, data={**form, "scope": "detente.read"}, headers=basic()),
    ):
        assert answer.status_code == 200, answer.text
        assert answer.headers["cache-control"] == "no-store"
        given_ = answer.json()
        assert given_["token_type"] == "Bearer"  # noqa: S105 - a word
        bearer = {"authorization": f"Bearer {given_['access_token']}"}
        who = httpx.get(f"{node.url}/v1/session", headers=bearer)
        assert (who.json()["party"], who.json()["method"]) == ("one", "client")
        planned = httpx.post(f"{node.url}/v1/plans", headers=bearer)
        assert planned.status_code == 403
        assert planned.headers["www-authenticate"] == (
            'Bearer realm="detente", error="insufficient_scope", scope="detente.plans.write"'
        )
    refused = httpx.post(url, data=form, headers=basic(secret="wrong"))  # noqa: S106
    assert refused.status_code == 401
    assert refused.json()["error"] == "invalid_client"
    assert refused.headers["www-authenticate"] == 'Basic realm="detente"'
    for body, error in (
        ({**form, "scope": "detente.admin"}, "invalid_scope"),
        ({"grant_type": "password"}, "unsupported_grant_type"),
        ({}, "invalid_request"),
    ):
        wrong = httpx.post(url, data=body, headers={**basic(), "content-type": FORM})
        assert (wrong.status_code, wrong.json()["error"]) == (400, error)
        assert set(wrong.json()) == {"error", "error_description"}


def test_what_a_client_looks_up_leads_to_the_endpoint(node: Served) -> None:
    told = httpx.get(f"{node.url}/.well-known/oauth-authorization-server").json()
    assert told["issuer"] == node.url
    assert told["token_endpoint"] == f"{node.url}/v1/token"
    assert httpx.get(told["jwks_uri"]).json() == node.gate.tokens.keys.jwks()
    assert set(told["scopes_supported"]) == set(Scope)


@pytest.mark.parametrize(
    ("authorization", "body", "error"),
    [
        (None, "grant_type=client_credentials", "invalid_client"),
        (None, "grant_type=client_credentials&client_id=uss", "invalid_client"),
        ("Bearer x", "grant_type=client_credentials", "invalid_client"),
        ("Basic", "grant_type=client_credentials", "invalid_client"),
        ("Basic %%%", "grant_type=client_credentials", "invalid_client"),
        (
            "Basic " + base64.b64encode(b"uss").decode(),
            "grant_type=client_credentials",
            "invalid_client",
        ),
        (
            "Basic " + base64.b64encode(b"\xff:\xff").decode(),
            "grant_type=client_credentials",
            "invalid_client",
        ),
        (
            "Basic " + base64.b64encode(b"uss:s").decode(),
            "grant_type=client_credentials&client_secret=s",
            "invalid_request",
        ),
        (
            "Basic " + base64.b64encode(b"uss:s").decode(),
            "grant_type=client_credentials&client_id=other",
            "invalid_request",
        ),
        (None, "grant_type=client_credentials&grant_type=client_credentials", "invalid_request"),
        (None, "grant_type=client_credentials&scope=&scope=a", "invalid_request"),
        (None, "", "invalid_request"),
        (None, "&&&", "invalid_request"),
        (None, "x" * 9_000, "invalid_request"),
        (None, "a=b&" * 50, "invalid_request"),
        (None, "grant_type=%ff", "invalid_request"),
    ],
)
def test_requests_that_are_none(authorization: str | None, body: str, error: str) -> None:
    with pytest.raises(TokenRefused) as refused:
        read_request(authorization, FORM, body.encode())
    assert refused.value.error == error


def test_basic_is_form_encoded_as_the_rfc_asks() -> None:
    client, secret = "a:b c", "p%s+ü"
    pair = "&".join((urlencode({"": client})[1:], urlencode({"": secret})[1:]))
    header = "Basic " + base64.b64encode(pair.replace("&", ":").encode()).decode()
    read = read_request(header, f"{FORM}; charset=utf-8", b"grant_type=client_credentials")
    assert (read.client_id, read.secret, read.scopes) == (client, secret, None)
    with pytest.raises(TokenRefused, match="type application"):
        read_request(header, "application/json", b"{}")


@given(st.none() | st.text(max_size=60), st.text(max_size=60), st.binary(max_size=200))
def test_garbage_at_the_endpoint_is_refused_in_its_words(
    authorization: str | None, content_type: str, body: bytes
) -> None:
    for kind in (content_type, FORM):
        with pytest.raises(TokenRefused) as refused:
            read_request(authorization, kind, body)
        assert refused.value.error in {
            "invalid_request",
            "invalid_client",
            "unsupported_grant_type",
        }


# Secrets.


def test_passwords_have_a_length_and_hashes_do_not_tell_them() -> None:
    for wrong in ("", "short", "x" * 11, "x" * 1_001):
        with pytest.raises(MalformedInput, match="12 to 1000"):
            hash_password(wrong)
    kept = hash_password("long enough pass")
    assert kept.startswith("$argon2id$")
    assert "long enough" not in kept
    assert hash_password("long enough pass") != kept
    assert matches(kept, "long enough pass")
    assert not matches(kept, "long enough pass ")
    assert not matches(None, "long enough pass")
    assert not matches("no hash at all", "long enough pass")
    long = "y" * 1_000
    assert not matches(hash_password(long), long + "z")


def test_what_is_remembered_is_this_very_pair_for_a_while() -> None:
    async def story() -> None:
        verifier = Verifier()
        kept = hash_password("long enough pass")
        assert not verifier.recalls(kept, "long enough pass", now_s=0.0)
        assert not await verifier.verify(kept, "wrong", now_s=0.0)
        assert not verifier.recalls(kept, "wrong", now_s=0.0)
        assert await verifier.verify(kept, "long enough pass", now_s=0.0)
        assert verifier.recalls(kept, "long enough pass", now_s=299.9)
        assert not verifier.recalls(kept, "long enough pass", now_s=300.0)
        assert not verifier.recalls(kept + "x", "long enough pass", now_s=1.0)
        assert not verifier.recalls(kept[:-1], kept[-1] + "long enough pass", now_s=1.0)
        assert not await verifier.verify(None, "long enough pass", now_s=0.0)

    asyncio.run(story())


# Settings.


def test_the_settings_of_a_node_become_those_of_its_access(tmp_path: Path) -> None:
    shutil.copy(__file__, tmp_path / "k.pem")
    settings = Settings(
        issuers=(
            {"issuer": "https://a.example", "key_files": ["k.pem"]},
            {"issuer": "dummy", "key_files": ["k.pem"], "audiences": ["x"], "introduces": True},
        ),
        providers=(
            {
                "id": "p",
                "name": "P",
                "issuer": "https://idp.example",
                "client_id": "c",
                "grants": [{"claim": "g", "value": "v", "party": "one", "roles": ["watch"]}],
            },
        ),
        proxies=("127.0.0.1",),
        party_requests_per_s=0,
    )
    found = access_settings(settings, url="https://node.example:8443")
    assert found.own_audiences == ("node.example",)
    assert [one.audiences for one in found.issuers] == [("node.example",), ("x",)]
    assert [one.introduces for one in found.issuers] == [False, True]
    assert found.providers[0].scopes == "openid"
    assert (found.proxies, found.requests_per_s) == (("127.0.0.1",), 0)
    for table, part in (
        ({"issuer": "a"}, "key_files or jwks_url"),
        ({"issuer": "a", "key_files": ["k"], "algorithm": "none"}, "algorithm"),
        ({"issuer": "a", "key_files": ["k"], "algorithm": "HS256"}, "algorithm"),
        ({"issuer": "a", "key_files": ["k"], "scopes": ["all"]}, "scopes"),
        ({"issuer": "a", "key_files": ["k"], "surprise": 1}, "surprise"),
        ({"issuer": "https://node.example", "key_files": ["k"]}, "once"),
    ):
        with pytest.raises(MalformedInput, match=part):
            access_settings(Settings(issuers=(table,)), url="https://node.example")
    for url in ("node.example", "ftp://node.example", "https://node.example/", "https://"):
        with pytest.raises(MalformedInput, match="url"):
            AccessSettings(url=url)


def test_a_token_for_a_peer_is_good_there_alone(tmp_path: Path) -> None:
    settings = AccessSettings(url="https://node.example", audiences=("Node.example", "here"))
    issuer = TokenIssuer(settings, TokenKeys(Keyring(tmp_path / "test.db")))
    scope = Scope.UTM_STRATEGIC_COORDINATION
    for host in ("node.example", "here"):
        assert issuer.for_peer("one", host, scope, now_s=NOW_S) is None
    made = issuer.for_peer("one", "peer.example", scope, now_s=NOW_S)
    assert made is not None
    with pytest.raises(NotAuthentic, match="audience"):
        asyncio.run(Issuers([issuer.issuer()]).vouch(made.encode(), NOW_S))


@pytest.mark.parametrize(
    "changes", [{"issuer": "http://idp.example"}, {"scopes": "email"}, {"grants": ()}]
)
def test_a_provider_that_cannot_be_trusted_or_lets_nobody_in_is_refused(
    changes: dict[str, Any],
) -> None:
    given_ = {
        "id": "p",
        "name": "P",
        "issuer": "https://idp.example",
        "client_id": "c",
        "grants": [{"claim": "g", "value": "v", "party": "one", "roles": ["watch"]}],
        **changes,
    }
    with pytest.raises(MalformedInput):
        access_settings(Settings(providers=(given_,)), url="https://node.example")
