"""The root ceremony: make an agency's roots, each in a file of its own, and sign key sets with them. Offline.

A root's file is a container under its holder's passphrase. Root files lie on media that are not always there, never in
a profile. What is public of the ceremony is one sheet: the roots, the threshold, and the anchor that partners type in.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field

from agency_client.errors import ConflictError, NotAuthenticatedError, UsageError, VerificationFailedError
from agency_client.own_keys.sheets import Block, Sheet, format_text, read_blocks
from agency_client.profiles.private_files import make_private_folder, read_private_file, write_private_file
from agency_client.profiles.public_files import read_foreign_file
from agency_client.wire_names import parse_agency_id
from keys.container import (
    NONCE_BYTES,
    SALT_BYTES,
    ContainerError,
    WrongPassphraseError,
    open_container,
    seal_container,
)
from keys.errors import KeysError
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

RootNumber = Annotated[int, Field(ge=1, le=99)]


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
    """A key set with the roots' signatures so far, and whether these are enough.

    At a change of roots `old_signed` and `old_needed` count those of the set before, where their sheet was at hand.
    """

    key_set: KeySet
    document: SignedDocument
    signed: int
    needed: int
    old_signed: int = 0
    old_needed: int = 0

    @property
    def is_complete(self) -> bool:
        """Return whether enough roots have signed, of the set's own and of those before as far as these are known."""
        return self.signed >= self.needed and self.old_signed >= self.old_needed


def make_ceremony(
    agency: str, folder: Path, passphrases: Sequence[str], *, threshold: int, now: datetime, first_number: int = 1
) -> RootsSheet:
    """Draw one root for each passphrase, write their files and the public sheet into a new folder, return the sheet.

    Writes `AGENCY-root-1.key` and so on (from `first_number`), `AGENCY-roots.json`, and `AGENCY-anchor.txt` to print.

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
    numbers = range(first_number, first_number + len(passphrases))
    paths = [folder / f"{agency}-root-{number}.key" for number in numbers]
    if any(path.exists() for path in (*paths, folder / f"{agency}-roots.json")):
        raise ConflictError(f"{folder} holds roots of {agency} already", fix="name another folder with --out")
    files = [_draw_root(agency, number, now) for number in numbers]
    sheet = RootsSheet(
        v=1, agency=agency, roots=make_roots([load_root_file(file) for file in files], threshold), made_at=now
    )
    for path, file, passphrase in zip(paths, files, passphrases, strict=True):
        write_private_file(path, seal_root_file(file, passphrase))
    write_private_file(folder / f"{agency}-roots.json", sheet.canonical())
    write_private_file(folder / f"{agency}-anchor.txt", format_text(make_anchor_sheet(sheet)).encode())
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
    file = read_root_file(path, passphrase)
    return Root(file.agency, file.number, load_root_file(file))


def read_root_file(path: Path, passphrase: str) -> RootFile:
    """Return what is sealed in a root's file: its seeds.

    Raises:
        as `open_root`.
    """
    try:
        data = open_container(read_private_file(path), passphrase, purpose=ROOT_PURPOSE)
        return RootFile.from_canonical(data)
    except WrongPassphraseError as error:
        raise NotAuthenticatedError(f"the passphrase does not open {path}", code="wrong-passphrase") from error
    except (ContainerError, CodecError) as error:
        raise VerificationFailedError(f"{path} is no root key: {error}") from error


def load_root_file(file: RootFile) -> SeedSigner:
    """Return the signer of a root from its file's content."""
    return load_root(b64u_decode(file.ed25519), b64u_decode(file.ml_dsa))


def seal_root_file(file: RootFile, passphrase: str) -> bytes:
    """Return a root's content sealed under a passphrase."""
    salt, nonce = generate_bytes(SALT_BYTES), generate_bytes(NONCE_BYTES)
    return seal_container(file.canonical(), passphrase, salt=salt, nonce=nonce, purpose=ROOT_PURPOSE)


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


