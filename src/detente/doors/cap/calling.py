"""What an alert says of a call on the hotline: the coded message, in each language of the page.

The words of its parties stay as they are. How grave or how certain anything is, no call says. A
``responseType`` there is only where the coded message asks for one: of who hits that he stop, and
keep away. "Evacuation under way" asks nobody to evacuate.

Source: CAP 1.2 section 3.2.2; docs/hotline.md; docs/adr/0035.
"""

from collections.abc import Mapping
from functools import cache

from msgspec import Struct

from detente.core.incident import Call, Code, Incident, IncidentStep
from detente.core.view import Reader, View
from detente.doors.cap.saying import Said, contact_of, cut, read_words
from detente.node.telling.alerts import Alert, Message

ASKS_TO_STOP = frozenset({Code.STOP_HITTING_US, Code.STOP_HITTING_PROTECTED})


class Words(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What is said in one language; a test holds it to be what the page says in it."""

    asks: str
    place: str
    code: Mapping[str, str]
    act: Mapping[str, str]


@cache
def words() -> Mapping[str, Words]:
    """By language (BCP 47), English first."""
    return read_words("words.toml", Words)


def said_of_call(reader: Reader, alert: Alert, call: View) -> list[Said]:
    """What an alert says, once for each language.

    Args:
        reader: To whom.
        alert: As it is given it.
        call: The incident as of then.
    """
    incident = call.value
    assert isinstance(incident, Incident), "a call is seen whole or not at all"  # noqa: S101
    return [
        Said(
            event=spoken.code[incident.code],
            headline=cut(_headline(reader, alert, incident, spoken)),
            description=_description(reader, alert, incident, language),
            instruction=spoken.asks,
            response=_response(alert, incident),
            contact=_contact(reader, alert, incident),
            language=language,
            code=incident.code,
            place=spoken.place,
        )
        for language, spoken in words().items()
    ]


def _headline(reader: Reader, alert: Alert, incident: Incident, spoken: Words) -> str:
    """Who calls and what; and who went on with it."""
    headline = f"{_name(reader, incident.party)}: {spoken.code[incident.code]}"
    step = _step(alert)
    if step is None:
        return headline
    return f"{headline}; {_name(reader, step.party)} {spoken.act[step.act]}"


def _description(reader: Reader, alert: Alert, incident: Incident, language: str) -> str:
    """What was said, and in English what of the call this alert is."""
    step = _step(alert)
    said = [incident.words, "" if step is None else step.text]
    if language != "en":
        return "\n".join(one for one in said if one)
    parts = [f"{_name(reader, incident.party)} calls on the hotline."]
    if incident.words:
        tongue = f" ({incident.language})" if incident.language else ""
        parts.append(f"In its own words{tongue}: {incident.words}")
    view = alert.event.view
    value = None if view is None else view.value
    if isinstance(value, Call) and value.rung:
        parts.append(f"Called again: step {value.rung} of the ladder.")
    if isinstance(value, Incident) and alert.message is Message.UPDATE:
        parts.append("The caller corrected what the alerts say that this one names.")
    if step is not None and step.text:
        parts.append(f"{_name(reader, step.party)}, in its own words: {step.text}")
    return "\n".join(parts)


def _response(alert: Alert, incident: Incident) -> str | None:
    over = alert.message is Message.CANCEL
    return "Avoid" if incident.code in ASKS_TO_STOP and not over else None


def _contact(reader: Reader, alert: Alert, incident: Incident) -> str:
    """The desk of whoever speaks here."""
    step = _step(alert)
    speaks = incident if step is None else step
    return contact_of(reader.desk_of(speaks.party, speaks.desk))


def _step(alert: Alert) -> IncidentStep | None:
    view = alert.event.view
    return view.value if view is not None and isinstance(view.value, IncidentStep) else None


def _name(reader: Reader, party: str) -> str:
    found = reader.parties.get(party)
    return party if found is None else found.name
