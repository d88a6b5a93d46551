"""document-fraud: a fake passport or other document was detected.

Everything is kept as seen. A zone that fails its check digits, an issuing state nobody knows, a birthday on the 31st of
February are what is being reported.
"""

from typing import Annotated, Self

from pydantic import Field, model_validator

from schemas.alerts.chip import ChipFindings
from schemas.alerts.coded import Flow
from schemas.alerts.conveyances import Conveyance
from schemas.alerts.document import PrintedFieldName, SeenDocument
from schemas.alerts.money import Price
from schemas.alerts.places import Route
from schemas.alerts.registry import register
from schemas.alerts.seen import SeenCarrier, SeenFlight, SeenLocode, SeenPosition, list_seen
from schemas.alerts.shapes import (
    AttachmentId,
    Details,
    Few,
    FieldError,
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
    PHOTO_MORPHING = "photo-morphing", "Photograph morphed of several faces"
    IMITATED_INTAGLIO = "imitated-intaglio", "Intaglio imitated"
    IMITATED_PERFORATION = "imitated-perforation", "Perforation imitated"
    IMITATED_STAMP = "imitated-stamp", "Stamp imitated"
    REBINDING = "rebinding", "Taken apart and bound again"
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
    SUBSTRATE = "substrate", "Paper or polycarbonate itself"
    TRANSPARENT_WINDOW = "transparent-window", "Transparent window"
    FLUORESCENT_OVERPRINT = "fluorescent-overprint", "Fluorescent overprint"
    ANTI_STOKES_PRINT = "anti-stokes-print", "Print that shines under infrared (anti-Stokes)"
    LAMINATE = "laminate", "Laminate and its seal"
    PHOTO_INTEGRATION = "photo-integration", "How the photograph is printed in"
    PERSONALISATION_PRINT = "personalisation-print", "How the holder's data are printed in"
    MRZ_FONT = "mrz-font", "Type face of the machine readable zone (OCR-B)"
    DIGITAL_SEAL = "digital-seal", "Visible digital seal"
    OTHER = "other", "Other feature"


class FeatureResult(CodedValue):
    """What the examination of a feature showed."""

    PASS = "pass", "As it should be"
    FAIL = "fail", "Not as it should be"
    MISSING = "missing", "Missing"
    NOT_EXAMINED = "not-examined", "Not examined"


class InspectionLine(CodedValue):
    """At which line of inspection it was found."""

    FIRST = "first", "First line"
    SECOND = "second", "Second line"
    THIRD = "third", "Third line (laboratory)"


class Equipment(CodedValue):
    """With what a document was examined."""

    NAKED_EYE = "naked-eye", "By eye and touch"
    MAGNIFIER = "magnifier", "Magnifier"
    UV_LAMP = "uv-lamp", "Ultraviolet lamp"
    IR_VIEWER = "ir-viewer", "Infrared viewer"
    DOCUMENT_READER = "document-reader", "Document reader"
    CHIP_READER = "chip-reader", "Chip reader"
    MICROSCOPE = "microscope", "Microscope"
    VIDEO_SPECTRAL_COMPARATOR = "video-spectral-comparator", "Video spectral comparator"
    SPECTROMETER = "spectrometer", "Spectrometer (Raman, infrared)"
    REFERENCE_DOCUMENT = "reference-document", "Comparison with a genuine document"


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


class PresentedFor(CodedValue):
    """For what a document was presented."""

    BORDER_CHECK = "border-check", "Border check"
    BOARDING = "boarding", "Check-in or boarding"
    INLAND_CHECK = "inland-check", "Check inside the country"
    VISA_APPLICATION = "visa-application", "Application for a visa"
    RESIDENCE_APPLICATION = "residence-application", "Application for residence or asylum"
    CITIZENSHIP_APPLICATION = "citizenship-application", "Application for citizenship or a passport"
    EMPLOYMENT = "employment", "Employment"
    BANKING = "banking", "Opening an account or credit"
    POST = "post", "Not presented: found in the post or freight"
    SEARCH = "search", "Not presented: found in a search"


class ComparisonMethod(CodedValue):
    """How the bearer was compared with the document."""

    EXAMINER = "examiner", "By a person, face to photograph"
    FACE_MATCHING = "face-matching", "By a machine, face to photograph or chip"
    FINGERPRINT = "fingerprint", "By fingerprints from the chip"


class ComparisonResult(CodedValue):
    """What a comparison showed."""

    SAME = "same", "The same person"
    ANOTHER = "another", "Another person"
    INCONCLUSIVE = "inconclusive", "Inconclusive"


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


class Inspection(Part):
    """Who found it, with what. `examiner` is a pseudonym."""

    line: InspectionLine
    equipment: Few[Equipment] = ()
    tool: ShortText | None = None
    examiner: ShortText | None = None
    examined_at: Moment | None = None
    report_reference: ShortText | None = None


class BearerComparison(Part):
    """Whether the bearer is the person the document is of; `score_percent` where a machine compared."""

    method: ComparisonMethod
    result: ComparisonResult
    score_percent: Annotated[int, Field(ge=0, le=100, examples=[31])] | None = None
    note: LineText | None = None

    @model_validator(mode="after")
    def _check_only_machines_score(self) -> Self:
        if self.method is ComparisonMethod.EXAMINER and self.score_percent is not None:
            raise FieldError("score_percent", "a machine gives scores; an examiner says what is seen in note")
        return self


class Encounter(Part):
    """Where, when and on which way the document was presented."""

    at: Moment
    place: LineText
    state: StateCode
    border_point: ShortText | None = None
    locode: SeenLocode | None = None
    position: SeenPosition | None = None
    presented_for: PresentedFor | None = None
    flow: Flow
    route: Route | None = None
    carrier: SeenCarrier | None = None
    flight: SeenFlight | None = None
    conveyance: Conveyance | None = None


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
    bearer_comparison: BearerComparison | None = None
    custody: Custody | None = None
    images: Many[Image] = ()
    linked_documents: Many[LineText] = ()
    linked_series: Few[SeriesReference] = ()
    supplier: LineText | None = None
    suppliers: Few[PersonRef] = ()
    price: Price | None = None
    modus_operandi: FreeText | None = None

    def identifiers(self) -> tuple[Identifier, ...]:
        """Return the document's numbers, those of linked documents, series references, flight and conveyance."""
        found = list(self.document.identifiers())
        found += [_number(number) for number in self.linked_documents]
        found += [Identifier(IdentifierType.SERIES, item.reference) for item in (*self.series, *self.linked_series)]
        conveyance = self.encounter.conveyance
        carried = () if conveyance is None else conveyance.identifiers()
        return tuple(dict.fromkeys((*found, *list_seen(self.encounter), *carried)))

    def nationalities(self) -> tuple[str, ...]:
        """Return the nationality the document states."""
        return self.document.nationalities()

    def accused_refs(self) -> tuple[str, ...]:
        """Return the suppliers: who carries a false document may be a victim of theirs."""
        return self.suppliers

    def person_refs(self) -> tuple[str, ...]:
        """Return the bearer, if named, the suppliers, and whoever holds or drives the conveyance."""
        conveyance = self.encounter.conveyance
        carried = () if conveyance is None else conveyance.person_refs()
        return (*(() if self.bearer is None else (self.bearer,)), *self.suppliers, *carried)

    def attachment_ids(self) -> tuple[str, ...]:
        """Return the images."""
        return tuple(image.attachment for image in self.images)


def _number(number: str) -> Identifier:
    return Identifier(IdentifierType.DOCUMENT_NUMBER, normalise_document_number(number))
