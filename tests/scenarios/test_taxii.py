"""Reports over TAXII 2.1 (R-02, R-08); test_taxii.md tells it."""

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from uuid import uuid4

import httpx
import pytest
import stix2
import taxii2client.v21 as taxii2

from conftest import KINDS, begin
from detente.core.principal import Role
from detente.core.release import Tlp
from detente.node.audit import audit
from detente.node.keyring import Keyring
from detente.node.taxii.adding import OBJECTS_MAX
from detente.store import Place, Store, parse_place
from http_node import Node, Party, node_at
from postgres import TEMPLATE, Cluster
from taxii import SECRET, TAXII, Client21, indicator, labelled, let_in

URL = "https://node.example"
"""By which others reach the node, as its operator says."""


class Town:
    """A node, and what the parties ask it by TAXII and natively."""

    def __init__(self, node: Node, place: Place) -> None:
        self.node = node
        self.place = place
        self.one, self.two, self.three = (
            Client21(node.url, party) for party in ("one", "two", "three")
        )

    def native(self, party: str, *roles: Role) -> Party:
        return self.node.party(party, *roles)

    def close(self) -> None:
        for one in (self.one, self.two, self.three):
            one.close()


@pytest.fixture(scope="module", params=KINDS)
def town(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Town]:
    """Parties one, two and three, all members; on each kind of database."""
    folder = tmp_path_factory.mktemp("taxii")
    keyring = Keyring(folder / "test.db")
    place: Place = folder / "test.db"
    if request.param == "postgresql":
        cluster: Cluster = request.getfixturevalue("cluster")
        place = parse_place(cluster.url(cluster.make(TEMPLATE)))
    begin(place, keyring)
    let_in(place, "one", "two", "three")
    with node_at(place, keyring, folder, f"base_url={URL}") as node:
        administrator = node.party("one", Role.ADMINISTRATOR)
        assert administrator.post("/v1/parties", {"id": "three", "name": "Three"}).status == 201
        town = Town(node, place)
        yield town
        town.close()
    store = Store(place)
    assert audit(store).problems == []
    store.close()


def test_a_client_finds_the_server_its_root_and_its_collections(town: Town) -> None:
    """A client finds the server, its root and its collections."""
    found = town.two.get("/")
    relative = "/taxii2/test/"
    absolute = URL + relative
    assert found.json["api_roots"] == [absolute, relative]
    assert found.json["default"] == absolute
    root = town.two.get("/test/").json
    assert root["versions"] == [TAXII]
    assert root["max_content_length"] > 1_000_000
    known = town.two.get("/test/collections/").json["collections"]
    classes = {one["alias"]: (one["can_read"], one["can_write"]) for one in known}
    assert classes == {
        "agreement": (True, True),
        "inbox:one": (False, True),
        "inbox:two": (True, False),
        "inbox:three": (False, True),
    }
    by_id = town.two.get(f"/test/collections/{known[0]['id']}/").json
    assert by_id == known[0]
    # A slash at the end is not asked for.
    assert town.two.get("/test/collections").json == {"collections": known}
    # The reference client goes the same way.
    server = town.two.server()
    assert server.default.url == absolute
    assert [one.url for one in server.api_roots] == [absolute, town.node.url + relative]
    assert {one.id for one in server.api_roots[1].collections} == {one["id"] for one in known}


def test_whoever_proves_nothing_is_told_how_to(town: Town) -> None:
    """Whoever proves nothing is told how he may."""
    for auth in (None, ("two-taxii", "wrong secret"), ("nobody", SECRET)):
        with httpx.Client(base_url=town.node.url, auth=auth) as stranger:
            answer = stranger.get("/taxii2/")
        assert answer.status_code == 401
        assert answer.json()["error_code"] == "not_authentic"
        assert answer.headers["content-type"] == TAXII
        assert answer.headers["www-authenticate"].startswith("Basic realm=")
        assert "Bearer" in answer.headers["www-authenticate"]
    # A token will do as well.
    assert town.native("two").get("/taxii2/test/").status == 200


