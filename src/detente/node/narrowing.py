"""What a reader does not want to see on his map: by party, category and height.

It takes away from what he may see and adds nothing, so that a cluster counts what is drawn when
one looks closer. No check is asked of it: what is not on the map is checked all the same.

Source: docs/adr/0024.
"""

import numpy as np
from msgspec import Struct

from detente.node.layers import Found, Sight, label_in

NAMES_MAX = 1_000
"""Parties or categories left out: as many as an agreement has members."""


class Narrowing(Struct, frozen=True, kw_only=True):
    """What is left out. What has no known height stays, whatever heights are wanted.

    Attributes:
        parties: Of these parties.
        categories: Of these categories.
        low_m: What ends below it, metres above the ellipsoid; None leaves out nothing.
        high_m: What begins above it.
    """

    parties: frozenset[str] = frozenset()
    categories: frozenset[str] = frozenset()
    low_m: float | None = None
    high_m: float | None = None

    def of(self, sight: Sight, found: Found) -> Found:
        """What stays."""
        stays = np.ones(len(found), dtype=np.bool_)
        if self.parties or self.categories:
            for part in np.unique(found.part).tolist():
                segment, mine = found.parts[part].segment, found.part == part
                unwanted = np.array([
                    label_in(one).party in self.parties or one.category in self.categories
                    for one in segment.groups
                ])  # fmt: skip
                group = segment.kinds["group"][segment.kind]
                stays[mine] = ~unwanted[group[found.owner[mine]]]
        if self.low_m is not None or self.high_m is not None:
            heights = sight.heights(found)
            low = -np.inf if self.low_m is None else self.low_m
            high = np.inf if self.high_m is None else self.high_m
            # One end that is unbounded is not known, as a feature says it.
            stays &= (heights[:, 1] >= low) & (heights[:, 0] <= high)
        return found if stays.all() else found.only(stays)


ALL = Narrowing()
"""Nothing is left out."""
