"""Pages: limits, order, next, added_after, and what is added while one reads."""

from concurrent.futures import ThreadPoolExecutor

from conformance.suite import MUST, READS, ROBUST, TAXII, Session, check, expect, made

LISTS = ("manifest", "objects")
STEPS = "?match[type]=course-of-action"
FUTURE, PAST = "2199-01-01T00:00:00.000000Z", "1999-01-01T00:00:00.000000Z"


def whole(s: Session, endpoint: str) -> tuple[str, int]:
    """A query of known length, for this endpoint."""
    if endpoint in LISTS:
        return STEPS, len(s.world.steps)
    every = {"object": "?match[version]=all", "versions": "?match[spec_version]=2.1"}
    return every[endpoint], len(s.world.indicator)


@check(MUST, "@, 3.4", "{0} gives no more than limit={1}", READS, [1, 2])
def limited(s: Session, endpoint: str, limit: int) -> None:
    query, _ = whole(s, endpoint)
    page = s.ask(endpoint, f"{query}&limit={limit}")
    expect(len(page.page) == limit, f"{len(page.page)} of {limit}")


@check(MUST, "@, 3.5", "{0} says that there is more, where there is", READS)
def more(s: Session, endpoint: str) -> None:
    query, _ = whole(s, endpoint)
    expect(s.ask(endpoint, f"{query}&limit=1").be(200).json.get("more") is True, "it does not")


ENOUGH = {
    "no limit": "",
    "a limit of as many": "&limit={}",
    "the largest limit": f"&limit={2**53 - 1}",
}


@check(MUST, "@, 3.5", "{0} gives all and says no more with {1}", READS, ENOUGH)
def no_more(s: Session, endpoint: str, limit: str) -> None:
    query, length = whole(s, endpoint)
    page = s.ask(endpoint, query + ENOUGH[limit].format(length))
    expect(len(page.page) == length, f"{len(page.page)} of {length}")
    expect(not page.json.get("more", False), "more")


@check(MUST, "@, 3.5", "the pages of {0} at limit={1} hold all, each once, in order", READS, [1, 3])
def walked(s: Session, endpoint: str, limit: int) -> None:
    query, length = whole(s, endpoint)
    once = s.ask(endpoint, query).keys
    found = [key for page in s.walk(endpoint, f"{query}&limit={limit}") for key in page.keys]
    if endpoint == "versions":  # Of which no order is said.
        once, found = sorted(once), sorted(found)
    expect(len(once) == length and found == once, f"{len(found)} of {length}")


@check(
    MUST, "@, 3.5", "the pages of {0} say their own first and last date, in ascending order", READS
)
def walked_dates(s: Session, endpoint: str) -> None:
    query, _ = whole(s, endpoint)
    found = [
        page.headers.get(f"x-taxii-date-added-{which}", "")
        for page in s.walk(endpoint, f"{query}&limit=2") for which in ("first", "last")
    ]  # fmt: skip
    expect(all(found) and found == sorted(found), str(found))


@check(MUST, "3.5", "added_after of the last date leads through all of {0}", LISTS)
def by_date(s: Session, endpoint: str) -> None:
    query, length = whole(s, endpoint)
    found, after = [], ""
    for _ in range(length):
        page = s.ask(endpoint, f"{query}&limit=1{after}")
        found += page.keys
        after = f"&added_after={page.headers.get('x-taxii-date-added-last', '')}"
    expect(found == s.ask(endpoint, query).keys, f"{found}")
    expect(not s.ask(endpoint, query + after).page, "there is more after the last")


@check(MUST, "@, 3.4", "added_after at {0}: later than it, and not at it", READS)
def after(s: Session, endpoint: str) -> None:
    query, length = whole(s, endpoint)
    first = s.ask(endpoint, query).be(200).headers.get("x-taxii-date-added-first", "")
    rest = s.ask(endpoint, f"{query}&added_after={first}").keys
    once = (
        sorted(s.ask(endpoint, query).keys)
        if endpoint == "versions"
        else s.ask(endpoint, query).keys
    )
    rest = sorted(rest) if endpoint == "versions" else rest
    expect(rest == once[1:], f"{len(rest)} of {length - 1}")


@check(MUST, "3.4", "added_after in the future gives nothing at {0}", LISTS)
def future(s: Session, endpoint: str) -> None:
    expect(not s.ask(endpoint, f"?added_after={FUTURE}").page, "it gives something")


@check(MUST, "3.4", "added_after before all gives all at {0}", LISTS)
def past(s: Session, endpoint: str) -> None:
    query, length = whole(s, endpoint)
    expect(len(s.ask(endpoint, f"{query}&added_after={PAST}").page) == length, "not all")


@check(MUST, "3.4", "added_after and limit go together at {0}", LISTS)
def after_limited(s: Session, endpoint: str) -> None:
    query, _ = whole(s, endpoint)
    once = s.ask(endpoint, query)
    first = once.headers.get("x-taxii-date-added-first", "")
    found = s.ask(endpoint, f"{query}&added_after={first}&limit=2").keys
    expect(found == once.keys[1:3], str(found))


