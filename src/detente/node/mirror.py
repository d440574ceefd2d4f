"""This node as a mirror of other theatres' logs: it keeps a copy, and cosigns what it holds.

Each entry is verified under a checkpoint that the log signed, and that grew out of those
before, before it is kept; the copy, and the checkpoint under which it is served, are on disk
before the mirror cosigns. So a log has one past here, and whoever lost it finds it here.

Source: C2SP tlog-mirror; docs/adr/0021.
"""

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from hashlib import sha256

from detente.core.checkpoint import Checkpoint, parse_checkpoint
from detente.core.log_files import LogFile, decode_bundle, encode_bundle, width_at
from detente.core.merkle import HASH_BYTES, leaf_hash
from detente.core.mirror import (
    Info,
    Package,
    Status,
    Upload,
    info_answer,
    parse_packages,
    parse_upload,
    verify_package,
)
from detente.core.note import Note, parse_note, render_note, render_signatures, sign, verify_note
from detente.core.note_key import Signer, VerifierKey, cosigner
from detente.core.policy import Policy
from detente.core.tiles import TILE_WIDTH, grow
from detente.core.witness import (
    NOTHING_SEEN,
    TEXT_TYPE,
    Answer,
    Cosigned,
    Decision,
    Refused,
    Request,
    Seen,
    answer,
    decide,
    parse_request,
)
from detente.core.witness import Status as Witnessing
from detente.errors import LogInconsistent, MalformedInput, NotFound
from detente.node.keyring import Keyring
from detente.store import Appender, Record, Store
from detente.store.mirror import Mirrored

MIRROR = "+mirror"
"""Whose keys cosign what is mirrored, in a keyring: no party can be called so."""


def mirror_signers(keyring: Keyring, name: str) -> tuple[Signer, Signer]:
    """The keys of this node as a mirror, made where there are none: Ed25519 and ML-DSA-44.

    They are not those of the witness: that one says only that a log has grown.

    Raises:
        MalformedInput: The name cannot stand in a note.
        Unavailable: They cannot be written.
    """
    return cosigner(name, keyring.own(MIRROR)), cosigner(name, keyring.ml_dsa(MIRROR))


def origin_hash(origin: str) -> str:
    """What the copy of a log is called in addresses."""
    return sha256(origin.encode()).hexdigest()