def test_what_is_given_to_the_agreement_reaches_every_member_as_it_was_given(town: Town) -> None:
    """What is given to the agreement reaches every member as it was given."""
    mine = f"x-landing-site--{uuid4()}"
    odd = (
        '{ "type":"x-landing-site", "id":"' + mine + '", "x_slope" : 1.10,\n "x_deep":{"é":['
        '1e2, 12345678901234567890, null]}, "extensions":{"extension-definition--'
        + str(uuid4()) + '":{"extension_type":"new-sdo","unknown":true}}}'
    )  # fmt: skip
    body = b'{"objects":[' + odd.encode() + b'],"x_of_ours":1}'
    status = town.one.ask("POST", "/test/collections/agreement/objects/", body)
    assert (status.status, status.json["status"], status.json["success_count"]) == (
        202, "complete", 1,
    )  # fmt: skip
    for reader in (town.one, town.two, town.three):
        answer = reader.objects(query=f"?match[id]={mine}")
        assert odd[:-1].encode() in answer.body
        assert (odd.encode() in answer.body) is (reader is town.one), "others are told a label"
        assert answer.json["more"] is False
    # It is an entry like any other: attested, released, in the record.
    [seen] = town.native("two").get("/v1/objects?kind=report").json["objects"]
    assert (seen["party"], seen["value"]["source_id"]) == ("one", mine)
    assert seen["value"]["stix"] == odd
    assert seen["value"]["release"]["members"] == "full"


def test_what_is_put_into_an_inbox_is_its_partys_alone(town: Town) -> None:
    """What is put into an inbox is its party's alone."""
    red = "marking-definition--e828b379-4e03-4974-9ac4-e53a884c97c1"
    made = indicator(confidence=85, lang="fr", object_marking_refs=[red])
    town.one.give(made, to="inbox:two")
    assert town.two.objects("inbox:two").objects == [made]
    assert made["id"] not in town.two.all()
    assert made["id"] not in town.three.all("inbox:three")
    town.three.objects("inbox:two").refused(403, "not_permitted")
    town.one.objects("inbox:two").refused(403, "not_permitted")
    town.two.ask("POST", "/test/collections/inbox:two/objects/", {"objects": [made]}).refused(
        403, "not_permitted"
    )
    town.two.objects("inbox:nobody").refused(404, "not_found")
    town.two.objects(str(uuid4())).refused(404, "not_found")
    [seen] = [
        one["value"]
        for one in town.native("two").get("/v1/objects?kind=report").json["objects"]
        if one["value"]["source_id"] == made["id"]
    ]
    assert (seen["credibility"], seen["language"], seen["release"]["tlp"]) == (1, "fr", "red")


def test_a_read_is_on_the_record(town: Town) -> None:
    """A read is on the record before it is answered."""
    made = indicator()
    town.one.give(made)

    def deliveries() -> list[tuple[str, str, str]]:
        answer = town.native("one").get("/v1/objects?kind=delivery&limit=1000")
        return [
            (one["value"]["to"], one["value"]["how"], one["value"].get("grade", "full"))
            for one in answer.json["objects"]
        ]

    before = len(deliveries())
    # Which objects there are is a part of each.
    town.three.get(f"/test/collections/agreement/manifest/?match[id]={made['id']}")
    assert deliveries()[before:] == [("three", "taxii", "area")]
    town.three.objects(query=f"?match[id]={made['id']}")
    assert deliveries()[before:] == [("three", "taxii", "area"), ("three", "taxii", "full")]
    town.three.objects(query=f"?match[id]={made['id']}")
    town.one.objects(query=f"?match[id]={made['id']}")
    assert len(deliveries()) == before + 2


