"""What was known of a member's keys at each place of the log: which key was good for a message at its leaf.

A timeline is built from verified documents in the order of their leaves, by broker and client alike. A revocation
counts from its own leaf on, whatever moment it names; what lies between that moment and the leaf is disputed, not
invalid.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from keys.encryption_keys import VerifiedEncryptionKeys, VerifiedRevocation
from keys.errors import KeyNotInForceError, KeyRevokedError, KeySetError
from keys.key_sets import VerifiedKeySet
from schemas.jwk import AkpJwk, OkpJwk
from schemas.key_documents import AgencyClass, EncryptionKey
from schemas.signed import KeyUse

RECEIPT_KEYS_LAST = timedelta(minutes=10)
"""How long after a key set has taken another's place the receipt keys of that one still count."""
REPLACED_KEYS_LAST = timedelta(days=30)
"""The same for what names its own time: a reader of a later log may know only when the next key set was made, and the
ceremony and the publication come after that."""


@dataclass(frozen=True, slots=True)
class MemberTimeline:
    """The key documents of one member, each with the index of its leaf, oldest first."""

    key_sets: tuple[tuple[int, VerifiedKeySet], ...]
    encryption_keys: tuple[tuple[int, VerifiedEncryptionKeys], ...] = ()
    revocations: tuple[tuple[int, VerifiedRevocation], ...] = ()

    @property
    def agency(self) -> str:
        """Return whose timeline it is."""
        return self.key_sets[0][1].agency

    @property
    def agency_class(self) -> AgencyClass:
        """Return the member's class, which no later key set may change."""
        return self.key_sets[0][1].key_set.agency_class

    @property
    def state(self) -> str | None:
        """Return the state the member belongs to, which no later key set may change; None where none is named."""
        return self.key_sets[0][1].key_set.state

    @property
    def newest_key_set(self) -> VerifiedKeySet:
        """Return the newest key set."""
        return self.key_sets[-1][1]

    @property
    def newest_encryption_keys(self) -> VerifiedEncryptionKeys | None:
        """Return the newest document of encryption keys."""
        return self.encryption_keys[-1][1] if self.encryption_keys else None

    def add_key_set(self, index: int, key_set: VerifiedKeySet) -> "MemberTimeline":
        """Return the timeline with a key set more."""
        return replace(self, key_sets=(*self.key_sets, (index, key_set)))

    def add_encryption_keys(self, index: int, keys: VerifiedEncryptionKeys) -> "MemberTimeline":
        """Return the timeline with a document of encryption keys more."""
        return replace(self, encryption_keys=(*self.encryption_keys, (index, keys)))

    def add_revocation(self, index: int, revocation: VerifiedRevocation) -> "MemberTimeline":
        """Return the timeline with a revocation more."""
        return replace(self, revocations=(*self.revocations, (index, revocation)))

    def find_key_set(self, index: int, time: datetime) -> VerifiedKeySet:
        """Return the key set in force at a leaf index and time.

        Raises:
            KeyNotInForceError: there was none yet, or it had expired.
        """
        found = [key_set for at, key_set in self.key_sets if at <= index]
        if not found:
            raise KeyNotInForceError(f"{self.agency} had no key set yet")
        if time >= found[-1].key_set.expires_at:
            raise KeyNotInForceError(f"key set {found[-1].key_set.seq} of {self.agency} has expired")
        return found[-1]

    def find_signing_keys(
        self, use: KeyUse, kids: Sequence[str], index: int, time: datetime
    ) -> tuple[OkpJwk | AkpJwk, ...]:
        """Return the public keys named by `kids` if they were good for `use` at a leaf index and time.

        Raises:
            KeyNotInForceError: no key set in force.
            KeySetError: the set in force has no such key for this use.
            KeyRevokedError: one of them was revoked at an earlier leaf.
        """
        jwks = self.find_key_set(index, time).find_keys(use, tuple(kids))
        self.verify_not_revoked(kids, index)
        return jwks

    def find_receipt_keys(self, kids: Sequence[str], index: int, time: datetime) -> tuple[OkpJwk | AkpJwk, ...]:
        """Return the public keys named by `kids` if they were good for receipts at a leaf index and time.

        A receipt is sealed: the exchange cannot see by which key it was signed, and may log it just behind the key set
        that its own signer was publishing meanwhile. So the receipt keys of the set before last some minutes longer.

        Raises:
            KeyNotInForceError, KeySetError, KeyRevokedError: as `find_signing_keys`.
        """
        try:
            return self.find_signing_keys(KeyUse.RECEIPT, kids, index, time)
        except KeySetError:
            before = self._find_just_replaced(index, time)
            if before is None or time >= before.key_set.expires_at:
                raise
            jwks = before.find_keys(KeyUse.RECEIPT, tuple(kids))
        self.verify_not_revoked(kids, index)
        return jwks

    def _find_just_replaced(self, index: int, time: datetime) -> VerifiedKeySet | None:
        found = [key_set for at, key_set in self.key_sets if at <= index]
        is_recent = len(found) > 1 and time < found[-1].judged_at + RECEIPT_KEYS_LAST
        return found[-2] if is_recent else None

    def find_keys_when_signed(
        self, use: KeyUse, kids: Sequence[str], index: int, signed_at: datetime
    ) -> tuple[OkpJwk | AkpJwk, ...]:
        """Return the public keys named by `kids` if they were good for `use` at the time of what they signed.

        For what a log has once more that another one had before: the key set of then may have ended or given way. Only
        the signer says when it signed, so a revoked key is believed in nothing that stands behind the revocation, nor
        in what is dated after the moment from which it was revoked; a replaced one in nothing that is dated more than
        `REPLACED_KEYS_LAST` after the next key set.

        Raises:
            KeyNotInForceError: no key set that was in force then has them.
            KeyRevokedError: one of them was revoked at an earlier leaf, or from that time on.
        """
        self.verify_not_revoked(kids, index)
        following: VerifiedKeySet | None = None
        for _, key_set in reversed(self.key_sets):
            is_of_then = key_set.key_set.issued_at <= signed_at < _find_end(key_set, following)
            following = key_set
            found = key_set.keys_by_kids.get(tuple(kids))
            if is_of_then and found is not None and found.use is use:
                self._verify_not_revoked_from(kids, signed_at)
                return tuple(key.jwk for key in found.keys)
        raise KeyNotInForceError(f"no key set of {self.agency} in force then has such a {use.value} key")

    def _verify_not_revoked_from(self, kids: Sequence[str], moment: datetime) -> None:
        for _, verified in self.revocations:
            if verified.revocation.effective_from <= moment and not set(kids).isdisjoint(verified.revocation.kids):
                raise KeyRevokedError(f"a key of {self.agency} was revoked: {verified.revocation.reason}")

    def verify_not_revoked(self, kids: Sequence[str], index: int) -> None:
        """Verify that no leaf up to `index` revokes one of `kids`.

        Raises:
            KeyRevokedError: one does.
        """
        for at, verified in self.revocations:
            if at <= index and not set(kids).isdisjoint(verified.revocation.kids):
                raise KeyRevokedError(f"a key of {self.agency} was revoked: {verified.revocation.reason}")

    def list_revoked_kids(self) -> frozenset[str]:
        """Return every kid that a leaf revokes, wherever it stands."""
        return frozenset(kid for _, verified in self.revocations for kid in verified.revocation.kids)

    def is_disputed(self, kids: Sequence[str], index: int, time: datetime) -> bool:
        """Return whether a later leaf revokes one of `kids` from a moment before `time` on."""
        return any(
            at > index
            and verified.revocation.effective_from <= time
            and not set(kids).isdisjoint(verified.revocation.kids)
            for at, verified in self.revocations
        )

    def find_encryption_key(self, kid: str, index: int, time: datetime) -> EncryptionKey:
        """Return the encryption key of this name if it was current at a leaf index and time.

        Raises:
            KeyNotInForceError: it was not published, or is outside its days.
        """
        published = [keys for at, keys in self.encryption_keys if at <= index]
        key = published[-1].find_key(kid) if published else None
        if key is None or not key.not_before <= time < key.expires_at:
            raise KeyNotInForceError(f"the encryption key named is no current key of {self.agency}")
        return key


def _find_end(key_set: VerifiedKeySet, following: VerifiedKeySet | None) -> datetime:
    """Return until when at the latest the keys of a set can have signed what they were meant to sign."""
    if following is None:
        return key_set.key_set.expires_at
    return min(key_set.key_set.expires_at, following.judged_at + REPLACED_KEYS_LAST)
