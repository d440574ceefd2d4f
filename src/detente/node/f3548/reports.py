"""Commands on reports: a USS reports an exchange that went wrong, for the record.

What it reports stands in the record as it was given, but for proofs of identity:
those let whoever reads them act as another.

Source: ASTM F3548-21 annex A2 (ErrorReport).
"""

import re
from uuid import uuid4

from msgspec import Struct

from detente.core.entry import EntryKind
from detente.core.principal import Principal
from detente.core.report import REPORT_TEXT_MAX, Report
from detente.errors import MalformedInput
from detente.node.engine import Decision, Said
from detente.node.moment import Moment
from detente.node.submit import Touches

TITLE = "F3548 error report"

_TOKEN = re.compile(r"eyJ[\w-]{8,}\.[\w-]{8,}\.[\w-]+")
"""A JSON Web Token: its header begins with ``{"``."""

_BEARER = re.compile(r"(?i)\b(bearer|basic)[ \t]+[\w.~+/=-]+")


class PutReport(Struct, kw_only=True):
    """Puts a report on the record. Made by ``put_report``."""

    principal: Principal
    value: Report
    touches: Touches

    def decide(self, moment: Moment) -> Decision[str]:
        """One entry, released to nobody; also while the agreement is suspended.

        Answers with the report's id.
        """
        del moment  # Nothing that stands in the record can refuse it.
        name = self.value.source_id
        return Decision(says=(Said(value=self.value),), answer=lambda _: name)


def put_report(principal: Principal, text: str) -> PutReport:
    """A command that puts a report on the record.

    Raises:
        MalformedInput: Too long.
    """
    masked = _BEARER.sub(r"\1 ***", _TOKEN.sub("***", text))
    if len(masked) > REPORT_TEXT_MAX:
        raise MalformedInput(
            "report", expected=f"at most {REPORT_TEXT_MAX} characters", got=f"{len(masked)}"
        )
    name = str(uuid4())
    value = Report(source_id=name, party=principal.party, title=TITLE, text=masked)
    return PutReport(
        principal=principal,
        value=value,
        touches=Touches(names=((EntryKind.REPORT, principal.party, name),)),
    )
