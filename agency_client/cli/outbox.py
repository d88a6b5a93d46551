"""`agency outbox`, `agency sent`, `agency status`: what waits and why, what was sent, and how far it has come."""

from datetime import datetime
from typing import TYPE_CHECKING, Annotated, Any

import typer

from agency_client.cli.invocation import get_invocation
from agency_client.terminal.output import Cell, Output, Tone

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from agency_client.local_store.sent import RecordedFact
    from agency_client.sending.views import BrokerWord, DeliveryLine, SentLine
    from agency_client.statuses.freshness import StatusAge

_ID_CHARACTERS = 8
_BAD = frozenset({"refused-by-broker", "returned", "expired", "cancelled", "unverifiable", "refused"})
_WAITING = frozenset({"held", "released", "taken-by-broker"})
_BROKERS = frozenset({"taken-by-broker", "refused-by-broker", "held", "released", "returned", "withdrawn", "expired"})


def register(app: typer.Typer) -> None:
    """Add the verbs of this group."""
    app.command("outbox")(_outbox)
    app.command("sent")(_sent)
    app.command("status")(_status)


def _outbox(
    context: typer.Context,
    everything: Annotated[bool, typer.Option("--all", help="Also what was refused, cancelled or is settled.")] = False,
    cancel: Annotated[str | None, typer.Option(metavar="ID", help="Take back a message that has not left.")] = None,
    reason: Annotated[str, typer.Option(help="Why it is taken back.")] = "cancelled by the officer",
) -> None:
    """List what waits: for the exchange, or for its recipients to sign that they have it.

    \b
    Examples:
      agency outbox
      agency outbox --all
      agency outbox --cancel 7964f6be --reason "sent to the wrong desk"
    """
    from agency_client.agreements.desks import load_whom_to_call
    from agency_client.client import cancel_queued
    from agency_client.duties.listing import note_listing
    from agency_client.local_store.outbox import WAITING, OutboxState
    from agency_client.node import Node
    from agency_client.sending.views import list_waiting, list_waiting_documents
    from agency_client.statuses.standing import list_ages
    from agency_client.terminal.partner_pages import describe_age, warn_of_ages

    invocation = get_invocation(context)
    with Node(invocation.open_profile(), invocation.clock) as node:
        if cancel is not None:
            cancel_queued(node, cancel, reason=reason)
        note_listing(node, "outbox")
        lines = list_waiting(node, OutboxState if everything else WAITING)
        documents = list_waiting_documents(node)
        recipients = sorted({delivery.recipient for line in lines for delivery in line.deliveries})
        ages, whom = list_ages(node, recipients), load_whom_to_call(node, recipients)
    rows = [_list_outbox_row(line, ages) for line in lines]
    titles = ["id", "kind", "to", "state", "tried", "next", "problem"]
    output = invocation.output
    output.show_table(titles, rows, empty="nothing waits")
    for document in documents:
        why = f": {document.problem.sentence}" if document.problem else ""
        output.say(f"also waiting: {document.kind.value} for {document.partner or 'the exchange'}{why}")
    waiting = [{"kind": item.kind.value, "partner": item.partner, "attempts": item.attempts} for item in documents]
    warn_of_ages(output, ages.values(), whom)
    _say_unreached(output, lines, whom)
    partners = {agency: describe_age(age) for agency, age in ages.items()}
    messages = [describe_line(line) for line in lines]
    output.write_json({"messages": messages, "documents": waiting, "partner_status": partners})


def _sent(
    context: typer.Context,
    thread: Annotated[str | None, typer.Option(help="Only of this thread.")] = None,
    limit: Annotated[int, typer.Option(min=1, max=10_000, help="So many at most.")] = 50,
) -> None:
    """List what was sent, newest first, and how it stands with each recipient.

    \b
    Examples:
      agency sent
      agency sent --thread 0190a6f2-3c4d-7e5f-8a6b-7c8d9e0f1a2b --json
    """
    from agency_client.duties.listing import note_listing
    from agency_client.node import Node
    from agency_client.sending.views import list_sent

    invocation = get_invocation(context)
    with Node(invocation.open_profile(), invocation.clock) as node:
        note_listing(node, "sent")
        lines = list_sent(node, thread=thread, limit=limit)
    rows = [_list_sent_row(line, delivery) for line in lines for delivery in line.deliveries]
    invocation.output.show_table(
        ["sent", "id", "kind", "to", "stands", "subject"], rows, empty="nothing was sent from this node"
    )
    invocation.output.write_json({"messages": [describe_line(line) for line in lines]})


