"""``python benchmarks/conformance [SERVER]...``: the checks, and what failed of them.

A server is one that is started here (detente, medallion, opentaxii: all where none is named), or
a file of JSON that says of one that runs what ``suite.Server`` asks for. Ends with 1 if any failed.
"""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

from conformance.figure import report

sys.exit(any(one.failure for outcomes in report(sys.argv[1:]).values() for one in outcomes))
