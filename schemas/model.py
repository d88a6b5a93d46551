"""The base of every wire model and the primitive types they are made of.

A wire model is frozen, strict and closed: an unknown member, another type or another spelling is an error that names the
field. Optional members are absent on the wire; null does not exist there. Stored shapes (tables) and settings are other things.
"""

import re
from datetime import UTC, datetime
from typing import Annotated, Any, Self

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, PlainSerializer, StringConstraints, ValidationError

from schemas.codec import (
    MAX_DOCUMENT_BYTES,
    MAX_INTEGER,
    Base64Error,
    CodecError,
    b64u_decode,
    decode_canonical,
    encode_canonical,
)

_TIMESTAMP = re.compile(r"\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}Z", re.ASCII)
_TIMESTAMP_FORMAT = "%Y-%m-%dT%H:%M:%SZ"


class DocumentError(CodecError):
    """A canonical document whose members are not those of its type; `field` is the first one that is wrong."""

    code = "wrong-shape"

    def __init__(self, document: str, field: str, problem: str) -> None:
        super().__init__(f"{document}: {field or 'the document'}: {problem}")
        self.document, self.field, self.problem = document, field, problem


def format_timestamp(moment: datetime) -> str:
    """Return the one spelling of a moment on the wire: UTC, whole seconds, `2026-11-21T21:02:25Z` (RFC 3339)."""
    return moment.astimezone(UTC).strftime(_TIMESTAMP_FORMAT)


def parse_timestamp(unverified_text: str) -> datetime:
    """Return the moment whose wire spelling is exactly `unverified_text`.

    Raises:
        ValueError: another spelling, or no moment of the calendar.
    """
    if not _TIMESTAMP.fullmatch(unverified_text):
        raise ValueError("a time is written like 2026-11-21T21:02:25Z")
    return datetime.fromisoformat(unverified_text)


def _read_timestamp(value: Any) -> Any:
    if isinstance(value, str):
        return parse_timestamp(value)
    if isinstance(value, datetime) and value.tzinfo is not None and value.microsecond == 0:
        return value.astimezone(UTC)
    raise ValueError("a time is written like 2026-11-21T21:02:25Z, or is a datetime of whole seconds with a zone")


def _bytes_of(length: int) -> BeforeValidator:
    def check(value: Any) -> Any:
        if not isinstance(value, str):
            raise ValueError("base64url text is expected")
        try:
            found = len(b64u_decode(value))
        except Base64Error as error:
            raise ValueError(str(error)) from error
        if length and found != length:
            raise ValueError(f"{length} bytes in base64url are expected, {found} were given")
        return value

    return BeforeValidator(check)


Timestamp = Annotated[
    datetime,
    BeforeValidator(_read_timestamp),
    PlainSerializer(format_timestamp, return_type=str),
    Field(json_schema_extra={"pattern": r"^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}Z$"}),
]
AgencyId = Annotated[str, StringConstraints(pattern=r"^[A-Z][A-Z0-9-]{1,31}$")]
ExchangeName = Annotated[str, StringConstraints(pattern=r"^[a-z0-9][a-z0-9.-]{0,62}[a-z0-9]$")]
NodeId = Annotated[str, StringConstraints(pattern=r"^[a-z0-9][a-z0-9-]{0,31}$")]
Uuid = Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$")]
Code = Annotated[str, StringConstraints(pattern=r"^[a-z0-9][a-z0-9-]{0,63}$")]
Base64Url = Annotated[str, _bytes_of(0)]
Digest = Annotated[str, _bytes_of(32)]
Kid = Annotated[str, _bytes_of(32)]
Salt = Annotated[str, _bytes_of(32)]
StreamId = Annotated[str, _bytes_of(16)]
Counter = Annotated[int, Field(ge=1, le=MAX_INTEGER)]
Size = Annotated[int, Field(ge=0, le=MAX_INTEGER)]
Line = Annotated[str, StringConstraints(min_length=1, max_length=300, pattern=r"^[^\x00-\x1f\x7f-\x9f]+$")]
Paragraph = Annotated[
    str, StringConstraints(min_length=1, max_length=8000, pattern=r"^[^\x00-\x08\x0b-\x1f\x7f-\x9f]+$")
]


class WireModel(BaseModel):
    """A document or a part of one, exactly as it stands on the wire."""

    model_config = ConfigDict(frozen=True, strict=True, extra="forbid", validate_default=False)

    @classmethod
    def from_wire(cls, unverified_value: Any) -> Self:
        """Return the model a decoded value stands for.

        Raises:
            DocumentError: with the first field that is wrong, and why.
        """
        try:
            return cls.model_validate_json(encode_canonical(unverified_value))
        except ValidationError as error:
            raise _document_error(cls.__name__, error) from error

    @classmethod
    def from_canonical(cls, unverified_data: bytes, *, max_bytes: int = MAX_DOCUMENT_BYTES) -> Self:
        """Return the model whose canonical JSON is exactly `unverified_data`.

        Raises:
            CodecError: the bytes are not canonical JSON.
            DocumentError: the members are not this model's, or a member is not in its one spelling.
        """
        decode_canonical(unverified_data, max_bytes=max_bytes)
        try:
            model = cls.model_validate_json(unverified_data)
        except ValidationError as error:
            raise _document_error(cls.__name__, error) from error
        if model.canonical() != unverified_data:
            raise DocumentError(cls.__name__, "", "a member is not in its one spelling")
        return model

    def to_wire(self) -> dict[str, Any]:
        """Return plain JSON values; absent members are left out."""
        return self.model_dump(mode="json", exclude_none=True)

    def canonical(self) -> bytes:
        """Return the canonical JSON (RFC 8785, narrowed profile)."""
        return encode_canonical(self.to_wire())


def _document_error(document: str, error: ValidationError) -> DocumentError:
    first = error.errors(include_url=False, include_context=False, include_input=False)[0]
    return DocumentError(document, ".".join(str(part) for part in first["loc"]), first["msg"])
