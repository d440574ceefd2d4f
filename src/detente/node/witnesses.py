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

    @property
    def counted(self) -> Policy | None:
        """Which cosignatures are enough for a checkpoint to be the one that is served.

        The witnesses' policy may name a mirror as it names a witness; where there is none, it
        is the mirrors' own.
        """
        return self.policy or self.mirrors
