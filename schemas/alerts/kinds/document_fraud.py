"""document-fraud: a fake passport or other document was detected.

Everything is kept as seen. A zone that fails its check digits, an issuing state nobody knows, a birthday on the 31st of
February are what is being reported.
"""

from typing import Annotated

from pydantic import Field

from schemas.alerts.coded import Flow
from schemas.alerts.document import PrintedFieldName, SeenDocument
from schemas.alerts.places import Route
from schemas.alerts.registry import register
from schemas.alerts.shapes import (
    AttachmentId,
    Details,
    Few,
    FreeText,
    Identifier,
    IdentifierType,
    LineText,
    Many,
    Moment,
    PersonRef,
    ShortText,
)
from schemas.coded import CodedValue
from schemas.identifiers.numbers import normalise_document_number
from schemas.identifiers.states import StateCode
from schemas.part import Part


class FraudType(CodedValue):
    """What is false about a document."""

    COUNTERFEIT = "counterfeit", "Counterfeit: a reproduction of a genuine document"
    FORGERY = "forgery", "Forgery: a genuine document altered"
    PSEUDO = "pseudo", "Pseudo document: of no recognised issuer"
    FRAUDULENTLY_OBTAINED = "fraudulently-obtained", "Genuine, obtained by fraud"
    IMPOSTOR = "impostor", "Impostor: genuine, used by another person"
    STOLEN_BLANK = "stolen-blank", "Stolen blank, filled in"
    MORPHED_PHOTO = "morphed-photo", "Genuine, with a morphed photograph"
    UNDETERMINED = "undetermined", "Not yet determined"


class FraudLocus(CodedValue):
    """Where the fraud is."""

    PHOTO = "photo", "Photograph"
    DATA_PAGE = "data-page", "Data page"
    MACHINE_READABLE_ZONE = "machine-readable-zone", "Machine readable zone"
    PAGE_SWAP = "page-swap", "Page substituted"
    PAGE_REMOVED = "page-removed", "Page removed"
    BINDING = "binding", "Binding or stitching"
    COVER = "cover", "Cover"
    STAMP = "stamp", "Stamp"
    VISA = "visa", "Visa or sticker"
    CHIP = "chip", "Chip"
    PERSONALISATION = "personalisation", "Personalisation"
    WHOLE_DOCUMENT = "whole-document", "The whole document"


class Technique(CodedValue):
    """How the false part was made."""

    INKJET = "inkjet", "Inkjet printing"
    LASER_TONER = "laser-toner", "Laser (toner) printing"
    OFFSET = "offset", "Offset printing"
    SCREEN_PRINTING = "screen-printing", "Screen printing"
    LETTERPRESS = "letterpress", "Letterpress"
    THERMAL_TRANSFER = "thermal-transfer", "Thermal transfer or dye diffusion"
    LASER_ENGRAVING = "laser-engraving", "Laser engraving"
    LAMINATION = "lamination", "New or second laminate"
    ERASURE = "erasure", "Mechanical or chemical erasure"
    OVERPRINT = "overprint", "Overprinting or added strokes"
    PHOTO_SUBSTITUTION = "photo-substitution", "Photograph substituted"
    PAGE_SUBSTITUTION = "page-substitution", "Page substituted"
    IMITATED_HOLOGRAM = "imitated-hologram", "Hologram imitated"
    IMITATED_WATERMARK = "imitated-watermark", "Watermark imitated"
    IMITATED_UV = "imitated-uv", "Ultraviolet features imitated"
    CHIP_REPLACED = "chip-replaced", "Chip replaced or cloned"
    CHIP_DISABLED = "chip-disabled", "Chip disabled"
    OTHER = "other", "Other technique, in a statement"


class SecurityFeature(CodedValue):
    """A security feature that can be examined."""

    PAPER_UV_DULL = "paper-uv-dull", "Paper dull under ultraviolet light"
    UV_PRINT = "uv-print", "Ultraviolet print"
    UV_FIBRES = "uv-fibres", "Fluorescent fibres"
    IR_REACTION = "ir-reaction", "Infrared reaction"
    WATERMARK = "watermark", "Watermark"
    SECURITY_THREAD = "security-thread", "Security thread"
    OPTICALLY_VARIABLE_INK = "optically-variable-ink", "Optically variable ink (OVI)"
    HOLOGRAM = "hologram", "Diffractive image (hologram, kinegram)"
    INTAGLIO = "intaglio", "Intaglio print"
    LATENT_IMAGE = "latent-image", "Latent image"
    MICROPRINT = "microprint", "Microprint"
    GUILLOCHES = "guilloches", "Guilloches"
    RAINBOW_PRINT = "rainbow-print", "Rainbow print"
    SEE_THROUGH_REGISTER = "see-through-register", "See-through register"
    PERFORATION = "perforation", "Laser perforation"
    TACTILE_ENGRAVING = "tactile-engraving", "Tactile laser engraving"
    CHANGEABLE_LASER_IMAGE = "changeable-laser-image", "Changeable or multiple laser image (CLI, MLI)"
    GHOST_PORTRAIT = "ghost-portrait", "Second portrait"
    RETROREFLECTIVE_LAMINATE = "retroreflective-laminate", "Retroreflective laminate"
    STITCHING = "stitching", "Stitching thread"
    NUMBERING = "numbering", "Numbering"
    OTHER = "other", "Other feature"


class FeatureResult(CodedValue):
    """What the examination of a feature showed."""

    PASS = "pass", "As it should be"
    FAIL = "fail", "Not as it should be"
    MISSING = "missing", "Missing"
    NOT_EXAMINED = "not-examined", "Not examined"