def _status(
    context: typer.Context,
    message_id: Annotated[str, typer.Argument(metavar="ID", help="A message you sent; the first characters do.")],
    offline: Annotated[bool, typer.Option("--offline", help="Do not ask the broker.")] = False,
) -> None:
    """Show how far a message has come with each recipient: received, verified, opened, answered; and who says so.

    What a recipient signed is proven; a leaf of the log was verified; what the broker says now is only its word.

    \b
    Examples:
      agency status 7964f6be
      agency status 7964f6be --offline --json
    """
    from agency_client.aftercare.overview import view_aftercare
    from agency_client.agreements.desks import load_whom_to_call
    from agency_client.cli.aftercare import describe_overview
    from agency_client.duties.listing import note_listing
    from agency_client.node import Node
    from agency_client.sending.views import ask_broker, describe_sent
    from agency_client.terminal.aftercare_pages import ACTING_TITLES, list_acting_rows, warn_of_late

    invocation = get_invocation(context)
    with Node(invocation.open_profile(), invocation.clock) as node:
        line = describe_sent(node, message_id)
        note_listing(node, "status", message=line.message.message_id)
        word = None if offline else ask_broker(node, line)
        whom = load_whom_to_call(node, (delivery.recipient for delivery in line.deliveries))
        view = view_aftercare(node, line.message.message_id)
    output = invocation.output
    _show_message(output, line)
    rows = [row for delivery in line.deliveries for row in _list_fact_rows(line, delivery)]
    output.show_table(["recipient", "what", "when", "who says so"], rows, empty="nothing is known of it yet")
    if word is not None:
        _show_word(output, word)
    _say_owed(output, line, whom, invocation.clock.now())
    _say_unreached(output, [line], whom)
    if view.lines:
        output.show_line("")
        output.show_table(ACTING_TITLES, list_acting_rows(view))
        warn_of_late(output, view)
    described = describe_line(line) | {"broker": None if word is None else _describe_word(word), "whom_to_call": whom}
    output.write_json(described | {"aftercare": describe_overview(view)["notices"]})


def _say_owed(output: Output, line: "SentLine", whom: "Mapping[str, str]", now: datetime) -> None:
    """Say what recipients owe by the agreement: receipts that are not here, and the answer; whom to call if late."""
    for delivery in line.deliveries:
        call = whom[delivery.recipient]
        for item in delivery.missing:
            words = f"{delivery.recipient} owes the receipt {item.type.value} since {_format_time(item.since)}"
            is_late = item.is_late(now)
            output.say(f"{words}{f', late; {call}' if is_late else ''}", Tone.CAUTION if is_late else Tone.QUIET)
        if delivery.answer_due is not None:
            is_late = delivery.answer_due < now
            words = "was to answer by" if is_late else "has to answer by"
            tone = Tone.CAUTION if is_late else Tone.QUIET
            sentence = f"{delivery.recipient} {words} {_format_time(delivery.answer_due)}"
            output.say(f"{sentence}; {call}" if is_late else sentence, tone)


def _say_unreached(output: Output, lines: "Sequence[SentLine]", whom: "Mapping[str, str]") -> None:
    """Say beside the data which recipients a message has not reached, and whom to call there."""
    for line in lines:
        for delivery in line.deliveries:
            standing = delivery.standing.fact.value if delivery.standing else "waiting"
            if standing in _BAD - {"cancelled"} or standing == "held":
                message = line.message.message_id[:_ID_CHARACTERS]
                output.say(
                    f"{message} is {standing} for {delivery.recipient}; {whom[delivery.recipient]}", Tone.CAUTION
                )


def describe_line(line: "SentLine") -> dict[str, Any]:
    """Return a sent message as `--json` shows it."""
    message, item = line.message, line.item
    problem = {"code": item.problem.code, "sentence": item.problem.sentence} if item.problem else None
    return {
        "id": message.message_id,
        "digest": message.digest,
        "thread": message.thread,
        "kind": line.shown_kind,
        "marking": message.marking,
        "urgency": message.urgency,
        "subject": line.summary.subject,
        "sent_at": message.created_at,
        "expires_at": message.expires_at,
        "refers_to": message.refers_to,
        "replaces": message.replaces,
        "unchecked": line.summary.unchecked,
        "state": item.state.value,
        "attempts": item.attempts,
        "problem": problem,
        "leaf": line.acceptance.index if line.acceptance else None,
        "deliveries": [_describe_delivery(delivery) for delivery in line.deliveries],
    }


def _describe_delivery(delivery: "DeliveryLine") -> dict[str, Any]:
    return {
        "recipient": delivery.recipient,
        "agreement": delivery.agreement,
        "title": delivery.title,
        "stands": delivery.standing.fact.value if delivery.standing else "waiting",
        "facts": [
            {
                "fact": fact.fact.value,
                "at": fact.at,
                "by": _name_side(fact),
                "reason": fact.reason or None,
                "evidence": fact.evidence or None,
                "late": fact.late,
            }
            for fact in delivery.facts
        ],
        "missing_receipts": [
            {"type": item.type.value, "since": item.since, "due": item.due} for item in delivery.missing
        ],
        "answer_due": delivery.answer_due,
    }


