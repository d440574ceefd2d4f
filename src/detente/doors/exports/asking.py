"""What is wanted of an export, out of a query or a command line."""

from collections.abc import Collection
from datetime import timedelta

from detente.core.feature import KINDS
from detente.core.instant import Window
from detente.doors.where import box_of, is_there, window_of
from detente.errors import MalformedInput
from detente.node.exporting import LASTS_DEFAULT, Wanted
from detente.node.layers import Item


def wanted_of(
    *,
    kinds: Collection[str] = (),
    bbox: str | None = None,
    time: str | None = None,
    categories: Collection[str] = (),
    lasts: timedelta = LASTS_DEFAULT,
) -> Wanted:
    """What is to be exported.

    Args:
        kinds: Of KINDS; none are all.
        bbox: Four or six numbers, as text; what may meet it is wanted.
        time: An instant, or an interval with ``..`` for an open end.
        categories: Only of these; none are all.
        lasts: For how long it may be relied on.

    Raises:
        MalformedInput: One of them says nothing that is known.
    """
    for one in kinds:
        if one not in KINDS:
            raise MalformedInput("kind", expected=", ".join(KINDS), got=one[:40])
    box, window = box_of(bbox), window_of(time)
    parts = {"box": bbox, "time": time, "category": ", ".join(sorted(categories)),
             "kind": ", ".join(one for one in KINDS if one in kinds)}  # fmt: skip

    def takes(item: Item) -> bool:
        if categories and item.view.category not in categories:
            return False
        return _everywhere(bbox, window) or is_there(item, box, window)

    return Wanted(
        kinds=tuple(kind for name, kind in KINDS.items() if not kinds or name in kinds),
        boxes=() if box is None else (box.bounds,),
        takes=takes,
        lasts=lasts,
        within="; ".join(f"{name} {text}" for name, text in parts.items() if text),
    )


def _everywhere(bbox: str | None, window: Window) -> bool:
    return bbox is None and window == (None, None)