def test_what_is_released_late_reaches_a_poller_who_stands_at_the_end(town: Town) -> None:
    """What is released late reaches a poller who stands at the end."""
    early = indicator()
    town.one.give(early, to="inbox:two")
    later = indicator()
    town.one.give(later)
    stands = town.three.objects(query="?limit=1000").headers["x-taxii-date-added-last"]
    assert town.three.objects(query=f"?added_after={stands}").objects == []
    # The author releases it natively, to everyone.
    author = town.native("one")
    [known] = [
        one
        for one in author.get("/v1/objects?kind=report&limit=1000").json["objects"]
        if one["value"]["source_id"] == early["id"]
    ]
    value = {**known["value"], "state": "corrected", "release": {"members": "full"}}
    put = author.ask("PUT", f"/v1/objects/{known['object']}", {"value": value},
                     if_match=f'"{known["token"]}"')  # fmt: skip
    assert put.status == 200, put.body
    assert town.three.objects(query=f"?added_after={stands}").objects == [labelled(early)]
    # So is what is granted on request.
    hidden = indicator()
    town.one.give(hidden, to="inbox:two")
    assert town.three.objects("inbox:three").objects == []
    [held] = [
        one
        for one in author.get("/v1/objects?kind=report&limit=1000").json["objects"]
        if one["value"]["source_id"] == hidden["id"]
    ]
    asked = town.native("two").post(
        "/v1/release-requests", {"source_id": "ask", "object": held["object"], "to": "three"}
    )
    assert asked.status == 201, asked.body
    decision = {"source_id": "yes", "request": asked.json["object_id"], "granted": True}
    assert author.post("/v1/release-decisions", decision).status == 201
    granted = town.three.objects("inbox:three")
    assert granted.objects == [labelled(hidden)]
    assert granted.headers["x-taxii-date-added-first"] > stands


def test_a_new_member_is_given_what_was_said_before_he_came(town: Town) -> None:
    """A new member is given what was said before he came, with the date of his coming."""
    administrator = town.native("one", Role.ADMINISTRATOR)
    without = {"name": "test", "members": ["one", "two"]}
    assert administrator.post("/v1/agreement", without).status in {200, 201}
    town.three.objects().refused(403, "not_permitted")
    [first, *_] = town.three.get("/test/collections/").json["collections"]
    assert (first["alias"], first["can_read"], first["can_write"]) == ("agreement", False, False)
    made = indicator()
    town.one.give(made)
    known = town.two.all(limit=1_000)
    moment = datetime.now(UTC).isoformat().replace("+00:00", "Z")
    everyone = {"name": "test", "members": ["one", "two", "three"]}
    assert administrator.post("/v1/agreement", everyone).status in {200, 201}
    assert town.three.all(limit=3, query=f"&added_after={moment}") == known
    assert made["id"] in known
    dates = [
        one["date_added"]
        for one in town.three.get("/test/collections/agreement/manifest/?limit=1000").objects
    ]
    assert dates == sorted(set(dates))


def test_a_correction_is_a_version_and_a_retraction_is_revoked(town: Town) -> None:
    """A correction is a version, and a retraction is revoked."""
    name = f"indicator--{uuid4()}"
    versions = [indicator(number, name, name=f"v{number}") for number in range(3)]
    town.one.give(*versions[:2])
    town.one.give(indicator())
    stands = town.two.objects(query="?limit=1000").headers["x-taxii-date-added-last"]
    # Sent again, it is there already: nothing is said twice.
    again = town.one.give(versions[1])
    assert again.json["success_count"] == 1
    assert town.two.objects(query=f"?added_after={stands}").objects == []
    # Other words of the same version, and older versions, are refused one by one.
    other = town.one.give({**versions[1], "name": "other"}, versions[0], versions[2])
    assert (other.json["success_count"], other.json["failure_count"]) == (1, 2)
    assert all("later than" in one["message"] for one in other.json["failures"])
    assert town.two.objects(query=f"?match[id]={name}").objects == [labelled(versions[2])]
    for query, expected in (
        ("all", versions),
        ("first", versions[:1]),
        ("last", versions[2:]),
        ("first,last", [versions[0], versions[2]]),
        (versions[1]["modified"], versions[1:2]),
        (versions[1]["modified"].replace("000Z", "0Z"), versions[1:2]),
    ):
        path = f"/test/collections/agreement/objects/{name}/?match[version]={query}"
        assert town.two.get(path).objects == [*map(labelled, expected)]
    path = f"/test/collections/agreement/objects/{name}/versions/"
    assert town.two.get(path).json["versions"] == [one["modified"] for one in versions]
    # Its author takes it back by a revoked version, and nothing comes after.
    revoked = indicator(3, name, revoked=True)
    town.one.give(revoked)
    assert town.two.objects(query=f"?match[id]={name}").objects == [labelled(revoked)]
    assert town.one.give(indicator(4, name)).json["failure_count"] == 1


