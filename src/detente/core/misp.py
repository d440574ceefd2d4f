"""MISP's distribution and labels as a release: never more than either lets.

What its author's MISP would not have sent to others is released to nobody here, and so is what
is not understood: a sharing group is a list of organisations that is not known here.

Source: MISP core format (draft-dulaunoy-misp-core-format) section 2.2.1; FIRST TLP 1.0 and
2.0 (August 2022); docs/misp.md.
"""

from collections.abc import Iterable

from msgspec.structs import replace

from detente.core.release import Release, Tlp, no_more_open

GOES_OUT = frozenset({1, 2, 3})
"""This community, connected communities, all. 0 is one's own organisation, 4 a sharing group."""

INHERITS = 5
"""An attribute's: as the event's."""

LABELS = {
    "tlp:red": Tlp.RED,
    "tlp:amber+strict": Tlp.AMBER_STRICT,
    "tlp:amber": Tlp.AMBER,
    "tlp:green": Tlp.GREEN,
    "tlp:clear": Tlp.CLEAR,
    "tlp:white": Tlp.CLEAR,
}
"""Tags of MISP's taxonomy ``tlp``; others of it, such as ``tlp:unclear``, are not understood."""


def label_of(tags: Iterable[str]) -> tuple[Tlp | None, bool]:
    """The most closed of the labels among tags, and whether all of them were understood."""
    found: Tlp | None = None
    understood = True
    for tag in tags:
        name = tag.strip().lower()
        if not name.startswith("tlp:"):
            continue
        label = LABELS.get(name)
        if label is None:
            understood = False
        elif found is None or no_more_open(label, found):
            found = label
    return found, understood


def ceiling(
    asked: Release | None, distributions: Iterable[int], tags: Iterable[str]
) -> Release | None:
    """What is released of something, of what its sender asks for.

    Args:
        asked: To whom he would release it.
        distributions: Of the event and of what is in it, from outside in.
        tags: Of all of them.

    Returns:
        No more than ``asked``; None is nobody. What is TLP:RED is for those alone who are named.
    """
    label, understood = label_of(tags)
    goes_out = all(
        one in GOES_OUT or (at and one == INHERITS) for at, one in enumerate(distributions)
    )
    if asked is None or not goes_out or not understood:
        return None
    given = asked if label is None or no_more_open(asked.tlp, label) else replace(asked, tlp=label)
    return replace(given, members=None) if label is Tlp.RED else given
