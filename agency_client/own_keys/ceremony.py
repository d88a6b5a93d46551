"""The root ceremony: make an agency's roots, each in a file of its own, and sign key sets with them. Offline.

A root's file is a container under its holder's passphrase. Root files lie on media that are not always there, never in
a profile. What is public of the ceremony is one sheet: the roots, the threshold, and the anchor that partners type in.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field

from agency_client.errors import ConflictError, NotAuthenticatedError, UsageError, VerificationFailedError
from agency_client.profiles.private_files import make_private_folder, read_private_file, write_private_file
from agency_client.profiles.public_files import read_foreign_file
from agency_client.wire_names import parse_agency_id
from keys.anchors import format_anchor_hex, format_anchor_words, parse_anchor
from keys.container import (
    NONCE_BYTES,
    SALT_BYTES,
    ContainerError,
    WrongPassphraseError,
    open_container,
    seal_container,
)
from keys.errors import AnchorError, KeysError
from keys.generation import generate_bytes, generate_seed
from keys.key_sets import sign_key_set
from keys.roots import check_roots, load_root, make_roots
from keys.signing import SeedSigner
from schemas.codec import CodecError, b64u_decode, b64u_encode
from schemas.key_documents import MAX_KEY_DOCUMENT_BYTES, MAX_ROOTS, KeySet, Roots, compute_trust_anchor
from schemas.model import AgencyId, Digest, Timestamp, WireModel
from schemas.signed import DocumentType, Signature, SignedDocument, read_signatures

ROOT_PURPOSE = "root-key"
MAX_SIGNED_BYTES = 2 * MAX_KEY_DOCUMENT_BYTES

_PAGE_TITLE = "TRUST ANCHOR OF "
_NUMBERED_WORDS = re.compile(r"(?: *[0-9]{1,2} +[a-z]+)+ *")
_HEX_LINE = re.compile(r" *[0-9a-f]{4}(?: [0-9a-f]{4}){15} *")
_TYPE_IT = "type the 24 words from the paper instead: --words"

RootNumber = Annotated[int, Field(ge=1, le=MAX_ROOTS)]


class RootFile(WireModel):
    """What is sealed in a root's file: whose it is, and the seeds of its two keys."""

    v: Literal[1]
    agency: AgencyId
    number: RootNumber
    ed25519: Digest
    ml_dsa: Digest
    made_at: Timestamp


class RootsSheet(WireModel):
    """What is public of a ceremony. Its anchor is what partners pin; nothing of it is secret."""

    v: Literal[1]
    agency: AgencyId
    roots: Roots
    made_at: Timestamp

    @property
    def anchor(self) -> str:
        """Return the trust anchor of these roots."""
        return compute_trust_anchor(self.agency, self.roots)


@dataclass(frozen=True, slots=True)
class Root:
    """An opened root: whose, which, and its signer."""

    agency: str
    number: int
    signer: SeedSigner


@dataclass(frozen=True, slots=True)
class SigningProgress:
    """A key set with the roots' signatures so far, and whether these are enough."""

    key_set: KeySet
    document: SignedDocument
    signed: int
    needed: int

    @property
    def is_complete(self) -> bool:
        """Return whether enough of the set's own roots have signed."""
        return self.signed >= self.needed


