"""advisory: a tactic, a new way to forge, a route that shifted, material for training. No personal data.

It names formats and techniques, never a holder, a number or a bearer: nobody can be found by it.
"""

from typing import Self

from pydantic import model_validator

from schemas.alerts.coded import DocumentType
from schemas.alerts.kinds.document_fraud import (
    FraudLocus,
    FraudType,
    SecurityFeature,
    SeriesReference,
    Technique,
)
from schemas.alerts.places import Route
from schemas.alerts.registry import register
from schemas.alerts.shapes import AttachmentId, Details, Few, FieldError, FreeText, LineText, ShortText
from schemas.coded import CodedValue
from schemas.identifiers.dates import PartialDate
from schemas.identifiers.states import StateCode
from schemas.part import Part


class AdvisoryTopic(CodedValue):
    """What an advisory is about."""

    FORGERY_TECHNIQUE = "forgery-technique", "New technique of forgery"
    GENUINE_DOCUMENT = "genuine-document", "New or changed genuine document"
    IMPOSTOR_TACTIC = "impostor-tactic", "Tactic of impostors"
    ROUTE_SHIFT = "route-shift", "Route that shifted"
    CONCEALMENT = "concealment", "Way of concealing persons"
    RECRUITMENT_TACTIC = "recruitment-tactic", "Tactic of recruitment"
    TRAFFICKING_INDICATORS = "trafficking-indicators", "Signs by which victims are known"
    PAYMENT_METHOD = "payment-method", "Way of paying"
    ONLINE_TACTIC = "online-tactic", "Tactic online"
    DANGER = "danger", "Danger to lives on a route"
    TRAINING_MATERIAL = "training-material", "Material for training"
    EQUIPMENT = "equipment", "Equipment or method of examination"


class Trend(CodedValue):
    """How often it is seen."""

    FIRST_SEEN = "first-seen", "Seen for the first time"
    GROWING = "growing", "Growing"
    STEADY = "steady", "Steady"
    FALLING = "falling", "Declining"


class MaterialKind(CodedValue):
    """What kind of material it is."""

    PRESENTATION = "presentation", "Presentation"
    HANDBOOK = "handbook", "Handbook or guide"
    IMAGE_SET = "image-set", "Set of images"
    CHECKLIST = "checklist", "Checklist"
    VIDEO = "video", "Video"
    EXERCISE = "exercise", "Exercise"


class DocumentFormat(Part):
    """A format of document, as issued or as imitated: its type, its state, its model."""

    type: DocumentType
    issuing_state: StateCode
    model: ShortText | None = None
    first_issued_on: PartialDate | None = None
    references: Few[SeriesReference] = ()


class Recognition(Part):
    """One way to recognise it: at which feature, and what is seen there."""

    feature: SecurityFeature | None = None
    locus: FraudLocus | None = None
    what_to_see: LineText


class TrainingMaterial(Part):
    """Material for training; without attachments it is sent on request."""

    title: LineText
    kind: MaterialKind
    language: ShortText
    attachments: Few[AttachmentId] = ()


@register("advisory", "Advisory", forbids_persons=True)
class Advisory(Details):
    """What to look for, and how. `description` is the author's own assessment where no statement says it as a fact."""

    topics: Few[AdvisoryTopic]
    description: FreeText
    formats: Few[DocumentFormat] = ()
    fraud_types: Few[FraudType] = ()
    techniques: Few[Technique] = ()
    recognitions: Few[Recognition] = ()
    routes: Few[Route] = ()
    states_concerned: Few[StateCode] = ()
    trend: Trend | None = None
    seen_since: PartialDate | None = None
    advice: Few[FreeText] = ()
    materials: Few[TrainingMaterial] = ()
    images: Few[AttachmentId] = ()

    @model_validator(mode="after")
    def _check_topics_have_their_part(self) -> Self:
        if len(set(self.topics)) != len(self.topics):
            raise FieldError("topics", "each topic once")
        demands = (
            (AdvisoryTopic.FORGERY_TECHNIQUE, "techniques", self.techniques),
            (AdvisoryTopic.GENUINE_DOCUMENT, "formats", self.formats),
            (AdvisoryTopic.ROUTE_SHIFT, "routes", self.routes),
            (AdvisoryTopic.TRAINING_MATERIAL, "materials", self.materials),
        )
        for topic, field, value in demands:
            if topic in self.topics and not value:
                raise FieldError(field, f"the topic {topic.value} names them")
        return self

    def attachment_ids(self) -> tuple[str, ...]:
        """Return images and material."""
        return (*self.images, *(item for material in self.materials for item in material.attachments))