def test_what_is_deleted_or_retracted_natively_reaches_readers_as_revoked(town: Town) -> None:
    """What is deleted, or retracted natively, reaches readers as revoked."""
    made, kept = indicator(), indicator()
    town.one.give(made, kept)
    town.one.give(indicator())
    stands = town.two.objects(query="?limit=1000").headers["x-taxii-date-added-last"]
    path = f"/test/collections/agreement/objects/{made['id']}/"
    town.two.ask("DELETE", path).refused(403, "not_permitted")
    town.one.ask("DELETE", f"{path}?match[version]=2020-01-01T00:00:00Z").refused(404, "not_found")
    assert town.one.ask("DELETE", path).status == 200
    # For its author it is gone; whoever was given it learns that it does not hold.
    town.one.get(path).refused(404, "not_found")
    town.one.ask("DELETE", path).refused(404, "not_found")
    [revoked] = town.two.objects(query=f"?added_after={stands}").objects
    assert revoked["revoked"] is True
    assert revoked["modified"] > made["modified"]
    assert {**revoked, "modified": made["modified"]} == {**labelled(made), "revoked": True}
    assert stix2.parse(revoked).revoked
    # What was deleted is not there in any version that it had.
    for version in ("first", made["modified"]):
        found = town.two.get(f"{path}?match[version]={version}").objects
        assert found == ([revoked] if version == "first" else [])
    # So does one that is retracted natively.
    author = town.native("one")
    [known] = [
        one
        for one in author.get("/v1/objects?kind=report&limit=1000").json["objects"]
        if one["value"]["source_id"] == kept["id"]
    ]
    gone = author.ask("DELETE", f"/v1/objects/{known['object']}", if_match=f'"{known["token"]}"')
    assert gone.status == 200
    assert town.two.objects(query=f"?match[id]={kept['id']}").objects[0]["revoked"] is True


def test_an_earlier_version_cannot_be_deleted(town: Town) -> None:
    """An earlier version alone cannot be deleted: what was said stays said."""
    name = f"indicator--{uuid4()}"
    town.one.give(indicator(0, name), indicator(1, name))
    path = f"/test/collections/agreement/objects/{name}/"
    town.one.ask("DELETE", f"{path}?match[version]=first").refused(403, "not_permitted")
    assert town.two.objects(query=f"?match[id]={name}").objects == [labelled(indicator(1, name))]


def test_what_becomes_of_objects_is_kept_for_their_sender(town: Town) -> None:
    """What becomes of objects is kept for their sender, and for nobody else."""
    good = indicator()
    sent = town.one.give(good, {"type": "indicator", "id": "indicator--1"}, 7)
    assert (sent.json["total_count"], sent.json["success_count"], sent.json["failure_count"]) == (
        3, 1, 2,
    )  # fmt: skip
    [success] = sent.json["successes"]
    assert (success["id"], success["version"]) == (good["id"], good["modified"])
    path = f"/test/status/{sent.json['id']}/"
    assert town.one.get(path).json == sent.json
    town.two.get(path).refused(404, "not_found")
    town.one.get(f"/test/status/{uuid4()}/").refused(404, "not_found")


