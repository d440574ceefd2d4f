"""Logs as a malicious operator publishes them: any entries, signed with the log's own key."""

from collections.abc import Sequence
from datetime import timedelta
from pathlib import Path

from detente.core.log_files import LogFile, encode_bundle
from detente.core.note import render_note, sign_note
from detente.core.note_key import Signer, log_signer
from detente.core.policy import Policy, PolicyLog
from detente.node.follow import follow
from detente.node.log import files_of
from detente.node.outside import Asked, Audited
from logs import Tree, ed25519
from world import NOW, Writer, admission, founding, site

ORIGIN = "log.example.org/test"
LOG = log_signer(ORIGIN, ed25519(1))
POLICY = Policy(logs=(PolicyLog(key=LOG.verifier),))
LATER = NOW + timedelta(days=1)


def entries(count: int, writer: Writer | None = None) -> list[bytes]:
    """The agreement, parties one and two, and then notices of both in turn: ``count`` in all."""
    writer = writer or Writer()
    acts = [writer.said(founding(writer))]
    acts += [writer.said(admission(writer, party)) for party in ("one", "two")]
    while len(acts) < count:
        party = "one" if len(acts) % 2 else "two"
        acts.append(writer.said(writer.write(site(party=party), party=party)))
    return [act.signed.data for act in acts]


def publish(said: Sequence[bytes], folder: Path, signer: Signer = LOG, origin: str = ORIGIN) -> str:
    """Write entries as a log, whatever they say; the log's verifier key."""
    tree = Tree(said, origin=origin)
    for file in files_of(len(said)):
        path = folder / file.path
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(file_of(tree, file))
    note = sign_note(tree.at(len(said)).text, [signer])
    folder.mkdir(exist_ok=True)
    (folder / "checkpoint").write_bytes(render_note(note))
    return signer.verifier.vkey


def file_of(tree: Tree, file: LogFile) -> bytes:
    """The bytes of a file of a log."""
    if file.level is not None:
        return tree.read(file.level, file.index)[: file.width * 32]
    first = file.index * 256
    return encode_bundle(tree.entries[first : first + file.width])


def looked_at(folder: Path, state: Path, **changes: object) -> Audited:
    """An audit in this process."""
    asked = Asked(where=str(folder), policy=POLICY, now=LATER, **changes)  # type: ignore[arg-type]
    return follow(asked, state=state)


def rules(found: Audited) -> list[tuple[str, str]]:
    """The problems: rule and place."""
    return [(one.rule, one.where) for one in found.problems]
