"""Facts about messages: sound ones, with what a test changes."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

from broker.attachments.rules import NamedAttachment, StoredUpload, UploadKey
from broker.routing.rules import Decision, EarlierMessage, Facts, Progress, RecipientFacts
from schemas.agreements.lifecycle import AgreementView, State
from schemas.agreements.terms import Terms
from schemas.codec import b64u_encode
from schemas.envelope import Header, HeaderRecipient, HeaderSender, Reference, Routing, SealedAttachment
from schemas.key_documents import AgencyClass, EncryptionKey
from schemas.markings import Tlp, Urgency
from schemas.signed import EncryptionUse
from tests.strategies.agreements import make_clause, make_terms
from tests.support.members import make_member
from tests.support.messages import make_id

NOW = datetime(2026, 11, 21, 12, 0, tzinfo=UTC)
EXCHANGE = "alerts.example"
GB, VN, BE = "GB-HO", "VN", "BE-OE"
TERMS = make_terms(GB, VN, clauses=(make_clause(GB, VN, daily_quota=2), make_clause(VN, GB)))
ORIGINAL = Reference(id=make_id("original"), digest=b64u_encode(bytes(32)))


def make_header(**changes: Any) -> Header:
    """Return a header of GB's message to VN."""
    whole: dict[str, Any] = {
        "v": 1,
        "exchange": EXCHANGE,
        "id": make_id("message"),
        "issued_at": NOW,
        "expires_at": NOW + timedelta(days=10),
        "sender": make_sender(GB),
        "recipients": (make_address(),),
        "routing": Routing(kind="document-fraud", marking=Tlp.AMBER, urgency=Urgency.ROUTINE),
    }
    return Header(**whole | changes)


def make_sender(agency: str) -> HeaderSender:
    """Return a sender; only its agency matters to a decision."""
    return HeaderSender(agency=agency, keyset=1, kids=(ORIGINAL.digest, ORIGINAL.digest))


def make_address(agency: str = VN, agreement: str = TERMS.digest()) -> HeaderRecipient:
    """Return the address of a recipient under an agreement."""
    return HeaderRecipient(agency=agency, kid=ORIGINAL.digest, agreement=agreement, stream=b64u_encode(bytes(16)), n=7)


def make_key(use: EncryptionUse = EncryptionUse.ENCRYPTION) -> EncryptionKey:
    """Return an encryption key of one use."""
    return make_member("GB-HO").encryption.encryption_keys.keys[0].model_copy(update={"use": use})


def make_view(state: State = State.IN_FORCE, terms: Terms | None = TERMS) -> AgreementView:
    """Return a version of an agreement in one state."""
    return AgreementView(TERMS.digest(), terms, state, "for a reason", binding=True)


def make_recipient(header: HeaderRecipient | None = None, **changes: Any) -> RecipientFacts:
    """Return a recipient with nothing against it."""
    sound = RecipientFacts(
        header=header or make_address(),
        agency_class=AgencyClass.AGENCY,
        encryption_key=make_key(),
        agreement=make_view(),
        accepted_today=0,
        number_used_by=None,
    )
    return replace(sound, **changes)


def make_facts(**changes: Any) -> Facts:
    """Return facts with nothing against the message."""
    sound = Facts(
        caller=GB,
        exchange=EXCHANGE,
        now=NOW,
        header=make_header(),
        size_bytes=4096,
        attachments=(),
        signature_problem=None,
        other_digest=None,
        is_aftercare=False,
        earlier=None,
        recipients=(make_recipient(),),
    )
    return replace(sound, **changes)


def make_named(name: str = "one", **changes: Any) -> NamedAttachment:
    """Return an attachment that the message names and that stands complete; `changes` are of its upload."""
    sealed = SealedAttachment(id=make_id(("attachment", name)), sha256=ORIGINAL.digest, size=100)
    key = UploadKey(GB, make_id("message"), sealed.id)
    return NamedAttachment(sealed, replace(StoredUpload(key, sealed.sha256, sealed.size, NOW, NOW, None), **changes))


def make_many(*addresses: HeaderRecipient) -> Facts:
    """Return facts of one envelope to several recipients."""
    recipients = tuple(make_recipient(address) for address in addresses)
    return make_facts(header=make_header(recipients=addresses), recipients=recipients)


def make_aftercare(
    kind: str = "correction",
    *,
    caller: str = GB,
    to: str = VN,
    sender: str = GB,
    progress: dict[str, Progress] | None = None,
    state: State = State.IN_FORCE,
    marking: Tlp = Tlp.AMBER,
    said_before: int = 0,
    **changes: Any,
) -> Facts:
    """Return facts of a message about one that `sender` had sent."""
    header = make_header(
        sender=make_sender(caller),
        routing=Routing(kind=kind, marking=marking, urgency=Urgency.ROUTINE),
        refers_to=ORIGINAL,
        recipients=(make_address(to),),
    )
    came = {VN: Progress.HANDED_OVER} if progress is None else progress
    clauses = tuple(clause for clause in TERMS.clauses if clause.sender == sender)
    earlier = EarlierMessage(ORIGINAL.digest, TERMS.id, sender, came, Tlp.AMBER, clauses)
    address, view = make_address(to), make_view(state)
    recipient = make_recipient(address, agreement=view, accepted_today=99, said_before=said_before)
    sound = make_facts(caller=caller, header=header, is_aftercare=True, earlier=earlier, recipients=(recipient,))
    return replace(sound, **changes)


def codes(decision: Decision) -> list[tuple[str, str, str]]:
    """Return each reason of a decision as problem, code and field."""
    return [(reason.problem, reason.code, reason.field) for reason in decision.reasons]
