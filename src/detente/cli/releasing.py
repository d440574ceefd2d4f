"""Who sees what is said: ``--release PARTY=GRADE``."""

import msgspec

from detente.core.release import Grade, Release
from detente.errors import MalformedInput


def release_of(given: list[str]) -> Release | None:
    """A release; None where nothing is said, which shows it to nobody.

    Raises:
        MalformedInput: Not ``PARTY=GRADE``, or a party twice.
    """
    if not given:
        return None
    expected = f"PARTY=GRADE, with {', '.join(Grade)}; * is every member"
    grades: dict[str, str] = {}
    for one in given:
        party, _, grade = one.partition("=")
        if grade not in set(Grade) or party in grades:
            raise MalformedInput("--release", expected=f"once a party {expected}", got=one)
        grades[party] = grade
    members = grades.pop("*", None)
    try:
        return msgspec.convert({"parties": grades, "members": members}, Release)
    except msgspec.ValidationError:
        raise MalformedInput("--release", expected=expected, got=" ".join(given)) from None
