"""The command line: each command parses, calls one verb, and formats the answer.

Commands import what they need when they run, so that ``--help`` and a mistyped
option answer at once.
"""

import atexit
import gc
import os
import sys
import threading

from detente.errors import DetenteError

EXIT_MALFORMED = 2
"""Wrong usage or malformed input; the status that click gives to wrong usage as well."""


def main() -> None:
    """Run the command line; a refusal is one line on standard error and exit status 2."""
    # Nothing that is imported is garbage: to look among it takes each command some 15 ms.
    gc.disable()
    from detente.cli.app import app  # noqa: PLC0415 - see above

    gc.enable()
    try:
        try:
            app()
        except SystemExit as ending:
            leave(ending)
    except DetenteError as error:
        sys.stderr.write(f"detente: {error}\n")
        sys.exit(EXIT_MALFORMED)
    except OSError as error:
        if isinstance(error, BrokenPipeError):
            # Whoever read our answer stopped reading; say nothing more, not even at exit.
            sys.stderr.close()
            sys.exit(1)
        sys.stderr.write(f"detente: {error}\n")
        sys.exit(EXIT_MALFORMED)
    except MemoryError:
        sys.stderr.write("detente: the input needs more memory than there is\n")
        sys.exit(EXIT_MALFORMED)


def leave(ending: SystemExit) -> None:
    """End the process as Python would, but without taking apart what it holds.

    After a check that is a register's picture and all compiled code, and takes some 30 ms.

    Raises:
        SystemExit: Other threads have something to end, or there is more to say than a status.
        OSError: What was written could not be written out.
    """
    if threading.active_count() > 1 or not isinstance(ending.code, int):
        raise ending
    atexit._run_exitfuncs()  # noqa: SLF001 - as at any end
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(ending.code)