@check(MUST, "3.3, 3.4", "{0} gives the oldest first", LISTS)
def oldest(s: Session, endpoint: str) -> None:
    query = f"?match[id]={s.world.steps[3]['id']},{s.world.steps[0]['id']}"
    wanted = [s.world.steps[0]["id"], s.world.steps[3]["id"]]
    expect(s.ask(endpoint, query).ids == wanted, "it does not")


@check(MUST, "3.3", "what is added last is last at {0}", LISTS)
def newest(s: Session, endpoint: str) -> None:
    named = s.scratch()["id"]
    pages = list(s.walk(endpoint, "?match[type]=attack-pattern"))
    expect(pages[-1].ids[-1] == named, "it is not")


@check(MUST, "3.3", "the manifest is in ascending order of the date added")
def ascending(s: Session) -> None:
    found = [one["date_added"] for page in s.walk("manifest", "?limit=20") for one in page.page]
    expect(found == sorted(found), "it is not")


@check(MUST, "3.3", "the objects are in the manifest's order")
def agreeing(s: Session) -> None:
    lists = [
        [key for page in s.walk(endpoint, "?limit=20") for key in page.ids] for endpoint in LISTS
    ]
    expect(lists[0] == lists[1], "they are not")


@check(MUST, "App. B", "next of one question gives nothing that another does not ask for: {0}",
       ["another type", "another id", "another collection"])  # fmt: skip
def trusted(s: Session, other: str) -> None:
    following = s.ask("objects", f"{STEPS}&limit=2").be(200).json.get("next")
    if following is None:
        return
    query, collection = {
        "another type": ("?match[type]=malware", s.server.both),
        "another id": (f"?match[id]={s.world.malware[0]['id']}", s.server.both),
        "another collection": (STEPS, s.server.read_only),
    }[other]
    answer = s.ask("objects", f"{query}&limit=2&next={following}", collection=collection)
    answer.be(200, 400, 404)
    given = answer.ids if answer.status == 200 else []
    steps = {one["id"] for one in s.world.steps}
    expect(not steps & set(given), "it gives them")


@check(ROBUST, "3.5", "a next that the server did not give is refused or gives what is there: {0}",
       ["garbage", "%00", "99999999999999999999", "a" * 3_000, "%F0%9F%9B%A1", ""])  # fmt: skip
def invented(s: Session, following: str) -> None:
    s.ask("objects", f"?next={following}").be(200, 400, 404, 414)


@check(ROBUST, "3.5", "pages hold what was there, each once, while others add")
def while_added(s: Session) -> None:
    before = [one["id"] for one in s.world.steps]
    found: list[str] = []
    for number, page in enumerate(s.walk("objects", "?limit=5")):
        found += page.ids
        if number < 5:
            s.scratch()
    expect([one for one in found if one in before] == before, "steps are missing or twice")
    expect(len(found) == len(set(found)), "one is there twice")


@check(ROBUST, "5.5", "what {0} add at once is all there, each once", [4, 16])
def at_once(s: Session, clients: int) -> None:
    given = [made() for _ in range(clients * 2)]
    with ThreadPoolExecutor(clients) as pool:
        answers = list(pool.map(s.give, given))
    for answer in answers:
        expect(answer.be(202).json["failure_count"] == 0, str(answer.body))
    query = "?match[id]=" + ",".join(one["id"] for one in given)
    found = [one for page in s.walk("objects", f"{query}&limit=7") for one in page.ids]
    expect(sorted(found) == sorted(one["id"] for one in given), f"{len(found)} of {len(given)}")


@check(
    ROBUST,
    "3.5",
    "a poller that goes on from the last date misses nothing that {0} add at once",
    [8],
)
def polled(s: Session, clients: int) -> None:
    last = [
        page.headers.get("x-taxii-date-added-last", "") for page in s.walk("objects", "?limit=50")
    ][-1]
    given, found = [made() for _ in range(clients * 3)], set()
    with ThreadPoolExecutor(clients) as pool:
        work = [pool.submit(s.give, one) for one in given]
        while True:
            done = all(one.done() for one in work)
            page = s.ask("objects", f"?added_after={last}&limit=3")
            found |= set(page.ids)
            last = page.headers.get("x-taxii-date-added-last", last) if page.page else last
            if done and not page.page:
                break
    expect(found == {one["id"] for one in given}, f"{len(found)} of {len(given)}")


@check(ROBUST, "3.5", "the same question has the same answer, however it is spelt: {0}",
       ["match%5Btype%5D=course-of-action", "match[type]=course%2Dof%2Daction"])  # fmt: skip
def spelt(s: Session, query: str) -> None:
    url = f"{s.server.url}{s.path('objects')}?{query}"
    got = s.http.get(url, auth=s.server.login, headers={"accept": TAXII})
    expect(
        [one["id"] for one in got.json()["objects"]] == [one["id"] for one in s.world.steps],
        "other",
    )