class Mirror:
    """Keeps copies of logs.

    Args:
        store: Where they are.
        signers: Its own, from ``mirror_signers``.
        policy: Whose ``log`` lines say which logs it mirrors.
        clock: Gives the time, UTC.
    """

    def __init__(
        self,
        store: Store,
        signers: Sequence[Signer],
        policy: Policy,
        clock: Callable[[], datetime],
    ) -> None:
        self._store = store
        self._signers = tuple(signers)
        self._clock = clock
        self._logs: Mapping[str, Sequence[VerifierKey]] = {
            log.key.name: [one.key for one in policy.logs if one.key.name == log.key.name]
            for log in policy.logs
        }
        self._origins = {origin_hash(origin): origin for origin in self._logs}

    def add_checkpoint(self, body: bytes) -> Answer:
        """Take a checkpoint that the copy is to reach, or say why not; cosigns nothing; blocks.

        Raises:
            Unavailable: It cannot be remembered.
            OutcomeUnknown: It may have been.
        """
        try:
            request = parse_request(body)
        except MalformedInput as error:
            return answer(Refused(status=Witnessing.MALFORMED, reason=str(error)))
        origin = request.checkpoint.origin
        with self._store.reading() as record:
            decision = self._decided(request, record)
        if isinstance(decision, Refused):
            # Whoever is refused has nobody wait for the head, which anyone could ask for.
            return answer(decision)
        with self._store.appending() as record:
            decision = self._decided(request, record)
            if isinstance(decision, Cosigned):
                record.put_pending(origin, decision.seen.size, self._as_signed(request.note))
        return answer(decision)

    def _decided(self, request: Request, record: Record) -> Decision:
        pending = record.pending(request.checkpoint.origin)
        seen = NOTHING_SEEN
        if pending:
            newest = _checkpoint_of(next(iter(pending.values())))
            seen = Seen(size=newest.size, root=newest.root)
        return decide(request, logs=self._logs, seen=seen, signers=(), timestamp=0)

    def _as_signed(self, note: Note) -> bytes:
        """The checkpoint with the signatures of its log, and of nobody else."""
        keys = self._logs[parse_checkpoint(note.text).origin]
        signed = verify_note(note, keys)
        return render_note(Note(text=note.text, signatures=tuple(one.line for one in signed)))

    def add_entries(self, body: bytes) -> Answer:
        """Take entries of a log, and cosign once all are here; blocks.

        Raises:
            Unavailable: They cannot be kept.
            OutcomeUnknown: They may have been; nothing is cosigned.
        """
        try:
            upload, at = parse_upload(body)
            if upload.origin not in self._logs:
                return _refused(Status.UNKNOWN_LOG, "log: expected a known origin")
            with self._store.reading() as record:
                refused = _conflict(record, upload)
                if refused is not None:
                    return refused
                note = record.pending(upload.origin)[upload.end]
                before = _leaves_before(record, upload)
            packages = parse_packages(body, at, upload)
        except MalformedInput as error:
            return _refused(Status.MALFORMED, str(error))
        if not packages and upload.start < upload.end:
            return _refused(Status.MALFORMED, "upload: expected a whole package")
        try:
            for one in packages:
                verify_package(one, before, _checkpoint_of(note))
                before = ()
        except LogInconsistent as error:
            return _refused(Status.NOT_CONSISTENT, str(error))
        with self._store.appending() as record:
            return self._kept(record, upload, packages, note)

    def _kept(
        self, record: Appender, upload: Upload, packages: Sequence[Package], note: bytes
    ) -> Answer:
        """Keep what is new; with all of it, the checkpoint."""
        found = record.mirrored(upload.origin)
        if upload.end < found.size:
            # Another upload went past this one meanwhile.
            return _told(Status.CONFLICT, record, upload.origin)
        following = found.next
        for one in packages:
            following = _keep(record, upload.origin, one, following)
        if (packages[-1].end if packages else upload.end) < upload.end:
            record.put_mirrored(
                upload.origin, Mirrored(next=following, size=found.size, note=found.note)
            )
            return info_answer(Status.MORE, Info(size=upload.end, next=following))
        text = parse_note(note).text
        timestamp = int(self._clock().timestamp())
        lines = tuple(sign(one, text, timestamp=timestamp) for one in self._signers)
        cosigned = Note(text=text, signatures=(*parse_note(note).signatures, *lines))
        record.put_mirrored(
            upload.origin, Mirrored(next=following, size=upload.end, note=render_note(cosigned))
        )
        body = render_signatures(lines).encode()
        return Answer(status=Status.MIRRORED, content_type=TEXT_TYPE, body=body)

    def checkpoint(self, name: str) -> bytes:
        """The checkpoint under which the copy of a log is served.

        Args:
            name: From ``origin_hash``.

        Raises:
            NotFound: No such log is mirrored, or nothing of it yet.
        """
        with self._store.reading() as record:
            note = record.mirrored(self._origin(name)).note
        if note is None:
            raise NotFound(f"checkpoint of {name}")
        return note

    def file(self, name: str, file: LogFile) -> bytes:
        """A file of the copy of a log.

        Raises:
            NotFound: No such log is mirrored, or it is not that long.
        """
        origin = self._origin(name)
        with self._store.reading() as record:
            if width_at(record.mirrored(origin).next, file.level, file.index) < file.width:
                raise NotFound(file.path)
            data = record.mirror_file(origin, file.level, file.index)
        if file.level is not None:
            return data[: file.width * HASH_BYTES]
        return encode_bundle(decode_bundle(data)[: file.width])

    def _origin(self, name: str) -> str:
        origin = self._origins.get(name)
        if origin is None:
            raise NotFound(f"log {name}")
        return origin


def _checkpoint_of(note: bytes) -> Checkpoint:
    return parse_checkpoint(parse_note(note).text)


def _conflict(record: Record, upload: Upload) -> Answer | None:
    """Why this upload does not lead from what is here to a checkpoint that is known."""
    found = record.mirrored(upload.origin)
    known = upload.end in record.pending(upload.origin) and upload.end >= found.size
    if known and upload.start <= found.next:
        return None
    return _told(Status.CONFLICT, record, upload.origin, upload.end if known else None)


def _told(status: Status, record: Record, origin: str, size: int | None = None) -> Answer:
    """How far the copy is, and to which checkpoint it is to be brought: the newest, or this."""
    newest = next(iter(record.pending(origin)), 0)
    return info_answer(
        status,
        Info(size=newest if size is None else size, next=record.mirrored(origin).next),
    )


def _refused(status: Status, reason: str) -> Answer:
    return Answer(status=status, content_type=TEXT_TYPE, body=f"{reason}\n".encode())


def _leaves_before(record: Record, upload: Upload) -> Sequence[bytes]:
    """Hashes of the entries that stand before an upload in the bundle where it begins."""
    index, count = divmod(upload.start, TILE_WIDTH)
    if not count:
        return ()
    tile = record.mirror_file(upload.origin, 0, index)
    return [tile[at * HASH_BYTES : (at + 1) * HASH_BYTES] for at in range(count)]


def _keep(record: Appender, origin: str, package: Package, following: int) -> int:
    """Keep the entries of a package that are not here yet; the first that is still missing."""
    entries = package.entries[max(0, following - package.start) :]
    if not entries:
        return following
    index, count = divmod(following, TILE_WIDTH)
    held = decode_bundle(record.mirror_file(origin, None, index)) if count else []
    record.put_mirror_file(origin, None, index, encode_bundle([*held, *entries]))
    changed = grow(
        lambda level, number: record.mirror_file(origin, level, number),
        following,
        [leaf_hash(one) for one in entries],
    )
    for (level, number), hashes in changed.items():
        record.put_mirror_file(origin, level, number, hashes)
    return following + len(entries)