def test_pages_filters_and_dates(town: Town) -> None:
    """Pages are of the size that is asked for, and filters are all kept."""
    town.one.give(indicator())
    stands = town.two.objects(query="?limit=1000").headers["x-taxii-date-added-last"]
    made = [indicator() for _ in range(5)]
    made.insert(2, {"type": "ipv4-addr", "id": f"ipv4-addr--{uuid4()}", "value": "198.51.100.3"})
    made.append({"type": "malware", "id": f"malware--{uuid4()}", "created": "2016-01-01T00:00:00Z",
                 "modified": "2016-01-01T00:00:00Z", "name": "old"})  # fmt: skip
    town.one.give(*made)
    ids = [one["id"] for one in made]
    assert town.two.all(limit=2, query=f"&added_after={stands}") == ids
    pages = [*town.two.pages("agreement", 3, f"&added_after={stands}")]
    assert [len(page.objects) for page in pages] == [3, 3, 1]
    # next is stateless and repeatable, and manifests have it too.
    again = town.two.objects(query=f"?limit=3&added_after={stands}&next={pages[0].json['next']}")
    assert again.ids == pages[1].ids
    manifest = town.two.get(f"/test/collections/agreement/manifest/?limit=3&added_after={stands}")
    assert manifest.ids == pages[0].ids
    assert manifest.json["next"] == pages[0].json["next"]
    assert [one["date_added"] for one in manifest.objects][::2] == [
        manifest.headers["x-taxii-date-added-first"], manifest.headers["x-taxii-date-added-last"],
    ]  # fmt: skip
    # The last of a page leads on to the next one in whatever precision its date is spelt.
    last = pages[0].headers["x-taxii-date-added-last"]
    for spelt in (last, last.replace("Z", "000Z"), last.replace("Z", "999Z")):
        assert town.two.objects(query=f"?added_after={spelt}").ids == ids[3:]
    after = f"&added_after={stands}"
    for query, expected in (
        ("match[type]=ipv4-addr", [ids[2]]),
        ("match[type]=ipv4-addr,malware", [ids[2], ids[6]]),
        ("match[spec_version]=2.0", [ids[6]]),
        ("match[spec_version]=2.0,2.1", ids),
        (f"match[id]={ids[4]},{ids[0]},indicator--{uuid4()}", [ids[0], ids[4]]),
        (f"match[id]={ids[4]}&match[type]=malware", []),
        (f"match%5Bid%5D={ids[4]}&match[type]=indicator,malware", [ids[4]]),
    ):
        assert town.two.objects(query=f"?{query}{after}").ids == expected, query


def test_what_is_not_taxii_is_refused_in_its_words(town: Town) -> None:
    """What is not TAXII is refused in TAXII's words."""
    for query in (
        "limit=0", "limit=-1", "limit=x", "limit=1&limit=2", "next=x", "added_after=yesterday",
        "added_after=2026-01-01T00:00:00", "added_after=2026-01-01T00:00:00%2B01:00",
        "match[id]=", "match[id]=a&match[id]=b", "match[version]=newest", "match[confidence]=1",
        "%ff=1",
    ):  # fmt: skip
        town.two.objects(query=f"?{query}").refused(400, "malformed_input")
    town.two.get("/test/?limit=1").refused(400, "malformed_input")
    where = "/test/collections/agreement/objects/"
    for body in (b"{", b"[]", b"{}", b'{"objects":[]}', b'{"objects":7}',
                 b'{"objects":[1],"objects":[2]}'):  # fmt: skip
        town.two.ask("POST", where, body).refused(400, "malformed_input")
    for accept in ("application/json", "application/taxii+json;version=2.0", "text/html,*/*;q=0",
                   f"{TAXII};q=0, */*"):  # fmt: skip
        town.two.get("/test/", accept=accept).refused(406, "not_acceptable")
    for accept in ("application/taxii+json", "*/*", f"text/html, {TAXII};q=0.5", f"*/*;q=0,{TAXII}",
                   'application/taxii+json; version="2.1"'):  # fmt: skip
        assert town.two.get("/test/", accept=accept).status == 200
    for kind in ("application/json", "application/taxii+json;version=2.0"):
        town.two.ask("POST", where, {"objects": [indicator()]}, content_type=kind).refused(
            415, "unsupported_media_type"
        )
    town.two.ask("POST", where, {"objects": [indicator()]}, content_encoding="gzip").refused(
        415, "unsupported_media_type"
    )
    taken = town.two.ask(
        "POST",
        where,
        {"objects": [indicator()]},
        content_type="application/taxii+json",
        content_encoding="identity",
    )
    assert taken.status == 202
    town.two.get("/elsewhere/").refused(404, "not_found")
    town.two.get("/test/collections/agreement/elsewhere/").refused(404, "not_found")
    town.two.ask("PUT", where, {}).refused(405, "method_not_allowed")
    town.two.ask("POST", where, b" " * 25_000_000).refused(413, "too_large")
    town.two.get(f"/test/collections/agreement/objects/indicator--{uuid4()}/").refused(
        404, "not_found"
    )


