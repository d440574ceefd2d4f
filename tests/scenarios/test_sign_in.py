"""People sign in: by password, and by a real OpenID Connect provider."""

from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from access_node import Browser, Served, provider, serving
from detente.core.principal import Role, Scope
from detente.doors.asgi_auth import COOKIE
from detente.doors.http.sign_in import COOKIE_BEGUN
from detente.node.access.secret import hash_password
from detente.node.access.settings import AccessSettings, Grant, ProviderSettings
from detente.store import Account, Store
from ports import free_port
from world import NOW

PASSWORD = "correct horse battery"  # noqa: S105 - of a test
SECRET = "what-the-provider-gave-the-node-for-it"  # noqa: S105 - of a test


@pytest.fixture
def browser() -> Iterator[Browser]:
    one = Browser()
    yield one
    one.close()


@pytest.fixture
def desk(register: Path) -> Path:
    """A register with an account of party one's planning desk."""
    store = Store(register)
    account = Account(
        name="desk one",
        party="one",
        roles=frozenset({Role.PLANNER}),
        password_hash=hash_password(PASSWORD),
    )
    store.access.add_account(account, now=NOW)
    store.close()
    return register


def enter(browser: Browser, node: Served, **changes: str) -> httpx.Response:
    given = {"name": "desk one", "password": PASSWORD, **changes}
    return browser.send("POST", f"{node.url}/v1/session", json=given, origin=node.url)


def test_a_desk_signs_in_plans_and_signs_out(desk: Path, browser: Browser) -> None:
    """A desk signs in with its password, files a plan, and signs out."""
    with serving(desk) as node:
        assert browser.send("GET", f"{node.url}/v1/session").status_code == 401
        entered = enter(browser, node)
        assert entered.status_code == 201
        assert entered.json()["party"] == "one"
        assert entered.json()["roles"] == ["planner"]
        [cookie] = entered.headers.get_list("set-cookie")
        for part in ("HttpOnly", "Secure", "SameSite=lax", "Path=/", COOKIE):
            assert part in cookie
        assert "Domain" not in cookie
        assert entered.headers["cache-control"] == "no-store"
        who = browser.send("GET", f"{node.url}/v1/session").json()
        assert (who["subject"], who["method"], who["issuer"]) == ("desk one", "session", None)
        filed = browser.send("POST", f"{node.url}/v1/plans", origin=node.url)
        assert filed.json() == {"party": "one"}
        token = browser.cookies[node.url.removeprefix("http://")][COOKIE]
        left = browser.send("DELETE", f"{node.url}/v1/session", origin=node.url)
        assert left.status_code == 204
        old = httpx.get(f"{node.url}/v1/session", headers={"cookie": f"{COOKIE}={token}"})
        assert old.status_code == 401


def test_wrong_passwords_look_like_wrong_names(desk: Path, browser: Browser) -> None:
    """Wrong passwords look like wrong names, and are slowed."""
    with serving(desk) as node:
        wrong = enter(browser, node, password=PASSWORD[::-1])
        nobody = enter(browser, node, name="nobody")
        assert wrong.status_code == nobody.status_code == 401
        assert wrong.content == nobody.content
        assert wrong.headers["www-authenticate"].startswith("Bearer")
        codes = [enter(browser, node, name="nobody").status_code for _ in range(12)]
        assert codes[0] == 401
        assert codes[-1] == 429
        slowed = enter(browser, node, name="nobody")
        assert 1 <= int(slowed.headers["retry-after"]) <= 10
        # Others are not.
        assert enter(browser, node).status_code == 201


def test_pages_of_others_cannot_use_a_session(desk: Path, browser: Browser) -> None:
    """A page of another origin can neither act with a session nor begin one."""
    with serving(desk) as node:
        assert enter(browser, node).status_code == 201
        port = node.url.rpartition(":")[2]
        for origin in (
            "https://evil.example",
            f"http://127.0.0.1.evil.example:{port}",
            "http://127.0.0.1",
            f"https://127.0.0.1:{port}",
            "null",
            None,
        ):
            refused = browser.send("POST", f"{node.url}/v1/plans", origin=origin)
            assert refused.status_code == 403, origin
        begun = browser.send(
            "POST",
            f"{node.url}/v1/session",
            json={"name": "desk one", "password": PASSWORD},
            origin="https://evil.example",
        )
        assert begun.status_code == 403
        # Whoever only looks changes nothing, and a session's scopes are its roles'.
        assert browser.send("GET", f"{node.url}/v1/session").status_code == 200


def test_a_disabled_account_is_out_at_once(desk: Path, browser: Browser) -> None:
    """An account that is disabled, or gets another password, is signed out everywhere."""
    store = Store(desk)
    with serving(desk) as node:
        enter(browser, node)
        other = Browser()
        enter(other, node)
        store.access.set_password("desk one", hash_password(PASSWORD + "!"))
        node.gate.sessions._kept.clear()  # as five seconds later
        assert browser.send("GET", f"{node.url}/v1/session").status_code == 401
        assert other.send("GET", f"{node.url}/v1/session").status_code == 401
        assert enter(other, node, password=PASSWORD + "!").status_code == 201
        store.access.disable_account("desk one", now=NOW)
        node.gate.sessions._kept.clear()
        assert other.send("GET", f"{node.url}/v1/session").status_code == 401
        assert enter(other, node, password=PASSWORD + "!").status_code == 401
        other.close()
    store.close()