def _name_side(fact: "RecordedFact") -> str:
    if fact.fact.value == "cancelled":
        return "self"
    # That it was withdrawn has a reason where it follows from what the recipient signed of the withdrawal.
    is_brokers = fact.fact.value in _BROKERS and not (fact.fact.value == "withdrawn" and fact.reason)
    return "broker" if is_brokers else "recipient"


def _describe_word(word: "BrokerWord") -> dict[str, Any]:
    states = [
        {"recipient": state.recipient, "state": state.state, "leaf": state.leaf.index if state.leaf else None}
        for state in word.states
    ]
    return {"asked_at": word.asked_at, "states": states, "problem": word.problem or None}


def _list_outbox_row(line: "SentLine", ages: "dict[str, StatusAge]") -> list[str | Cell]:
    from agency_client.terminal.partner_pages import mark_agency

    item = line.item
    tone = Tone.BAD if item.state.value == "refused" else Tone.NORMAL
    is_trying = item.state.value in ("queued", "in-doubt")
    return [
        line.message.message_id[:_ID_CHARACTERS],
        line.shown_kind,
        ", ".join(mark_agency(delivery.recipient, ages).text for delivery in line.deliveries),
        Cell(item.state.value, tone),
        str(item.attempts),
        _format_time(item.next_attempt_at) if is_trying else "",
        item.problem.sentence if item.problem else "",
    ]


def _list_sent_row(line: "SentLine", delivery: "DeliveryLine") -> list[str | Cell]:
    standing = delivery.standing.fact.value if delivery.standing else "waiting"
    return [
        _format_time(line.message.created_at),
        line.message.message_id[:_ID_CHARACTERS],
        line.shown_kind,
        delivery.recipient,
        Cell(standing, _choose_tone(standing)),
        line.summary.subject,
    ]


def _show_message(output: Output, line: "SentLine") -> None:
    message, leaf = line.message, line.acceptance
    details: list[tuple[str, str | Cell]] = [
        ("message", message.message_id),
        ("kind", f"{line.shown_kind}, {message.urgency}, TLP:{message.marking.upper()}"),
        ("subject", line.summary.subject),
        ("sent", _format_time(message.created_at)),
        ("deliver by", _format_time(message.expires_at)),
        ("outbox", line.item.state.value),
    ]
    if leaf is not None:
        details.append(("in the log", f"leaf {leaf.index}, proven on {_format_time(leaf.record.time)}"))
    if line.item.problem is not None:
        details.append(("problem", Cell(line.item.problem.sentence, Tone.BAD)))
    if line.summary.unchecked:
        details.append(("note", Cell("pushed past the client's own judgement of agreements", Tone.CAUTION)))
    output.show_details(details)


def _list_fact_rows(line: "SentLine", delivery: "DeliveryLine") -> list[list[str | Cell]]:
    rows: list[list[str | Cell]] = []
    for fact in delivery.facts:
        what = fact.fact.value + (f" ({fact.reason})" if fact.reason else "") + (", late" if fact.late else "")
        who = _name_witness(line, delivery.recipient, fact)
        rows.append([delivery.recipient, Cell(what, _choose_tone(fact.fact.value)), _format_time(fact.at), who])
    return rows or [[delivery.recipient, "waiting", "", ""]]


def _name_witness(line: "SentLine", recipient: str, fact: "RecordedFact") -> str:
    side = _name_side(fact)
    if side == "self":
        return "this node"
    if side == "recipient":
        return f"{recipient}, signed {fact.evidence[:_ID_CHARACTERS]}"
    if fact.fact.value == "taken-by-broker" and line.acceptance is not None:
        return f"the exchange, leaf {line.acceptance.index}"
    return f"the exchange, leaf {fact.evidence}" if fact.evidence else "the exchange"


def _show_word(output: Output, word: "BrokerWord") -> None:
    if word.problem:
        output.say(f"the broker was not heard: {word.problem}", Tone.CAUTION)
    for state in word.states:
        output.say(f"the broker says now: {state.recipient}: {state.state}")


def _choose_tone(fact: str) -> Tone:
    if fact in _BAD:
        return Tone.BAD
    return Tone.CAUTION if fact in _WAITING or fact == "waiting" else Tone.GOOD


def _format_time(moment: datetime) -> str:
    return f"{moment:%Y-%m-%d %H:%M}Z"
