"""The checks of benchmarks/conformance against a real node; test_taxii_conformance.md tells it."""

import subprocess
import sys
from pathlib import Path

CHECKS = Path(__file__).parents[2] / "benchmarks" / "conformance"


def test_a_node_passes_every_check_of_taxii() -> None:
    """A node passes every check of TAXII 2.1."""
    # A process of its own: it knows of the node its address, its logins and its collections.
    ran = subprocess.run(
        [sys.executable, CHECKS, "detente"], capture_output=True, text=True, check=False
    )
    assert ran.returncode == 0, ran.stdout + ran.stderr
    *failed, total = ran.stdout.splitlines()
    assert failed == []
    assert total.startswith("Détente: 526 of 526 in "), total
