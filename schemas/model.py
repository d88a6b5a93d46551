"""The base of every wire model and the primitive types they are made of.

A wire model is frozen, strict and closed: an unknown member, another type or another spelling is an error that names
the field. Optional members are absent on the wire; null does not exist there. Stored shapes (tables) and settings are
other things.
"""

import re
from datetime import UTC, datetime
from typing import Annotated, Any, Self

from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    GetCoreSchemaHandler,
    PlainSerializer,
    StringConstraints,
    ValidationError,
)
from pydantic_core import CoreSchema

from schemas.codec import (
    MAX_DOCUMENT_BYTES,
    MAX_INTEGER,
    Base64Error,
    CodecError,
    decode_canonical,
    encode_canonical,
    measure_b64u,
    name_field,
)

EARLIEST_TIME = datetime(1900, 1, 1, tzinfo=UTC)
LATEST_TIME = datetime(2999, 12, 31, 23, 59, 59, tzinfo=UTC)
"""Any term (at most 100 years) can be added to a time on the wire, or taken from it, without leaving the calendar."""

_TIMESTAMP = re.compile(r"(19|2\d)\d{2}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}Z", re.ASCII)


class DocumentError(CodecError):
    """A canonical document whose members are not those of its type; `field` is the first one that is wrong."""

    code = "wrong-shape"

    def __init__(self, document: str, field: str, problem: str) -> None:
        super().__init__(problem, field)
        self.document = document

    def __str__(self) -> str:
        """Return the sentence a person reads: document, field, problem."""
        return f"{self.document}: {self.field or 'the document'}: {self.problem}"


def format_timestamp(moment: datetime) -> str:
    """Return the one spelling of a moment on the wire: UTC, whole seconds, `2026-11-21T21:02:25Z` (RFC 3339).

    Raises:
        ValueError: the moment has no zone, a fraction of a second, or a year the wire does not know.
    """
    if moment.tzinfo is None or moment.microsecond or not EARLIEST_TIME <= moment <= LATEST_TIME:
        raise ValueError("a time has whole seconds, a zone, and a year from 1900 to 2999")
    return f"{moment.astimezone(UTC).replace(tzinfo=None).isoformat()}Z"


def parse_timestamp(unverified_text: str) -> datetime:
    """Return the moment whose wire spelling is exactly `unverified_text`.

    Raises:
        ValueError: another spelling, or no moment of the calendar.
    """
    if not _TIMESTAMP.fullmatch(unverified_text):
        raise ValueError("a time is written like 2026-11-21T21:02:25Z, in a year from 1900 to 2999")
    return datetime.fromisoformat(unverified_text)


def _read_timestamp(value: Any) -> Any:
    if isinstance(value, str):
        return parse_timestamp(value)
    if isinstance(value, datetime) and value.tzinfo is not None and value.microsecond == 0:
        is_as_read = value.tzinfo is UTC and EARLIEST_TIME <= value <= LATEST_TIME
        return value if is_as_read else parse_timestamp(format_timestamp(value))
    raise ValueError("a time is written like 2026-11-21T21:02:25Z, or is a datetime of whole seconds with a zone")


def _bytes_of(length: int) -> BeforeValidator:
    def check(value: Any) -> Any:
        if not isinstance(value, str):
            raise ValueError("base64url text is expected")
        try:
            found = measure_b64u(value)
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
    Field(json_schema_extra={"pattern": r"^(19|2\d)\d{2}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}Z$"}),
]
AgencyId = Annotated[str, StringConstraints(pattern=r"^[A-Z][A-Z0-9-]{1,31}$"), Field(examples=["VN-IMM"])]
ExchangeName = Annotated[str, StringConstraints(pattern=r"^[a-z0-9][a-z0-9.-]{0,62}[a-z0-9]$")]
NodeId = Annotated[str, StringConstraints(pattern=r"^[a-z0-9][a-z0-9-]{0,31}$")]
Uuid = Annotated[
    str,
    StringConstraints(pattern=r"^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$"),
    Field(examples=["3f0f6d0a-7c57-4c2c-9d3a-0d2f9a4b1c77"]),
]
Code = Annotated[str, StringConstraints(pattern=r"^[a-z0-9][a-z0-9-]{0,63}$")]
_PATTERN_32_BYTES = {"pattern": r"^[A-Za-z0-9_-]{43}$", "examples": ["47DEQpj8HBSa-_TImW-5JCeuQeRkm5NMpJWZG3hSuFU"]}
Base64Url = Annotated[str, _bytes_of(0), Field(json_schema_extra={"pattern": r"^[A-Za-z0-9_-]*$"})]
Digest = Annotated[str, _bytes_of(32), Field(json_schema_extra=_PATTERN_32_BYTES)]
Kid = Annotated[str, _bytes_of(32), Field(json_schema_extra=_PATTERN_32_BYTES)]
Salt = Annotated[str, _bytes_of(32), Field(json_schema_extra=_PATTERN_32_BYTES)]
StreamId = Annotated[str, _bytes_of(16), Field(json_schema_extra={"pattern": r"^[A-Za-z0-9_-]{22}$"})]
Counter = Annotated[int, Field(ge=1, le=MAX_INTEGER)]
Size = Annotated[int, Field(ge=0, le=MAX_INTEGER)]
Line = Annotated[str, StringConstraints(min_length=1, max_length=300, pattern=r"^[^\x00-\x1f\x7f-\x9f\u2028\u2029]+$")]
Paragraph = Annotated[
    str, StringConstraints(min_length=1, max_length=8000, pattern=r"^[^\x00-\x08\x0b-\x1f\x7f-\x9f\u2028\u2029]+$")
]


