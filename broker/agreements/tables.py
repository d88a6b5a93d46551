"""The stored shape of agreement steps: the signed documents, by the leaf that says they were accepted."""

from sqlalchemy import Index, LargeBinary, UniqueConstraint
from sqlmodel import Field, SQLModel

from broker.storage.columns import BigId, Text, table_of


class AgreementStep(SQLModel, table=True):
    """One accepted step. `agency` signed it, `partner` is the other party."""

    __tablename__ = "agreement_step"
    __table_args__ = (
        UniqueConstraint("agreement", "agency", "party_seq", name="one_step_a_number"),
        Index("ix_agreement_step_agency", "agency", "leaf_index"),
        Index("ix_agreement_step_partner", "partner", "leaf_index"),
    )

    # No foreign key: the leaves of a batch are written after its operations.
    leaf_index: int = Field(primary_key=True, sa_type=BigId, sa_column_kwargs={"autoincrement": False})
    agreement: str = Field(sa_type=Text)
    agency: str = Field(sa_type=Text)
    partner: str = Field(sa_type=Text)
    party_seq: int
    digest: str = Field(unique=True, sa_type=Text)
    document: bytes = Field(sa_type=LargeBinary)


agreement_step = table_of(AgreementStep)
