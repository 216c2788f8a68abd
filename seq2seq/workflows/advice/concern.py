"""What a check says, and how it is told."""

from collections.abc import Callable, Iterable
from typing import Any, NamedTuple


class Concern(NamedTuple):
    """Why a configuration runs but may not learn, and what to do about it."""

    reason: str
    remedy: str


class Advice(NamedTuple):
    """A concern and the code under which docs/advice.md explains it."""

    code: str
    reason: str
    remedy: str

    def __str__(self) -> str:
        return f"{self.code}: {self.reason}; {self.remedy}"


Check = Callable[..., Concern | None]


def code(check: Check) -> str:
    """The code of a check: its name, with hyphens."""
    return check.__name__.replace("_", "-")


def asked(checks: Iterable[Check], *facts: Any) -> list[Advice]:
    """The advice of those `checks` that have a concern about `facts`, in their order."""
    concerns = ((check, check(*facts)) for check in checks)
    return [Advice(code(check), *concern) for check, concern in concerns if concern is not None]
