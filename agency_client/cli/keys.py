"""`agency keys`: this agency's own keys, from the request that its roots sign to their end."""

from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from agency_client.cli.invocation import Invocation, get_invocation
from agency_client.terminal.output import Cell, Tone

if TYPE_CHECKING:
    from agency_client.node import Node
    from agency_client.own_keys.key_sets import Identity

_TONES = {"current": Tone.GOOD, "revoked": Tone.BAD, "expired": Tone.BAD, "replaced": Tone.QUIET}
_KID_CHARACTERS = 12


def register(app: typer.Typer) -> None:
    """Add the verbs of this group."""
    group = typer.Typer(
        help="Make, publish and revoke this agency's keys.", no_args_is_help=True, rich_markup_mode=None
    )
    group.command("request")(_request)
    group.command("install")(_install)
    group.command("publish")(_publish)
    group.command("list")(_list)
    group.command("rotate-encryption")(_rotate)
    group.command("revoke")(_revoke)
    app.add_typer(group, name="keys")


def _request(
    context: typer.Context,
    roots: Annotated[Path | None, typer.Option(help="AGENCY-roots.json of the ceremony; needed for the first.")] = None,
    name: Annotated[str | None, typer.Option(help="The agency's name in words; needed for the first.")] = None,
    state: Annotated[str | None, typer.Option(help="The state's code as in passports, like GBR.")] = None,
    agency_class: Annotated[str, typer.Option("--class", help="agency, oversight or operator.")] = "agency",
    days: Annotated[int, typer.Option(min=1, max=400, help="For how long the key set is good.")] = 365,
    new_tls_keys: Annotated[
        bool, typer.Option("--new-tls-keys", help="Draw the TLS CA and this node's TLS key anew: a device was stolen.")
    ] = False,
    out: Annotated[Path | None, typer.Option(help="Where to write it; AGENCY-request-N.json by default.")] = None,
) -> None:
    """Draw the keys of the next key set and write the request that the roots sign.

    \b
    Examples:
      agency keys request --roots GB-roots.json --name "Border Force" --state GBR
      agency keys request --roots EU-roots.json --name "Oversight board" --class oversight
      agency keys request                      the next one, a year later
      agency keys request --new-tls-keys       the next one, after a device was lost
    Then:
      agency ceremony sign GB-request-1.json --root GB-root-1.key --root GB-root-2.key --out GB-key-set-1.json
    """
    from agency_client.node import Node
    from agency_client.own_keys.ceremony import read_roots_sheet
    from agency_client.own_keys.key_sets import prepare_key_set
    from agency_client.profiles.public_files import write_new_file

    invocation = get_invocation(context)
    sheet = None if roots is None else read_roots_sheet(roots)
    identity = _read_identity(name, state, agency_class)
    with Node(invocation.open_profile(), invocation.clock) as node:
        key_set = prepare_key_set(node, identity=identity, roots=sheet, days=days, new_tls_keys=new_tls_keys)
    file = out or Path(f"{key_set.agency}-request-{key_set.seq}.json")
    write_new_file(file, key_set.canonical())
    invocation.output.show_details(
        [
            ("agency", f"{key_set.agency} ({key_set.name})"),
            ("class", key_set.agency_class.value),
            ("key set", str(key_set.seq)),
            ("valid until", f"{key_set.expires_at:%Y-%m-%d}"),
            ("file", str(file)),
        ]
    )
    invocation.output.write_json({"agency": key_set.agency, "seq": key_set.seq, "file": file})
    signed = f"{key_set.agency}-key-set-{key_set.seq}.json"
    invocation.output.say(f"Next: agency ceremony sign {file} --root … --root … --out {signed}")