def test_while_the_agreement_is_suspended_only_reading_goes_on(town: Town) -> None:
    """While the agreement is suspended, only reading goes on."""
    administrator = town.native("one", Role.ADMINISTRATOR)
    assert administrator.post("/v1/agreement/suspend").status in {200, 201}
    where = "/test/collections/agreement/objects/"
    town.two.ask("POST", where, {"objects": [indicator()]}).refused(403, "not_permitted")
    [first, *_] = town.two.get("/test/collections/").json["collections"]
    assert (first["can_read"], first["can_write"]) == (True, False)
    assert town.two.objects().status == 200
    assert administrator.post("/v1/agreement/resume").status in {200, 201}


def test_the_data_stores_of_the_reference_library_read_and_write(town: Town) -> None:
    """The data stores of the reference library read and write."""
    made = stix2.Indicator(pattern="[file:name = 'b']", pattern_type="stix", name="Loader")
    sink = stix2.TAXIICollectionSink(town.one.reference("agreement"))
    sink.add(made)
    source = stix2.TAXIICollectionSource(town.two.reference("agreement"))
    shown = stix2.parse(labelled(json.loads(made.serialize())))
    assert source.get(made.id) == shown
    assert source.query([stix2.Filter("id", "=", made.id)]) == [shown]
    [name] = shown.object_marking_refs
    assert source.get(name).name == "TLP:AMBER+STRICT"
    later = made.new_version(name="Loader, corrected")
    sink.add(later)
    assert source.get(made.id) == stix2.parse(labelled(json.loads(later.serialize())))
    assert {one.name for one in source.all_versions(made.id)} == {made.name, later.name}
    assert source.get(f"indicator--{uuid4()}") is None
    pages = taxii2.as_pages(town.two.reference("agreement").get_objects, per_request=4)
    found = [one["id"] for page in pages for one in page.get("objects", [])]
    assert found == town.two.all(limit=1_000)


def test_a_bundle_that_is_given_natively_is_a_report_for_each_object(town: Town) -> None:
    """A bundle that is given natively is a report for each object."""
    bad, green = {"type": "malware"}, "marking-definition--34098fce-860f-48ae-8e50-ebd3cc5e41da"
    red = "marking-definition--5e57c739-391a-4eb3-b6be-7d15ca92d5ed"
    made = [indicator(confidence=15, object_marking_refs=[one]) for one in (green, red)]
    body = {
        "bundle": {
            "type": "bundle",
            "id": f"bundle--{uuid4()}",
            "objects": [made[0], bad, made[1]],
        },
        "release": {"members": "full", "tlp": "amber"},
        "reliability": "b",
    }
    author = town.native("one")
    given = author.post("/v1/bundles", body)
    outcomes = given.json["outcomes"]
    assert [one.get("id") for one in outcomes] == [made[0]["id"], None, made[1]["id"]]
    assert [bool(one.get("message")) for one in outcomes] == [False, True, False]
    values = [
        author.get(f"/v1/objects/{outcomes[place]['object']}").json["value"] for place in (0, 2)
    ]
    told = [(one["reliability"], one["credibility"], one["release"]["tlp"]) for one in values]
    assert told == [("b", 5, "amber"), ("b", 5, "red")]
    # Of both labels the more closed goes out.
    for one, shown in zip(made, (labelled(made[0], Tlp.AMBER), made[1]), strict=True):
        assert town.two.objects(query=f"?match[id]={one['id']}").objects == [shown]
    author.post("/v1/bundles", {"bundle": {"type": "bundle", "objects": []}}).refused(
        400, "malformed_input"
    )
    author.post("/v1/bundles", {**body, "colour": "red"}).refused(400, "malformed_input")
    town.native("two", Role.WATCH).post("/v1/bundles", body).refused(403, "not_permitted")


