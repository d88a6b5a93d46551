"""All members of the exchange as the public records of its log say, at one place of the log.

Immutable: a record more makes a new value. Whether a document may be accepted is decided in `broker.directory.rules`.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from broker.directory.errors import UnknownMemberError
from keys.encryption_keys import VerifiedEncryptionKeys, VerifiedRevocation
from keys.key_sets import VerifiedKeySet
from keys.timeline import MemberTimeline
from schemas.codec import b64u_decode

VerifiedKeyDocument = VerifiedKeySet | VerifiedEncryptionKeys | VerifiedRevocation


@dataclass(frozen=True, slots=True)
class Members:
    """Each member's timeline by its id, and who holds which encryption key (by thumbprint).

    `authorities` maps the thumbprint of a CA key to its member and the CA certificate in DER, newest key sets only.
    `last_index` is the leaf of the newest document in here, -1 when there is none.
    """

    timelines: Mapping[str, MemberTimeline] = field(default_factory=dict)
    authorities: Mapping[bytes, tuple[str, bytes]] = field(default_factory=dict)
    encryption_key_owners: Mapping[str, str] = field(default_factory=dict)
    last_index: int = -1

    def get(self, agency: str) -> MemberTimeline | None:
        """Return a member's timeline, or nothing."""
        return self.timelines.get(agency)

    def find(self, agency: str) -> MemberTimeline:
        """Return a member's timeline.

        Raises:
            UnknownMemberError: nobody of this name is enrolled.
        """
        found = self.timelines.get(agency)
        if found is None:
            raise UnknownMemberError(agency)
        return found

    def add(self, index: int, document: VerifiedKeyDocument) -> "Members":
        """Return the members with a verified document more, which stands at leaf `index`."""
        if isinstance(document, VerifiedKeySet):
            return self._add_key_set(index, document)
        if isinstance(document, VerifiedEncryptionKeys):
            agency = document.encryption_keys.agency
            owners = {key.kid: agency for key in document.encryption_keys.keys}
            timeline = self.find(agency).add_encryption_keys(index, document)
            return replace(self._put(index, timeline), encryption_key_owners={**self.encryption_key_owners, **owners})
        return self._put(index, self.find(document.revocation.agency).add_revocation(index, document))

    def _add_key_set(self, index: int, key_set: VerifiedKeySet) -> "Members":
        known = self.timelines.get(key_set.agency)
        timeline = MemberTimeline(((index, key_set),)) if known is None else known.add_key_set(index, key_set)
        others = {thumb: found for thumb, found in self.authorities.items() if found[0] != key_set.agency}
        authority = (key_set.agency, b64u_decode(key_set.key_set.tls_ca))
        return replace(self._put(index, timeline), authorities={**others, key_set.ca_thumbprint: authority})

    def _put(self, index: int, timeline: MemberTimeline) -> "Members":
        return replace(self, timelines={**self.timelines, timeline.agency: timeline}, last_index=index)
