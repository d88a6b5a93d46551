"""Names that a person types in and that must have the wire's spelling: agencies, nodes, state codes."""

from pydantic import TypeAdapter, ValidationError

from agency_client.errors import UsageError
from schemas.identifiers.states import StateCode
from schemas.model import AgencyId, NodeId

_AGENCY: TypeAdapter[str] = TypeAdapter(AgencyId)
_NODE: TypeAdapter[str] = TypeAdapter(NodeId)
_STATE: TypeAdapter[str] = TypeAdapter(StateCode)


def parse_agency_id(unverified_text: str) -> str:
    """Return an agency's id.

    Raises:
        UsageError: no agency can have this id.
    """
    return _parse(_AGENCY, unverified_text, "an agency's id is 2 to 32 capitals, digits and hyphens, like VN-IMM")


def parse_node_id(unverified_text: str) -> str:
    """Return a node's id.

    Raises:
        UsageError: no node can have this id.
    """
    return _parse(_NODE, unverified_text, "a node's id is 1 to 32 small letters, digits and hyphens, like n1")


def parse_state_code(unverified_text: str) -> str:
    """Return a state's code as in machine readable documents (ICAO Doc 9303-3).

    Raises:
        UsageError: no state can have this code.
    """
    return _parse(_STATE, unverified_text, "a state's code is 1 to 3 capital letters, like GBR")


def _parse(adapter: TypeAdapter[str], unverified_text: str, rule: str) -> str:
    try:
        return adapter.validate_python(unverified_text, strict=True)
    except ValidationError as error:
        raise UsageError(f"{unverified_text[:64]!r} will not do: {rule}") from error
