"""GDAL's own programs as clients of a node."""

import json
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

from detente.node.keyring import Keyring
from detente.store import Place
from http_node import EVERY_ROLE, Node, bearer, node_at
from ports import free_port


@contextmanager
def gis_node(place: Place, keyring: Keyring, folder: Path, *settings: str) -> Iterator[Node]:
    """A node that knows its own address, which its links lead to."""
    port = free_port()
    url = f"base_url=http://127.0.0.1:{port}"
    with node_at(place, keyring, folder, url, *settings, port=port) as node:
        yield node


def gdal(party: str, program: str, *arguments: object) -> str:
    """Run one of GDAL's programs with a party's token; warnings are mistakes of ours."""
    done = subprocess.run(
        [
            program, "--config", "GDAL_HTTP_HEADERS",
            f"Authorization: Bearer {bearer(party, EVERY_ROLE)}", *map(str, arguments),
        ],
        capture_output=True, text=True, check=False, timeout=300,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    for line in done.stderr.splitlines():
        assert not line.startswith(("Warning", "ERROR")), done.stderr
    return done.stdout


def layer_of(
    node: Node, party: str, name: str, folder: Path, *options: object
) -> list[dict[str, Any]]:
    """All features of a collection, as ogr2ogr copies them through the OAPIF driver."""
    target = folder / "copied.geojson"
    target.unlink(missing_ok=True)
    gdal(party, "ogr2ogr", "-f", "GeoJSON", *options, target, f"OAPIF:{node.url}/ogc", name)
    found: list[dict[str, Any]] = json.loads(target.read_text())["features"]
    return found


def asked(path: str, **query: object) -> str:
    """A path below /ogc with a query; names with _ for -."""
    named = {name.replace("_", "-"): str(value) for name, value in query.items()}
    return f"/ogc{path}?{urlencode(named)}" if named else f"/ogc{path}"
