"""Alerts of false documents: what is false, how it was made, how that was found."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from agency_client.generating.borders import draw_encounter
from agency_client.generating.dice import Dice
from agency_client.generating.documents import draw_document
from agency_client.generating.people import draw_person
from schemas.alerts.kinds.document_fraud import (
    Equipment,
    FraudLocus,
    FraudType,
    InspectionLine,
    SecurityFeature,
    Technique,
)
from schemas.model import format_timestamp

FRAUDS: Mapping[FraudType, int] = {
    FraudType.COUNTERFEIT: 42,
    FraudType.FORGERY: 22,
    FraudType.IMPOSTOR: 16,
    FraudType.FRAUDULENTLY_OBTAINED: 7,
    FraudType.STOLEN_BLANK: 6,
    FraudType.PSEUDO: 4,
    FraudType.MORPHED_PHOTO: 2,
    FraudType.UNDETERMINED: 1,
}
"""Shares of a hundred. Assumed, as are all shares of this module."""
LINES: Mapping[InspectionLine, int] = {InspectionLine.FIRST: 22, InspectionLine.SECOND: 63, InspectionLine.THIRD: 15}
EQUIPMENT: Mapping[Equipment, int] = {
    Equipment.UV_LAMP: 30,
    Equipment.MAGNIFIER: 25,
    Equipment.DOCUMENT_READER: 20,
    Equipment.REFERENCE_DOCUMENT: 12,
    Equipment.CHIP_READER: 8,
    Equipment.VIDEO_SPECTRAL_COMPARATOR: 5,
}
_WHOLE: Mapping[FraudLocus, int] = {FraudLocus.WHOLE_DOCUMENT: 55, FraudLocus.DATA_PAGE: 30, FraudLocus.COVER: 15}
_ALTERED: Mapping[FraudLocus, int] = {
    FraudLocus.PHOTO: 32,
    FraudLocus.DATA_PAGE: 26,
    FraudLocus.PAGE_SWAP: 14,
    FraudLocus.VISA: 12,
    FraudLocus.BINDING: 8,
    FraudLocus.CHIP: 8,
}
LOCI: Mapping[FraudType, Mapping[FraudLocus, int]] = {
    FraudType.COUNTERFEIT: _WHOLE,
    FraudType.PSEUDO: _WHOLE,
    FraudType.FORGERY: _ALTERED,
    FraudType.STOLEN_BLANK: {FraudLocus.PERSONALISATION: 70, FraudLocus.PHOTO: 30},
    FraudType.MORPHED_PHOTO: {FraudLocus.PHOTO: 100},
}
_PRINTS: Mapping[Technique, int] = {
    Technique.INKJET: 40,
    Technique.LASER_TONER: 22,
    Technique.IMITATED_UV: 12,
    Technique.OFFSET: 10,
    Technique.IMITATED_HOLOGRAM: 8,
    Technique.IMITATED_WATERMARK: 5,
    Technique.LASER_ENGRAVING: 3,
}
TECHNIQUES: Mapping[FraudType, Mapping[Technique, int]] = {
    FraudType.COUNTERFEIT: _PRINTS,
    FraudType.PSEUDO: _PRINTS,
    FraudType.STOLEN_BLANK: _PRINTS,
    FraudType.FORGERY: {
        Technique.PHOTO_SUBSTITUTION: 32,
        Technique.PAGE_SUBSTITUTION: 20,
        Technique.LAMINATION: 16,
        Technique.OVERPRINT: 14,
        Technique.ERASURE: 12,
        Technique.REBINDING: 6,
    },
    FraudType.MORPHED_PHOTO: {Technique.PHOTO_MORPHING: 100},
}
FEATURES: Mapping[SecurityFeature, int] = {
    SecurityFeature.UV_PRINT: 24,
    SecurityFeature.PAPER_UV_DULL: 18,
    SecurityFeature.OPTICALLY_VARIABLE_INK: 14,
    SecurityFeature.INTAGLIO: 12,
    SecurityFeature.HOLOGRAM: 12,
    SecurityFeature.MICROPRINT: 10,
    SecurityFeature.PERFORATION: 10,
}
_ANOTHER_BEARER = frozenset({FraudType.IMPOSTOR, FraudType.FORGERY})


def describe_false_document(dice: Dice, found_at: datetime) -> dict[str, Any]:
    """Return what is particular in an alert of a false document that was found at a moment."""
    fraud = dice.weigh(FRAUDS)
    on = found_at.date()
    holder = draw_person(dice, on)
    document = draw_document(dice, holder, fraud, on)
    loci = dice.pick(LOCI[fraud], dice.between(1, 2)) if fraud in LOCI else []
    if document.is_zone_false and FraudLocus.MACHINE_READABLE_ZONE not in loci:
        loci.append(FraudLocus.MACHINE_READABLE_ZONE)
    details: dict[str, Any] = {"document": document.wire, "fraud_types": [fraud.value]}
    if loci:
        details["loci"] = [locus.value for locus in loci]
    if fraud in TECHNIQUES:
        details["techniques"] = [item.value for item in dice.pick(TECHNIQUES[fraud], dice.between(1, 3))]
        details["features"] = _draw_features(dice)
    details["inspection"] = {
        "line": dice.weigh(LINES).value,
        "equipment": [item.value for item in dice.pick(EQUIPMENT, dice.between(1, 3))],
    }
    details["encounter"] = draw_encounter(dice, format_timestamp(found_at))
    details["custody"] = {"is_seized": dice.happens(88)}
    members: dict[str, Any] = {
        "subject": f"{document.type.label}, {fraud.label.partition(':')[0].lower()}",
        "details": details,
    }
    if fraud in _ANOTHER_BEARER and dice.happens(60):
        members["persons"] = [draw_person(dice, on).describe("p1", "unidentified", dice)]
        details["bearer"] = "p1"
        details["bearer_comparison"] = {"method": "examiner", "result": "another"}
    return members


def _draw_features(dice: Dice) -> list[dict[str, str]]:
    found = dice.pick(FEATURES, dice.between(2, 4))
    results = {"fail": 60, "missing": 25, "pass": 15}
    return [{"feature": feature.value, "result": dice.weigh(results)} for feature in found]
