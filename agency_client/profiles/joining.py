"""Make a node: accept the exchange that stands on paper, lay the profile, draw what it needs before its roots sign.

Nothing is made before the exchange's sheet has the anchor that was typed in.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from agency_client.clock import Clock
from agency_client.errors import UsageError, VerificationFailedError
from agency_client.local_store.access_log import AccessNote, append_entry
from agency_client.local_store.engine import Store
from agency_client.local_store.migrations import open_store
from agency_client.local_store.settings import Setting, fix_setting
from agency_client.local_store.trust import accept_exchange
from agency_client.profiles.key_store import KeyStore, TlsUse
from agency_client.profiles.private_files import write_private_file
from agency_client.profiles.profile import Profile, ProfileSettings, create_profile
from agency_client.profiles.public_files import read_foreign_file
from agency_client.profiles.session import derive_store_key, find_officer, initialise_profile
from agency_client.wire_names import parse_agency_id, parse_node_id
from keys.anchors import parse_anchor
from keys.errors import AnchorError
from schemas.codec import CodecError
from schemas.key_documents import ExchangeSheet, compute_exchange_anchor
from schemas.log.records import Action

EXCHANGE_FILE = "exchange.json"
MAX_SHEET_BYTES = 64 * 1024


@dataclass(frozen=True, slots=True)
class AcceptedSheet:
    """The exchange's sheet with the anchor it was compared with."""

    sheet: ExchangeSheet
    anchor: str


def read_exchange_sheet(path: Path) -> ExchangeSheet:
    """Return an exchange's sheet from a file. Whether it is the one on paper is `accept_sheet`'s question.

    Raises:
        UsageError: there is no such file.
        VerificationFailedError: it is no sheet.
    """
    try:
        return ExchangeSheet.from_canonical(read_foreign_file(path), max_bytes=MAX_SHEET_BYTES)
    except FileNotFoundError as error:
        raise UsageError(f"there is no {path}", fix="ask the exchange's operator for exchange.json") from error
    except CodecError as error:
        raise VerificationFailedError(f"{path} is no exchange's sheet: {error}", code="sheet-refused") from error


def accept_sheet(sheet: ExchangeSheet, unverified_anchor: str) -> AcceptedSheet:
    """Return the sheet as accepted if it has the anchor that was typed in from paper.

    Raises:
        UsageError: what was typed in is no anchor.
        VerificationFailedError: the file is not the exchange on the paper.
    """
    typed, anchor = read_anchor(unverified_anchor), compute_exchange_anchor(sheet)
    if typed != anchor:
        raise VerificationFailedError(
            f"the file of {sheet.name} is not the exchange on your paper",
            fix="compare the words; ask the operator in person, not by the way the file came",
            code="anchor-mismatch",
        )
    return AcceptedSheet(sheet, anchor)


def read_anchor(unverified_text: str) -> str:
    """Return the anchor that was typed in: 24 words, hexadecimal or base64url.

    Raises:
        UsageError: it is none; a slip in one word is named.
    """
    try:
        return parse_anchor(unverified_text)
    except AnchorError as error:
        raise UsageError(str(error), fix="type the 24 words again, exactly as they are printed") from error


def initialise_node(
    home: Path,
    profile_name: str,
    *,
    agency: str,
    node: str,
    broker_url: str,
    accepted: AcceptedSheet,
    passphrase: str,
    clock: Clock,
    environment: Mapping[str, str],
) -> Profile:
    """Make a profile with its store, secret and TLS keys, and return it.

    Raises:
        UsageError: a name or the address is not of the accepted form.
        ConflictError: there is such a profile already.
    """
    settings = ProfileSettings(parse_agency_id(agency), parse_node_id(node), _check_url(broker_url), EXCHANGE_FILE)
    profile = create_profile(home, profile_name, settings)
    write_private_file(profile.exchange_path, accepted.sheet.canonical())
    secret = initialise_profile(profile, passphrase)
    keys = KeyStore(profile.keys_folder, secret)
    for use in TlsUse:
        keys.make_tls_key(use, clock.now())
    store = open_store(profile.store_path, derive_store_key(secret))
    try:
        _record_beginning(store, settings, accepted, clock, find_officer(environment))
    finally:
        store.close()
    return profile


def _record_beginning(
    store: Store, settings: ProfileSettings, accepted: AcceptedSheet, clock: Clock, officer: str
) -> None:
    now, sheet = clock.now(), accepted.sheet
    with store.write() as transaction:
        fix_setting(transaction, Setting.AGENCY, settings.agency)
        fix_setting(transaction, Setting.NODE, settings.node)
        fix_setting(transaction, Setting.EXCHANGE, sheet.name)
        accept_exchange(
            transaction,
            origin=sheet.origin,
            name=sheet.name,
            anchor=accepted.anchor,
            sheet=sheet.canonical(),
            by=officer,
            at=now,
        )
        note = AccessNote(now, officer, Action.KEYS, "init", f"node {settings.node} of {settings.agency} was made")
        append_entry(transaction, note)


def _check_url(url: str) -> str:
    if not url.startswith("https://") or any(character.isspace() for character in url):
        raise UsageError(f"{url[:80]!r} is no broker's address", fix="give it as https://HOST:PORT")
    return url.rstrip("/")