def sign_request(
    key_set: KeySet, present: Sequence[Signature], roots: Sequence[Root], *, old: RootsSheet | None = None
) -> SigningProgress:
    """Return the key set signed by these roots beside those that signed before. `old` are the roots it replaces.

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
    signed, document = _count(key_set.roots, by_root), SignedDocument(payload=fresh.payload, signatures=signatures)
    old_signed, old_needed = (0, 0) if old is None else (_count(old.roots, by_root), old.roots.threshold)
    return SigningProgress(key_set, document, signed, key_set.roots.threshold, old_signed, old_needed)


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


def make_anchor_sheet(sheet: RootsSheet) -> Sheet:
    """Return the page to print and to hand over in person."""
    return Sheet(
        f"{_PAGE_TITLE}{sheet.agency}",
        (f"{sheet.roots.threshold} of {len(sheet.roots.keys)} roots must sign. Made on {sheet.made_at:%Y-%m-%d}.",),
        (Block("", sheet.anchor),),
        (
            f"Hand this page over in person. The partner types it in: agency trust pin {sheet.agency}",
            "The last word carries a check: a slip in one word is noticed.",
        ),
    )


def read_anchor_page(unverified_text: str) -> tuple[str, str] | None:
    """Return the agency and the anchor of a page of `make_anchor_sheet`; None where the text is no such page.

    Raises:
        UsageError: it is one, and its words and its hexadecimal are not both there, once, and of one anchor.
    """
    title, *_ = unverified_text.strip().splitlines() or [""]
    if not title.startswith(_PAGE_TITLE):
        return None
    (anchor,) = read_blocks(unverified_text, 1)
    return title.removeprefix(_PAGE_TITLE), anchor


def change_passphrase(path: Path, old: str, new: str) -> Root:
    """Seal a root's file under another passphrase, in its place, and return the root.

    Copies made before open with the old one still.

    Raises:
        NotAuthenticatedError, VerificationFailedError: as `open_root`.
    """
    file = read_root_file(path, old)
    write_private_file(path, seal_root_file(file, new), replace=True)
    return Root(file.agency, file.number, load_root_file(file))


def change_roots(
    sheet: RootsSheet, added: Sequence[RootsSheet], removed: Sequence[str], *, threshold: int | None, now: datetime
) -> RootsSheet:
    """Return the public sheet of the roots that follow: some more, some less, another threshold.

    `removed` names roots by the beginning of their public name (the kid of the Ed25519 half). The next key set is
    requested with this sheet, and signed by the old threshold and by the new one.

    Raises:
        UsageError: a name fits no root or several, a root is of another agency, or the rest can never sign.
    """
    keys = {root.kids[0]: root for root in sheet.roots.keys}
    for name in removed:
        found = [kid for kid in keys if kid.startswith(name)]
        if len(found) != 1 or not name:
            raise UsageError(f"{len(found)} roots begin with {name[:16]!r}", fix="see: agency ceremony show ROOTS")
        del keys[found[0]]
    for more in added:
        if more.agency != sheet.agency:
            raise UsageError(f"the new roots are of {more.agency}, these are of {sheet.agency}")
        keys |= {root.kids[0]: root for root in more.roots.keys}
    wanted = sheet.roots.threshold if threshold is None else threshold
    try:
        roots = Roots(threshold=wanted, keys=tuple(keys[kid] for kid in sorted(keys)))
        check_roots(roots)
    except ValueError as error:
        raise UsageError(
            f"{wanted} of {len(keys)} roots: this can never sign", fix=f"1 to {MAX_ROOTS} roots"
        ) from error
    return RootsSheet(v=1, agency=sheet.agency, roots=roots, made_at=now)


def _draw_root(agency: str, number: int, now: datetime) -> RootFile:
    ed25519, ml_dsa = b64u_encode(generate_seed()), b64u_encode(generate_seed())
    return RootFile(v=1, agency=agency, number=number, ed25519=ed25519, ml_dsa=ml_dsa, made_at=now)


def _count(roots: Roots, by_root: Mapping[str, object]) -> int:
    return sum(1 for root in roots.keys if root.kids[0] in by_root)


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
