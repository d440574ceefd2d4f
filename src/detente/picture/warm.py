"""Compile the kernels once, at set-up, so that no check pays for it.

Run as ``python -m detente.picture.warm``. The machine code is kept beside the
source, or in the user's cache folder where that cannot be written.
"""

from detente.core.check import Known
from detente.core.edges import circle
from detente.core.notice import Notice
from detente.core.plan import Plan
from detente.core.volume import Volume
from detente.picture.picture import Picture


def warm() -> None:
    """Ask one small question, which compiles everything that a check uses."""
    volume = Volume(footprint=(circle(0.0, 0.0, 10.0),))
    notice = Notice(source_id="warm", name="warm", category="warm", party="warm", volumes=(volume,))
    Picture([Known(value=notice)]).meetings([Plan(source_id="warm", volumes=(volume,))])


if __name__ == "__main__":
    warm()
