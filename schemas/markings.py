"""What may be done with a message: marking, urgency, purpose, permitted actions and handling codes.

The broker sees marking and urgency in the header; purpose, permitted actions and handling stay inside the encryption.
"""

from schemas.coded import CodedValue


class Tlp(CodedValue):
    """Traffic Light Protocol 2.0 (FIRST), from the widest audience to the narrowest."""

    CLEAR = "clear", "TLP:CLEAR"
    GREEN = "green", "TLP:GREEN"
    AMBER = "amber", "TLP:AMBER"
    AMBER_STRICT = "amber-strict", "TLP:AMBER+STRICT"
    RED = "red", "TLP:RED"

    @property
    def rank(self) -> int:
        """Return how narrow the audience is: 0 for CLEAR to 4 for RED."""
        return _TLP_ORDER.index(self)


class Urgency(CodedValue):
    """How soon somebody must look."""

    ROUTINE = "routine", "Routine"
    URGENT = "urgent", "Urgent"
    THREAT_TO_LIFE = "threat-to-life", "Threat to life"

    @property
    def rank(self) -> int:
        """Return how pressing it is: 0 for routine to 2 for a threat to life."""
        return _URGENCY_ORDER.index(self)


class Purpose(CodedValue):
    """Why a message is sent. An agreement names the purposes it covers."""

    BORDER_CONTROL = "border-control", "Border control"
    DOCUMENT_INTEGRITY = "document-integrity", "Prevention and detection of document fraud"
    MIGRANT_SMUGGLING = "migrant-smuggling", "Prevention and investigation of migrant smuggling"
    HUMAN_TRAFFICKING = "human-trafficking", "Prevention and investigation of trafficking in human beings"
    VICTIM_PROTECTION = "victim-protection", "Protection of victims"
    CRIMINAL_INVESTIGATION = "criminal-investigation", "Investigation and prosecution of a criminal offence"
    PUBLIC_SECURITY = "public-security", "Prevention of an immediate and serious threat to public security"
    RETURN_AND_READMISSION = "return-and-readmission", "Return, readmission and identification of citizens"
    SEARCH_AND_RESCUE = "search-and-rescue", "Search and rescue"
    JOINT_OPERATION = "joint-operation", "Joint operation"
    DATA_QUALITY = "data-quality", "Correction, withdrawal and follow-up of what was sent"
    SYSTEM_TEST = "system-test", "Test of the connection, without personal data"


class Pap(CodedValue):
    """Permissible Actions Protocol 2.0: what a recipient may do with what it learns."""

    CLEAR = "clear", "PAP:CLEAR"
    GREEN = "green", "PAP:GREEN"
    AMBER = "amber", "PAP:AMBER"
    RED = "red", "PAP:RED"

    @property
    def rank(self) -> int:
        """Return how narrow the permitted actions are: 0 for CLEAR to 3 for RED."""
        return _PAP_ORDER.index(self)


class HandlingCode(CodedValue):
    """Europol handling codes. They combine; H3 comes with its restriction in words."""

    H0 = "h0", "H0: for the prevention and combating of crime only"
    H1 = "h1", "H1: not as evidence in court without the provider's permission"
    H2 = "h2", "H2: not passed on without the provider's permission"
    H3 = "h3", "H3: other restriction, in words"


_TLP_ORDER = tuple(Tlp)
_URGENCY_ORDER = tuple(Urgency)
_PAP_ORDER = tuple(Pap)
