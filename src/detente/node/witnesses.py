"""Who cosigns and mirrors the log, and for which logs this node does so: as it is told to."""

from msgspec import Struct

from detente.core.policy import Policy


class Witnesses(Struct, frozen=True, kw_only=True):
    """Who cosigns the log, by a policy; and under which name the node cosigns which logs.

    And who mirrors it, and under which name the node mirrors which logs.
    """

    policy: Policy | None = None
    name: str = ""
    logs: Policy | None = None
    mirrors: Policy | None = None
    mirror_name: str = ""
    mirror_logs: Policy | None = None
