"""A run of checks of TAXII 2.1 servers, ours and its peers in the same run.

``suite`` says what a check is; ``endpoints``, ``resources``, ``filters``, ``pages`` and ``robust``
hold them, in their order; ``servers`` starts what is checked.
"""

from conformance import endpoints, filters, pages, resources, robust
from conformance.suite import CHECKS, Outcome, Server, run

__all__ = [
    "CHECKS", "Outcome", "Server", "endpoints", "filters", "pages", "resources", "robust", "run",
]  # fmt: skip