PEOPLE = {
    "ana": {"groups": ["air-desk", "lunch"]},
    "ben": {"groups": ["lunch"]},
    "cat": {"groups": ["air-desk", "sea-desk"]},
}

GRANTS = (
    Grant(claim="groups", value="air-desk", party="one", roles=(Role.PLANNER,)),
    Grant(claim="groups", value="lunch", party="one", roles=(Role.WATCH,)),
    Grant(claim="groups", value="sea-desk", party="two", roles=(Role.PLANNER,)),
)


class Both:
    """A node and a provider that know each other."""

    def __init__(self, node: Served, provider_url: str) -> None:
        self.node = node
        self.provider = provider_url
        self.callback = f"{node.url}/v1/sign-in/test/callback"

    def to_the_form(self, browser: Browser, next_: str = "/map") -> httpx.Response:
        page = browser.go(f"{self.node.url}/v1/sign-in/test", params={"next": next_})
        assert page.status_code == 200, page.text
        return page

    def back(self, browser: Browser, person: str) -> str:
        """Log in and consent at the provider; the address to which it sends the browser back."""
        page = self.to_the_form(browser)
        consent = browser.submit(page, login=person, password=PASSWORD)
        answer = browser.submit(consent, until=self.callback)
        location: str = answer.headers["location"]
        assert location.startswith(self.callback), answer.text
        return location


@pytest.fixture(params=["RS256 and its user info", "ES256 and its ID token"])
def both(request: pytest.FixtureRequest, register: Path) -> Iterator[Both]:
    algorithm = request.param[:5]
    port = free_port()
    client = {
        "client_id": "detente",
        "client_secret": SECRET,
        "redirect_uris": [f"http://127.0.0.1:{port}/v1/sign-in/test/callback"],
        "id_token_signed_response_alg": algorithm,
        "scope": "openid groups",
    }
    in_id_token = algorithm == "ES256"
    with provider(
        algorithm=algorithm, clients=[client], people=PEOPLE, in_id_token=in_id_token
    ) as url:
        way = ProviderSettings(
            id="test",
            name="Test",
            issuer=url,
            client_id="detente",
            client_secret=SECRET,
            scopes="openid groups",
            grants=GRANTS,
        )
        with serving(register, AccessSettings(providers=(way,)), port=port) as node:
            yield Both(node, url)


def test_a_person_signs_in_at_the_provider(both: Both, browser: Browser) -> None:
    """A person signs in at the provider, and works for the party that his groups grant."""
    ways = httpx.get(f"{both.node.url}/v1/sign-in").json()
    assert ways == [{"id": "test", "name": "Test", "url": "/v1/sign-in/test"}]
    answer = browser.send("GET", both.back(browser, "ana"))
    assert answer.status_code == 303
    assert answer.headers["location"] == "/map"
    who = browser.send("GET", f"{both.node.url}/v1/session").json()
    assert (who["party"], who["subject"], who["issuer"]) == ("one", "ana", both.provider)
    assert who["roles"] == ["planner", "watch"]
    assert Scope.WRITE_PLANS in who["scopes"]
    # What the browser kept for the way is gone, and the code was for once.
    assert COOKIE_BEGUN not in browser.cookies[both.node.url.removeprefix("http://")]
    left = browser.send("DELETE", f"{both.node.url}/v1/session", origin=both.node.url)
    assert left.status_code == 204
    assert browser.send("GET", f"{both.node.url}/v1/session").status_code == 401


def test_nothing_granted_nobody_in(both: Both, browser: Browser) -> None:
    """Whoever is granted nothing, or two parties, does not get in."""
    refused = browser.send("GET", both.back(browser, "cat"))
    assert refused.status_code == 403
    assert "one party" in refused.text
    assert browser.send("GET", f"{both.node.url}/v1/session").status_code == 401


def test_what_was_not_begun_here_does_not_end_here(both: Both, browser: Browser) -> None:
    """A sign-in that another browser began, a used code, another state: refused."""
    callback = both.back(browser, "ana")
    stranger = Browser()
    assert stranger.send("GET", callback).status_code == 401
    both.to_the_form(stranger)  # now with a sign-in of its own
    assert stranger.send("GET", callback).status_code == 401
    stranger.close()
    for wrong in (
        callback.replace("state=", "state=x"),
        callback.replace("code=", "code=x"),
        callback.replace("iss=", "iss=https%3A%2F%2Fevil.example%2F"),
        callback.partition("?")[0] + "?error=access_denied",
        callback.partition("?")[0],
    ):
        again = browser.send("GET", wrong)
        assert again.status_code == 401, wrong
    assert browser.send("GET", callback).status_code == 303
    # The provider has taken the code once; the browser's half is gone as well.
    assert browser.send("GET", callback).status_code == 401


def test_one_returns_to_this_node_only(both: Both, browser: Browser) -> None:
    """One returns to a path of this node, never to an address elsewhere."""
    for elsewhere in ("https://evil.example", "//evil.example", "/\\evil.example", "/a b", "map"):
        answer = browser.send("GET", f"{both.node.url}/v1/sign-in/test", params={"next": elsewhere})
        assert answer.status_code == 400, elsewhere
    assert browser.send("GET", f"{both.node.url}/v1/sign-in/other").status_code == 404