def make_ceremony(
    agency: str, folder: Path, passphrases: Sequence[str], *, threshold: int, now: datetime
) -> RootsSheet:
    """Draw one root for each passphrase, write their files and the public sheet into a new folder, return the sheet.

    Writes `AGENCY-root-1.key` and so on, `AGENCY-roots.json`, and `AGENCY-anchor.txt` to print.

    Raises:
        UsageError: the threshold cannot be reached, or too many roots.
        ConflictError: the folder holds a ceremony already.
    """
    if not 1 <= threshold <= len(passphrases) <= MAX_ROOTS:
        raise UsageError(
            f"{threshold} of {len(passphrases)} roots can never sign",
            fix=f"1 to {MAX_ROOTS} roots, threshold among them",
        )
    agency = parse_agency_id(agency)
    make_private_folder(folder)
    paths = [folder / f"{agency}-root-{number}.key" for number in range(1, len(passphrases) + 1)]
    if any(path.exists() for path in (*paths, folder / f"{agency}-roots.json")):
        raise ConflictError(f"{folder} holds roots of {agency} already", fix="name another folder with --out")
    files = [_draw_root(agency, number, now) for number in range(1, len(passphrases) + 1)]
    sheet = RootsSheet(v=1, agency=agency, roots=make_roots([_load(file) for file in files], threshold), made_at=now)
    for path, file, passphrase in zip(paths, files, passphrases, strict=True):
        write_private_file(path, _seal(file, passphrase))
    write_private_file(folder / f"{agency}-roots.json", sheet.canonical())
    write_private_file(folder / f"{agency}-anchor.txt", format_anchor_page(sheet).encode())
    return sheet


def read_roots_sheet(path: Path) -> RootsSheet:
    """Return a ceremony's public sheet.

    Raises:
        VerificationFailedError: it is no such sheet, or its roots are not sound.
    """
    try:
        sheet = RootsSheet.from_canonical(read_foreign_file(path))
        check_roots(sheet.roots)
    except FileNotFoundError as error:
        raise UsageError(f"there is no {path}", fix="run: agency ceremony roots") from error
    except (CodecError, KeysError) as error:
        raise VerificationFailedError(f"{path} is no sheet of roots: {error}") from error
    return sheet


def open_root(path: Path, passphrase: str) -> Root:
    """Return the root in a file.

    Raises:
        NotAuthenticatedError: the passphrase does not open it.
        VerificationFailedError: the file is damaged or no root.
    """
    try:
        data = open_container(read_private_file(path), passphrase, purpose=ROOT_PURPOSE)
        file = RootFile.from_canonical(data)
    except WrongPassphraseError as error:
        raise NotAuthenticatedError(f"the passphrase does not open {path}", code="wrong-passphrase") from error
    except (ContainerError, CodecError) as error:
        raise VerificationFailedError(f"{path} is no root key: {error}") from error
    return Root(file.agency, file.number, _load(file))


def read_request(path: Path) -> tuple[KeySet, tuple[Signature, ...]]:
    """Return the key set of a request, or of a request that some roots have signed, with the signatures so far.

    Raises:
        VerificationFailedError: it is neither.
    """
    data = _read_public(path)
    try:
        return KeySet.from_canonical(data, max_bytes=MAX_KEY_DOCUMENT_BYTES), ()
    except CodecError as first:
        try:
            document = SignedDocument.from_canonical(data, max_bytes=MAX_SIGNED_BYTES)
            key_set = KeySet.from_canonical(document.payload_bytes, max_bytes=MAX_KEY_DOCUMENT_BYTES)
        except CodecError as error:
            reason = error if data.startswith(b'{"payload"') else first
            raise VerificationFailedError(f"{path} is no request for a key set: {reason}") from error
        return key_set, document.signatures


def sign_request(key_set: KeySet, present: Sequence[Signature], roots: Sequence[Root]) -> SigningProgress:
    """Return the key set signed by these roots beside those that signed before.

    Raises:
        UsageError: a root of another agency, or none.
    """
    for root in roots:
        if root.agency != key_set.agency:
            raise UsageError(f"root {root.number} is of {root.agency}, the key set is of {key_set.agency}")
    if not roots:
        raise UsageError("no root was named", fix="name a root's file with --root")
    fresh = sign_key_set(key_set, [root.signer for root in roots])
    by_root = {**_pair_by_root(fresh.payload, present), **_pair_by_root(fresh.payload, fresh.signatures)}
    signatures = tuple(signature for kid in sorted(by_root) for signature in by_root[kid])
    signed = sum(1 for root in key_set.roots.keys if root.kids[0] in by_root)
    document = SignedDocument(payload=fresh.payload, signatures=signatures)
    return SigningProgress(key_set, document, signed, key_set.roots.threshold)


