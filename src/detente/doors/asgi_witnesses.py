"""Whom the settings name as witnesses and mirrors, and for whom the node is to be either."""

from pathlib import Path

from detente.core.note_key import check_key_name
from detente.core.policy import Policy, parse_policy
from detente.errors import MalformedInput
from detente.node.witnesses import Witnesses
from detente.settings import Settings


def witnesses(settings: Settings) -> Witnesses:
    """Who cosigns the log, and whose logs the node cosigns.

    Raises:
        MalformedInput: A file is not there, or no policy; or a name that no note can hold.
    """
    for name in (settings.witness_name, settings.mirror_name):
        if name:
            check_key_name(name)
    return Witnesses(
        policy=_policy(settings.witness_policy),
        name=settings.witness_name,
        logs=_policy(settings.witness_logs),
        mirrors=_policy(settings.mirror_policy),
        mirror_name=settings.mirror_name,
        mirror_logs=_policy(settings.mirror_logs),
    )


def _policy(file: str) -> Policy | None:
    if not file:
        return None
    try:
        return parse_policy(Path(file).read_bytes())
    except OSError as error:
        got = error.strerror or type(error).__name__
        raise MalformedInput(file, expected="a file that can be read", got=got) from None
    except MalformedInput as error:
        raise MalformedInput(file, expected="a policy (C2SP tlog-policy)", got=f"{error}") from None