def test_what_a_relationship_locates_is_found_by_whoever_was_released_it(town: Town) -> None:
    """What a relationship locates is found there, by whoever was released the relationship."""
    at = {"spec_version": "2.1", "created": "2026-01-01T00:00:00.000Z"}
    at["modified"] = at["created"]
    depot = {"type": "identity", "id": f"identity--{uuid4()}", "name": "Depot", **at}
    place = {
        "type": "location", "id": f"location--{uuid4()}", "latitude": -40, "longitude": -120, **at,
    }  # fmt: skip
    link = {
        "type": "relationship", "id": f"relationship--{uuid4()}", **at, "relationship_type":
        "located-at", "source_ref": depot["id"], "target_ref": place["id"],
    }  # fmt: skip

    def found(party: str) -> set[str]:
        page = town.native(party).get("/v1/objects?kind=report&bbox=-121,-41,-119,-39").json
        return {json.loads(one["value"]["stix"])["type"] for one in page["objects"]}

    town.one.give(depot, place)
    assert found("two") == found("three") == {"location"}
    town.one.give(link, to="inbox:two")
    assert found("two") == {"identity", "relationship", "location"}
    assert found("three") == {"location"}


def test_what_was_erased_is_gone_and_no_date_moves(town: Town) -> None:
    """What was erased is gone, and no date moves by it."""
    first, second = indicator(), indicator()
    town.one.give(first, second)
    path = "/test/collections/agreement/manifest/?limit=1000"
    before = {one["id"]: one["date_added"] for one in town.two.get(path).objects}
    author = town.native("one")
    [known] = [
        one
        for one in author.get("/v1/objects?kind=report&limit=1000").json["objects"]
        if one["value"]["source_id"] == first["id"]
    ]
    gone = author.ask("DELETE", f"/v1/objects/{known['object']}", if_match=f'"{known["token"]}"')
    assert gone.status == 200
    erased = author.post(f"/v1/objects/{known['object']}/erasure", {"order": "A court's, by mail."})
    assert erased.status == 201, erased.body
    after = {one["id"]: one["date_added"] for one in town.two.get(path).objects}
    del before[first["id"]]
    assert after == before
    town.two.get(f"/test/collections/agreement/objects/{first['id']}/").refused(404, "not_found")


def test_a_bundle_of_ten_thousand_objects_is_taken_at_once(town: Town) -> None:
    """A bundle of ten thousand objects is taken at once, and one more is not."""
    made = [indicator() for _ in range(OBJECTS_MAX)]
    made[500] = {**made[500], "description": "x" * 1_500_000}
    town.one.give(indicator())
    stands = town.two.objects(query="?limit=1000").headers["x-taxii-date-added-last"]
    body = json.dumps({"objects": made}).encode()
    status = town.one.ask("POST", "/test/collections/agreement/objects/", body)
    assert status.json["success_count"] == OBJECTS_MAX
    assert town.two.all(limit=1_000, query=f"&added_after={stands}") == [one["id"] for one in made]
    assert datetime.fromisoformat(stands) < datetime.now(UTC) + timedelta(minutes=1)
    more = town.one.ask(
        "POST", "/test/collections/agreement/objects/", {"objects": [*made, indicator()]}
    )
    assert "at most 10000" in more.refused(400, "malformed_input")["description"]