def read_signed_key_set(path: Path) -> SignedDocument:
    """Return a signed key set from a file; nothing of it is verified.

    Raises:
        VerificationFailedError: it is no signed document.
    """
    try:
        return SignedDocument.from_canonical(_read_public(path), max_bytes=MAX_SIGNED_BYTES)
    except CodecError as error:
        raise VerificationFailedError(
            f"{path} is no signed key set: {error}", fix="let the roots sign it: agency ceremony sign"
        ) from error


def format_anchor_page(sheet: RootsSheet) -> str:
    """Return the page to print and to hand over in person."""
    return (
        f"{_PAGE_TITLE}{sheet.agency}\n\n"
        f"{sheet.roots.threshold} of {len(sheet.roots.keys)} roots must sign. Made on {sheet.made_at:%Y-%m-%d}.\n\n"
        f"{format_words_in_lines(sheet.anchor)}\n\n"
        f"{format_anchor_hex(sheet.anchor)}\n\n"
        f"Hand this page over in person. The partner types it in: agency trust pin {sheet.agency}\n"
        "The last word carries a check: a slip in one word is noticed.\n"
    )


def read_anchor_page(unverified_text: str) -> tuple[str, str] | None:
    """Return the agency and the anchor of a page of `format_anchor_page`; None where the text is no such page.

    Raises:
        UsageError: it is one, and its words and its hexadecimal are not both there, once, and of one anchor.
    """
    title, *lines = unverified_text.strip().splitlines() or [""]
    if not title.startswith(_PAGE_TITLE):
        return None
    numbered = " ".join(line for line in lines if _NUMBERED_WORDS.fullmatch(line)).split()
    spelled = [line for line in lines if _HEX_LINE.fullmatch(line)]
    if numbered[::2] != [str(number) for number in range(1, 25)] or len(spelled) != 1:
        raise UsageError("the page does not hold 24 numbered words and one line of hexadecimal", fix=_TYPE_IT)
    try:
        anchor = parse_anchor(" ".join(numbered[1::2]))
    except AnchorError as error:
        raise UsageError(f"the page: {error}", fix=_TYPE_IT) from error
    if parse_anchor(spelled[0]) != anchor:
        raise UsageError("the page's words and its hexadecimal are of different anchors", fix=_TYPE_IT)
    return title.removeprefix(_PAGE_TITLE), anchor


def format_words_in_lines(anchor: str, per_line: int = 6) -> str:
    """Return an anchor's words, numbered, a few on each line."""
    words = [f"{number:>2} {word:<9}" for number, word in enumerate(format_anchor_words(anchor).split(), start=1)]
    lines = (" ".join(words[at : at + per_line]).rstrip() for at in range(0, len(words), per_line))
    return "\n".join(lines)


def _draw_root(agency: str, number: int, now: datetime) -> RootFile:
    ed25519, ml_dsa = b64u_encode(generate_seed()), b64u_encode(generate_seed())
    return RootFile(v=1, agency=agency, number=number, ed25519=ed25519, ml_dsa=ml_dsa, made_at=now)


def _load(file: RootFile) -> SeedSigner:
    return load_root(b64u_decode(file.ed25519), b64u_decode(file.ml_dsa))


def _seal(file: RootFile, passphrase: str) -> bytes:
    salt, nonce = generate_bytes(SALT_BYTES), generate_bytes(NONCE_BYTES)
    return seal_container(file.canonical(), passphrase, salt=salt, nonce=nonce, purpose=ROOT_PURPOSE)


def _read_public(path: Path) -> bytes:
    try:
        return read_foreign_file(path)
    except FileNotFoundError as error:
        raise UsageError(f"there is no {path}") from error


def _pair_by_root(payload: str, signatures: Sequence[Signature]) -> dict[str, tuple[Signature, Signature]]:
    """Return each root's two signatures by the kid of its Ed25519 key, in whose order they stand in a document."""
    slots = read_signatures(payload, tuple(signatures), DocumentType.KEY_SET)
    if len(slots) % 2:
        raise VerificationFailedError("a root signs with both of its keys; one half is missing")
    return {slots[at].header.kid: (signatures[at], signatures[at + 1]) for at in range(0, len(slots), 2)}