def _install(
    context: typer.Context,
    file: Annotated[Path, typer.Argument(help="The key set the roots have signed.")],
    out: Annotated[
        Path | None, typer.Option(help="Where to write the enrolment file; AGENCY-enrolment.json by default.")
    ] = None,
) -> None:
    """Check a key set that the roots signed, and use its keys from now on.

    The first is enrolled by the exchange's operator, from the enrolment file; later ones are published at once.

    \b
    Example:
      agency keys install GB-key-set-1.json
    """
    from agency_client.cli.ceremony import show_anchor
    from agency_client.node import Node
    from agency_client.own_keys.ceremony import read_signed_key_set
    from agency_client.own_keys.key_sets import get_own_anchor, install_key_set
    from keys.anchors import format_anchor_words

    invocation = get_invocation(context)
    document = read_signed_key_set(file)
    with Node(invocation.open_profile(), invocation.clock) as node:
        installed = install_key_set(node, document)
        anchor = get_own_anchor(node)
        enrolment = _hand_over(invocation, node, installed.key_set.seq, installed.digest, out)
    seq = installed.key_set.seq
    details = [("agency", installed.key_set.agency), ("key set", str(seq)), ("enrolment file", str(enrolment or "-"))]
    invocation.output.show_details(details)
    show_anchor(invocation, f"anchor of {installed.key_set.agency}", anchor)
    invocation.output.write_json(
        {
            "agency": installed.key_set.agency,
            "seq": seq,
            "enrolment": enrolment,
            "anchor": anchor,
            "words": format_anchor_words(anchor),
        }
    )
    if enrolment is not None:
        invocation.output.say(f"Next: give {enrolment} to the exchange's operator; then run: agency keys publish")


def _hand_over(invocation: Invocation, node: "Node", seq: int, digest: str, out: Path | None) -> Path | None:
    from agency_client.own_keys.key_sets import export_enrolment
    from agency_client.own_keys.publishing import publish_queued
    from agency_client.profiles.public_files import write_new_file

    if seq > 1:
        publish_queued(node, digest)
        return None
    path = out or Path(f"{node.agency}-enrolment.json")
    write_new_file(path, export_enrolment(node).canonical())
    return path


def _publish(context: typer.Context) -> None:
    """Publish an encryption key, so that partners can send to this agency. Does nothing while a good one stands.

    \b
    Example:
      agency keys publish
    """
    invocation = get_invocation(context)
    _publish_encryption_keys(invocation, even_early=False)


def _rotate(context: typer.Context) -> None:
    """Publish a fresh encryption key now; the one before stays good until its end.

    \b
    Example:
      agency keys rotate-encryption
    """
    invocation = get_invocation(context)
    _publish_encryption_keys(invocation, even_early=True)


def _publish_encryption_keys(invocation: Invocation, *, even_early: bool) -> None:
    from agency_client.node import Node
    from agency_client.own_keys.encryption import list_due_uses, list_uses, prepare_encryption_keys
    from agency_client.own_keys.ending import destroy_ended_keys
    from agency_client.own_keys.publishing import publish_due
    from agency_client.witness.walker import refresh_checkpoint, walk_log

    with Node(invocation.open_profile(), invocation.clock) as node:
        refresh_checkpoint(node)  # A host whose clock is wrong gets no token, and so dates no key wrongly.
        with node.store.read() as snapshot:
            uses = list_uses(snapshot)
        due = uses if even_early else list_due_uses(node)
        if due:
            prepare_encryption_keys(node, due)
        publish_due(node).raise_problem()
        report = walk_log(node)
        destroyed = destroy_ended_keys(node)
    words = "published" if due else "a good encryption key stands already"
    invocation.output.say(words, Tone.GOOD)
    invocation.output.write_json({"published": bool(due), "log_size": report.size, "destroyed": len(destroyed)})


