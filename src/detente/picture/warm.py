"""Compile the kernels once, at set-up, so that no check pays for it.

Run as ``python -m detente.picture.warm``. The machine code is kept beside the
source, or in the user's cache folder where that cannot be written.
"""

import numpy as np

from detente.core.check import Known
from detente.core.edges import circle, corridor
from detente.core.notice import Notice
from detente.core.plan import Plan, PlanState
from detente.core.volume import EPOCH, Shape, Volume
from detente.core.watch import Observed
from detente.picture import question
from detente.picture.entries import Held
from detente.picture.gather import Gatherer, Group
from detente.picture.gathered import Sheet, damaged, gathered, raw_of, sheet_of
from detente.picture.legs import POSITION, Ground, chained
from detente.picture.live import Live
from detente.picture.picture import Part, Picture, merged_part
from detente.picture.segment import arranged, hashes_of
from detente.picture.watch import approaches


def warm() -> None:
    """Ask small questions that take every way through the kernels."""
    shapes: tuple[Shape, ...] = (circle(0.0, 0.0, 10.0), *corridor([(0.0, 0.0), (0.05, 0.0)]))
    volumes = (Volume(footprint=shapes),)
    notice = Notice(source_id="warm", name="warm", category="warm", party="warm", volumes=volumes)
    plan = Plan(source_id="warm", volumes=volumes, state=PlanState.ACCEPTED)
    gatherer = Gatherer()
    gatherer.add(notice)
    sheet = sheet_of([gathered(gatherer.raw())])
    damaged(sheet)
    # As a register has them: compiled code tells what may be written from what may not.
    sheet = Sheet(sheet.numbers.copy(), sheet.first)
    read = raw_of(sheet, np.zeros(1, dtype=np.int64), (Group("warm"),))
    segment = arranged(Held([Known(value=notice, object_id="c")]), hashes_of("c"), read, None)
    live = Live([Known(value=notice, object_id="a")], parts=[Part.whole(segment)])
    live.fold([("b", Known(value=notice, object_id="b"))], 1)
    picture = live.snapshot()
    merged_part(picture.parts).segment.under(None)
    for part in picture.parts:
        asked = question.Question.of([plan], None, 0)
        list(asked.ask([(part.segment, part.gone)]))
        question.ask_long(next(asked.tables()), part.segment, part.gone)
    Picture([Known(value=plan)]).conflicts(separation_mm=1)
    seen = Observed(track="warm", time=EPOCH, position=(0, 0), accuracy_mm=0, drift_mm_s=0)
    approaches(picture, [seen], EPOCH, horizon_s=60.0)
    segment, positions = picture.parts[0].segment, np.zeros(2, dtype=POSITION)
    ground = Ground(segment, np.arange(len(segment.kind)), within_m=1.0)
    chained(positions, 1, 1, ground.cover)
    ground.near(positions[:1], positions[1:])


if __name__ == "__main__":
    warm()