class ChipCheckResult(CodedValue):
    """What a check of the chip showed (ICAO Doc 9303-11)."""

    PASS = "pass", "Passed"
    FAIL = "fail", "Failed"
    NOT_SUPPORTED = "not-supported", "The chip does not support it"
    NOT_PERFORMED = "not-performed", "Not performed"


class ChipState(CodedValue):
    """Whether there is a chip, and whether it answers."""

    READ = "read", "Read"
    NOT_READABLE = "not-readable", "There, and not readable"
    ABSENT = "absent", "Absent where one is due"
    NONE_DUE = "none-due", "None due"


class InspectionLine(CodedValue):
    """At which line of inspection it was found."""

    FIRST = "first", "First line"
    SECOND = "second", "Second line"
    THIRD = "third", "Third line (laboratory)"


class ReferenceSystem(CodedValue):
    """A collection that describes series of documents and known fakes."""

    FADO = "fado", "FADO (False and Authentic Documents Online)"
    EDISON = "edison", "EdisonTD"
    PRADO = "prado", "PRADO"
    DIAL_DOC = "dial-doc", "INTERPOL Dial-Doc"
    NATIONAL = "national", "National collection"


class ImageView(CodedValue):
    """What an image shows."""

    DATA_PAGE_WHITE = "data-page-white", "Data page, white light"
    DATA_PAGE_UV = "data-page-uv", "Data page, ultraviolet"
    DATA_PAGE_IR = "data-page-ir", "Data page, infrared"
    TRANSMITTED_LIGHT = "transmitted-light", "Transmitted light"
    OBLIQUE_LIGHT = "oblique-light", "Oblique light"
    DETAIL = "detail", "Detail"
    CHIP_PORTRAIT = "chip-portrait", "Portrait from the chip"
    BEARER = "bearer", "Bearer"
    WHOLE_DOCUMENT = "whole-document", "Whole document"


class SeriesReference(Part):
    """A series of documents, or a known fake, in a collection."""

    system: ReferenceSystem
    reference: ShortText


class Mismatch(Part):
    """A field that says one thing in print and another in the zone or the chip."""

    field: PrintedFieldName
    printed: LineText | None = None
    zone: LineText | None = None
    chip: LineText | None = None


class FeatureFinding(Part):
    """One security feature examined."""

    feature: SecurityFeature
    result: FeatureResult
    note: LineText | None = None


class ChipFindings(Part):
    """What the chip showed; the fingerprint is SHA-256 of the document signer certificate, in hexadecimal."""

    state: ChipState
    passive_authentication: ChipCheckResult | None = None
    active_authentication: ChipCheckResult | None = None
    chip_authentication: ChipCheckResult | None = None
    signer_certificate_sha256: (
        Annotated[
            str,
            Field(
                pattern=r"^[0-9a-f]{64}$",
                examples=["9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08"],
            ),
        ]
        | None
    ) = None


class Inspection(Part):
    """Who found it, with what. `examiner` is a pseudonym."""

    line: InspectionLine
    tool: ShortText | None = None
    examiner: ShortText | None = None


class Encounter(Part):
    """Where, when and on which way the document was presented."""

    at: Moment
    place: LineText
    state: StateCode
    border_point: ShortText | None = None
    flow: Flow
    route: Route | None = None
    carrier: ShortText | None = None
    flight: Annotated[str, Field(pattern=r"^[A-Z0-9]{2,3} ?[0-9]{1,4}[A-Z]?$", examples=["XX1234"])] | None = None


class Custody(Part):
    """What became of the document."""

    is_seized: bool
    exhibit_number: ShortText | None = None
    held_by: LineText | None = None


class Image(Part):
    """An attachment of the message that shows the document."""

    attachment: AttachmentId
    view: ImageView


@register("document-fraud", "False document", needs_grading=True)
class DocumentFraud(Details):
    """A false document: what it says, what is false about it, how that was found, where it turned up.

    `bearer` names a person of the alert when the bearer is known to be somebody else than the document says.
    """

    document: SeenDocument
    series: Few[SeriesReference] = ()
    fraud_types: Few[FraudType]
    loci: Few[FraudLocus] = ()
    techniques: Few[Technique] = ()
    mismatches: Few[Mismatch] = ()
    features: Few[FeatureFinding] = ()
    chip: ChipFindings | None = None
    inspection: Inspection | None = None
    encounter: Encounter
    bearer: PersonRef | None = None
    custody: Custody | None = None
    images: Many[Image] = ()
    linked_documents: Many[LineText] = ()
    linked_series: Few[SeriesReference] = ()
    supplier: LineText | None = None
    modus_operandi: FreeText | None = None

    def identifiers(self) -> tuple[Identifier, ...]:
        """Return the document's numbers, those of linked documents, series references and the flight."""
        found = list(self.document.identifiers())
        found += [_number(number) for number in self.linked_documents]
        found += [Identifier(IdentifierType.SERIES, item.reference) for item in (*self.series, *self.linked_series)]
        if self.encounter.flight is not None:
            found.append(Identifier(IdentifierType.FLIGHT, self.encounter.flight.replace(" ", "")))
        return tuple(dict.fromkeys(found))

    def nationalities(self) -> tuple[str, ...]:
        """Return the nationality the document states."""
        return self.document.nationalities()

    def person_refs(self) -> tuple[str, ...]:
        """Return the bearer, if named."""
        return () if self.bearer is None else (self.bearer,)

    def attachment_ids(self) -> tuple[str, ...]:
        """Return the images."""
        return tuple(image.attachment for image in self.images)


def _number(number: str) -> Identifier:
    return Identifier(IdentifierType.DOCUMENT_NUMBER, normalise_document_number(number))
