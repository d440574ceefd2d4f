"""Every answer is as the document says; test_schema_fuzz.md tells it."""

import os
import subprocess
import sys
from pathlib import Path

from detente.core.principal import Role
from detente.node.keyring import Keyring
from http_node import bearer, node_at

SCHEMATHESIS = Path(sys.executable).with_name("schemathesis")
HOOKS = Path(__file__).with_name("schema_hooks.py")
SEED = 1_711_2015

CHECKS = (
    "not_a_server_error,status_code_conformance,content_type_conformance,"
    "response_headers_conformance,response_schema_conformance,negative_data_rejection,"
    "unsupported_method,allow_header_conformance,ignored_auth"
)

CONFIG = """
[phases.coverage]
unexpected-methods = ["PATCH", "TRACE"]

[checks.negative_data_rejection]
expected-statuses = [400, 401, 403, 404, 405, 409, 412, 413, 415, 428]
"""


def test_as_documented(register: Path) -> None:
    """Every answer is as documented, and none is a failure of the node."""
    folder = register.parent
    config = folder / "schemathesis.toml"
    config.write_text(CONFIG)
    with node_at(register, Keyring(register), folder) as node:
        done = subprocess.run(
            [
                SCHEMATHESIS, "--config-file", config, "run", f"{node.url}/openapi.json",
                "--header", f"Authorization: Bearer {bearer('one', tuple(Role))}",
                "--checks", CHECKS, "--phases", "examples,coverage,fuzzing",
                "--max-examples", "5", "--seed", str(SEED), "--continue-on-failure",
                "--no-color", "--suppress-health-check", "all",
                "--request-timeout", "60",
            ],
            cwd=folder, capture_output=True, text=True, check=False, timeout=1_200,
            env={**os.environ, "SCHEMATHESIS_HOOKS": HOOKS.stem, "PYTHONPATH": os.pathsep.join(
                [str(HOOKS.parent), os.environ.get("PYTHONPATH", "")])},
        )  # fmt: skip
        assert not node.served.events("internal error"), done.stdout
        assert node.party("one").get("/health/ready").status == 200
    assert done.returncode == 0, done.stdout + done.stderr