def _document_error(document: str, error: ValidationError) -> DocumentError:
    first = error.errors(include_url=False, include_context=False, include_input=False)[0]
    problem = first["msg"].removeprefix("Value error, ")
    if first["type"] in {"union_tag_invalid", "union_tag_not_found"}:  # pydantic would repeat what was given
        problem = "none of the forms that may stand here"
    return DocumentError(document, name_field(*first["loc"]), problem)


def _find_respelt(unverified_value: dict[str, Any], wire: dict[str, Any]) -> str:
    # The values themselves may be equal: what pydantic takes for another spelling is true for 1.
    return next(
        name
        for name, value in unverified_value.items()
        if name not in wire or encode_canonical(value) != encode_canonical(wire[name])
    )


def _end_arrays_at_first_error(schema: Any) -> None:
    if isinstance(schema, dict):
        if schema.get("type") == "tuple":
            schema["fail_fast"] = True
        for part in schema.values():
            _end_arrays_at_first_error(part)
    elif isinstance(schema, list):
        for part in schema:
            _end_arrays_at_first_error(part)


class WireModel(BaseModel):
    """A document or a part of one, exactly as it stands on the wire."""

    model_config = ConfigDict(frozen=True, strict=True, extra="forbid", validate_default=False)

    @classmethod
    def __get_pydantic_core_schema__(cls, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        """Let every array end at its first wrong item: a hostile one costs one error, not a million."""
        schema = handler(source)
        _end_arrays_at_first_error(schema)
        return schema

    @classmethod
    def from_wire(cls, unverified_value: Any) -> Self:
        """Return the model a decoded value stands for.

        Raises:
            CodecError: the value has no canonical JSON.
            DocumentError: with the first field that is wrong, and why.
        """
        return cls._from_canonical_bytes(encode_canonical(unverified_value))

    @classmethod
    def from_canonical(cls, unverified_data: bytes, *, max_bytes: int = MAX_DOCUMENT_BYTES) -> Self:
        """Return the model whose canonical JSON is exactly `unverified_data`.

        Raises:
            CodecError: the bytes are not canonical JSON.
            DocumentError: with the first field that is wrong, and why.
        """
        if len(unverified_data) <= max_bytes:
            try:
                model = cls.model_validate_json(unverified_data)
                # What the model writes is canonical, so bytes that equal it are: good documents are read once.
                if model.canonical() == unverified_data:
                    return model
            except (ValidationError, CodecError):
                pass
        decode_canonical(unverified_data, max_bytes=max_bytes)
        return cls._from_canonical_bytes(unverified_data)

    @classmethod
    def _from_canonical_bytes(cls, unverified_data: bytes) -> Self:
        try:
            model = cls.model_validate_json(unverified_data)
        except ValidationError as error:
            raise _document_error(cls.__name__, error) from error
        if model.canonical() != unverified_data:
            field = _find_respelt(decode_canonical(unverified_data, max_bytes=len(unverified_data)), model.to_wire())
            raise DocumentError(cls.__name__, name_field(field), "not in its one spelling")
        return model

    def to_wire(self) -> dict[str, Any]:
        """Return plain JSON values; absent members are left out."""
        return self.model_dump(mode="json", exclude_none=True)

    def canonical(self) -> bytes:
        """Return the canonical JSON (RFC 8785, narrowed profile)."""
        return encode_canonical(self.to_wire())