def _list(context: typer.Context) -> None:
    """List this agency's keys: what each is for, until when, whether it lies here and stands in the log.

    \b
    Example:
      agency keys list
    """
    from agency_client.node import Node
    from agency_client.own_keys.listing import list_own_keys

    invocation = get_invocation(context)
    with Node(invocation.open_profile(), invocation.clock) as node:
        keys = list_own_keys(node)
    rows = [
        (
            key.use,
            Cell(key.state, _TONES[key.state]),
            f"{key.expires_at:%Y-%m-%d}",
            "here" if key.is_here else "not here",
            "logged" if key.is_logged else "not logged yet",
            key.kids[0][:_KID_CHARACTERS],
        )
        for key in keys
    ]
    invocation.output.show_table(("use", "state", "until", "private key", "log", "kid"), rows, empty="no keys yet")
    invocation.output.write_json(
        {
            "keys": [
                {
                    "use": key.use,
                    "state": key.state,
                    "expires_at": key.expires_at,
                    "is_here": key.is_here,
                    "is_logged": key.is_logged,
                    "kids": key.kids,
                }
                for key in keys
            ]
        }
    )


def _revoke(
    context: typer.Context,
    kid: Annotated[list[str], typer.Argument(help="A key's kid, or at least its first six characters.")],
    reason: Annotated[str, typer.Option(help="A code, like device-lost or key-stolen.")],
    since: Annotated[
        str | None,
        typer.Option(metavar="MOMENT", help="Since when somebody else may have had it, in UTC: 2026-11-21T18:40."),
    ] = None,
    out: Annotated[
        Path | None, typer.Option(help="Where to write it for partners; AGENCY-revocations-….json by default.")
    ] = None,
) -> None:
    """Revoke operational keys at once, without the roots. It cannot be taken back; new keys come with a new key set.

    What they signed after --since and before the log has the revocation is shown as disputed to partners. The file
    that is written says the same to a partner from whom the exchange keeps it: agency partner import, there.

    \b
    Examples:
      agency keys revoke 47DEQpj8HBSa --reason device-lost
      agency keys revoke 47DEQpj8HBSa --reason key-stolen --since 2026-11-21T18:40
    """
    from agency_client.directory.carried import export_revocations
    from agency_client.errors import ConflictError
    from agency_client.node import Node
    from agency_client.own_keys.publishing import publish_queued
    from agency_client.own_keys.revoking import prepare_revocation
    from agency_client.profiles.public_files import write_new_file
    from agency_client.statuses.signing import announce_narrowing

    invocation = get_invocation(context)
    if out is not None and out.exists():
        raise ConflictError(f"{out} exists already", fix="name another file with --out; nothing was revoked yet")
    with Node(invocation.open_profile(), invocation.clock) as node:
        digest = prepare_revocation(node, kid, reason, None if since is None else _parse_moment(since))
        carried = export_revocations(node)
        file = out or Path(f"{node.agency}-revocations-{digest[:12]}.json")
        write_new_file(file, carried.canonical())
        invocation.output.say(f"for partners, by any way: {file}")
        report = publish_queued(node, digest)
        announce_narrowing(node)
    invocation.output.say(f"revoked; the log has it at size {report.size}")
    invocation.output.write_json({"digest": digest, "log_size": report.size, "file": file})


def _parse_moment(text: str) -> datetime:
    from agency_client.errors import UsageError

    for form in ("%Y-%m-%dT%H:%M", "%Y-%m-%d"):
        try:
            return datetime.strptime(text, form).replace(tzinfo=UTC)
        except ValueError:
            continue
    raise UsageError(f"{text[:40]!r} is no moment", fix="write it in UTC like 2026-11-21T18:40")


def _read_identity(name: str | None, state: str | None, agency_class: str) -> "Identity | None":
    from agency_client.errors import UsageError
    from agency_client.own_keys.key_sets import Identity
    from agency_client.wire_names import parse_state_code
    from schemas.key_documents import AgencyClass

    if agency_class not in {member.value for member in AgencyClass}:
        raise UsageError(f"{agency_class!r} is no class of members", fix="agency, oversight or operator")
    if name is None:
        return None
    return Identity(name, AgencyClass(agency_class), None if state is None else parse_state_code(state))
