"""What a refusal asks of whoever was refused: the ``WWW-Authenticate`` header.

401 says that nothing was proven, 403 that who it is may not do this.

Source: RFC 6750 section 3; RFC 9110 section 11.6.1.
"""

from detente.errors import NotAuthentic, NotPermitted


class NoCredentials(NotAuthentic):
    """The request proves nothing at all."""

    def __init__(self) -> None:
        super().__init__("request", expected="a bearer token, a session or a client certificate")


class UnprovenToBasic(NotAuthentic):
    """Nothing was proven, where HTTP Basic is taken as well (RFC 7617)."""

    def __init__(self, error: NotAuthentic) -> None:
        expected = error.expected
        if isinstance(error, NoCredentials):
            expected = f"a client's id and secret (HTTP Basic), {expected}"
        super().__init__(error.what, expected=expected, got=error.got)


def challenge(error: BaseException | None) -> str | None:
    """What ``WWW-Authenticate`` says of an error; None where it says nothing."""
    match error:
        case UnprovenToBasic():
            return 'Basic realm="detente", charset="UTF-8", Bearer realm="detente"'
        case NoCredentials():
            return 'Bearer realm="detente"'
        case NotAuthentic():
            return 'Bearer realm="detente", error="invalid_token"'
        case NotPermitted() if error.expected.startswith("scope "):
            wanted = error.expected.removeprefix("scope ").replace(" or ", " ")
            return f'Bearer realm="detente", error="insufficient_scope", scope="{wanted}"'
        case _:
            return None
