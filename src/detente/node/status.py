"""How a node is: what it answers to whoever watches it."""

from msgspec import Struct


class Condition(Struct, frozen=True, kw_only=True):
    """One thing that must be well, such as "database"; ``problem`` is empty where it is."""

    name: str
    problem: str = ""


class Status(Struct, frozen=True, kw_only=True):
    """A node at one instant; it is ready when all its conditions are well."""

    theatre: str = ""
    sequence: int = 0
    conditions: tuple[Condition, ...] = ()

    @property
    def ready(self) -> bool:
        """Whether it may be asked."""
        return bool(self.conditions) and not any(one.problem for one in self.conditions)
