"""Persons of an alert: a role for each, names in every script, what is known of them and no more."""

from typing import Annotated

from pydantic import Field

from schemas.alerts.coded import Sex
from schemas.alerts.document import DocumentIdentity
from schemas.alerts.shapes import AttachmentId, Few, Identifier, LineText, Name, PersonRef
from schemas.coded import CodedValue
from schemas.identifiers.dates import PartialDate
from schemas.identifiers.states import StateCode
from schemas.part import Part


class PersonRole(CodedValue):
    """In what role a person appears (Directive (EU) 2016/680, article 6)."""

    SUSPECT = "suspect", "Suspect"
    CONVICTED = "convicted", "Convicted"
    VICTIM = "victim", "Victim"
    WITNESS = "witness", "Witness"
    ASSOCIATE = "associate", "Contact or associate"
    UNIDENTIFIED = "unidentified", "Unidentified"


class MarkKind(CodedValue):
    """What a person can be recognised by."""

    SCAR = "scar", "Scar"
    TATTOO = "tattoo", "Tattoo"
    MISSING_PART = "missing-part", "Missing body part"
    PIERCING = "piercing", "Piercing"
    OTHER = "other", "Other mark"


Script = Annotated[str, Field(pattern=r"^[A-Z][a-z]{3}$", examples=["Latn"], description="ISO 15924")]


class PersonName(Part):
    """A name in one script; `transliteration` gives it in Latin letters when it is in another."""

    text: Name
    script: Script | None = None
    transliteration: Name | None = None
    surname: Name | None = None
    given_names: Name | None = None


class Mark(Part):
    """A mark, where it is, what it shows."""

    kind: MarkKind
    description: LineText


class Person(Part):
    """A person. `ref` names it inside this alert only; nothing in it says who it is beyond the alert."""

    ref: PersonRef
    role: PersonRole
    names: Few[PersonName] = ()
    aliases: Few[PersonName] = ()
    birth_dates: Few[PartialDate] = ()
    birth_place: LineText | None = None
    sex: Sex | None = None
    nationalities: Few[StateCode] = ()
    documents: Few[DocumentIdentity] = ()
    marks: Few[Mark] = ()
    photos: Few[AttachmentId] = ()

    def identifiers(self) -> tuple[Identifier, ...]:
        """Return the numbers of the person's documents."""
        return tuple(document.identifier() for document in self.documents)
