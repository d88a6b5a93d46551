"""Every refusal the exchange knows: a stable problem type, its HTTP status and its title (RFC 9457).

A type is `urn:bilateral:problem:<slug>`. The table is closed: adding a refusal means adding a row, and a slug never
changes its meaning. The sentence for a person (`detail`) is made where the refusal is.
"""

from dataclasses import dataclass
from typing import Annotated, Literal

from pydantic import Field

from schemas.model import Code, WireModel

TYPE_PREFIX = "urn:bilateral:problem:"
MEDIA_TYPE = "application/problem+json"


@dataclass(frozen=True, slots=True)
class ProblemType:
    """One row: slug, HTTP status, title in English."""

    slug: str
    status: int
    title: str

    @property
    def uri(self) -> str:
        """Return the stable `type` member."""
        return TYPE_PREFIX + self.slug


def _rows(*rows: tuple[str, int, str]) -> dict[str, ProblemType]:
    return {slug: ProblemType(slug, status, title) for slug, status, title in rows}


PROBLEMS = _rows(
    ("malformed", 400, "The request is not in the one accepted form"),
    ("wrong-shape", 422, "A member of the document is wrong"),
    ("too-large", 413, "The request is larger than this place accepts"),
    ("request-timeout", 408, "The request did not arrive in time"),
    ("not-found", 404, "There is nothing here, or nothing you may see"),
    ("method-not-allowed", 405, "This address does not take that method"),
    ("unsupported-media-type", 415, "The content type is not accepted here"),
    ("client-too-old", 426, "The client speaks a version this exchange no longer takes"),
    ("certificate-unknown", 401, "The client certificate belongs to no enrolled member"),
    ("assertion-refused", 401, "The client assertion is not valid"),
    ("token-refused", 401, "The access token is not valid here"),
    ("role-not-allowed", 403, "This role may not do this"),
    ("not-the-sender", 403, "The document's signer is not the caller"),
    ("second-node", 409, "The agency's inbox is bound to another node"),
    ("signature-refused", 422, "A required signature is missing or does not verify"),
    ("key-set-refused", 422, "The key set is not valid"),
    ("key-set-not-current", 409, "The key set named is not the agency's current one"),
    ("encryption-keys-refused", 422, "The encryption keys are not valid"),
    ("revocation-refused", 422, "The revocation is not valid"),
    ("key-revoked", 422, "A key was revoked"),
    ("wrong-exchange", 422, "The document is for another exchange"),
    ("wrong-time", 422, "A time in the document is outside what is accepted"),
    ("recipient-refused", 422, "A recipient cannot be served"),
    ("encryption-key-not-current", 409, "The recipient's encryption key is not current"),
    ("body-mismatch", 422, "The ciphertext is not the one that was signed"),
    ("agreement-unknown", 422, "The agreement cited is not known"),
    ("agreement-not-in-force", 409, "The agreement is not in force"),
    ("not-covered", 422, "The agreement does not cover this message"),
    ("quota-exhausted", 429, "The agreement's quota for today is used up"),
    ("reference-refused", 422, "The message referred to was not exchanged between these agencies"),
    ("digest-conflict", 422, "Another document stands under this id"),
    ("number-conflict", 409, "This number of the stream was used before"),
    ("attachments-refused", 422, "An attachment is not accepted"),
    ("attachment-lost", 410, "The exchange no longer has the attachment's bytes"),
    ("upload-conflict", 409, "The upload does not go on where it stands"),
    ("upload-quota-exhausted", 429, "The member has more under way or stored here than it may"),
    ("storage-full", 507, "The exchange has no room for it now"),
    ("step-refused", 422, "The agreement step is not valid"),
    ("chain-conflict", 409, "The document does not continue its chain"),
    ("lease-unknown", 409, "The lease is not known or has ended"),
    ("receipt-refused", 422, "The receipt is not valid"),
    ("status-refused", 422, "The status is not valid"),
    ("access-log-head-refused", 422, "The access log's head is not valid"),
    ("cosignature-refused", 422, "The cosignature is not valid"),
    ("query-refused", 422, "The query is not valid"),
    ("range-refused", 416, "There is no such range here"),
    ("inbox-full", 429, "The recipient's inbox has no room until its node collects it"),
    ("too-many-requests", 429, "Too many requests"),
    ("member-busy", 429, "The member has as much under way here as it may"),
    ("busy", 503, "The exchange is busy"),
    ("unavailable", 503, "The exchange cannot answer now"),
    ("exchange-behind", 503, "The exchange has stopped: its log may be behind what it signed"),
    ("internal", 500, "Something went wrong inside the exchange"),
)


class ProblemReason(WireModel):
    """One reason of a decision: a stable code and a sentence."""

    code: Code
    sentence: Annotated[str, Field(max_length=500)]


class ProblemDocument(WireModel):
    """What a refusal looks like on the wire (RFC 9457 §3), with our own members `field`, `reasons` and `reference`."""

    type: Annotated[str, Field(max_length=128)]
    title: Annotated[str, Field(max_length=200)]
    status: Annotated[int, Field(ge=400, le=599)]
    detail: Annotated[str, Field(max_length=2000)]
    field: Annotated[str, Field(max_length=200)] | None = None
    reasons: Annotated[tuple[ProblemReason, ...], Field(max_length=32)] | None = None
    reference: Annotated[str, Field(max_length=64)] | None = None
    v: Literal[1] | None = None
