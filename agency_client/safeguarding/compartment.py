"""The keys of the safeguarding compartment, derived from one secret that only its officers' passphrases open.

The node seals to the compartment at any time: the private side of each encryption key it publishes for victims goes to
the compartment's public key as it is drawn. Opening takes the secret. Nothing is read from the store here, and no
decision is made about who may have the secret (`agency_client.safeguarding.officers`).
"""

from dataclasses import dataclass, field

from agency_client.duties.conditions import spell_codes
from agency_client.local_store.content import KeyWrapping
from keys.algorithms import OpeningKey
from keys.container import NONCE_BYTES, derive_key, open_with_key, seal_with_key
from keys.generation import generate_bytes
from keys.references import compute_reference
from schemas.alerts.base import Alert
from schemas.alerts.kinds.victim_safeguarding import VictimSafeguarding
from schemas.codec import decode_canonical, encode_canonical
from schemas.jwk import AkpJwk

SECRET_BYTES = 32
_SUMMARY_PURPOSE = "safeguarding-summary"
_REFERENCE_PURPOSE = "pseudonym"


@dataclass(frozen=True, slots=True)
class Summary:
    """What lists show of a message in the compartment, to its officers alone."""

    subject: str
    thread: str
    unit: str = ""
    officer: str = ""
    handling: str = ""


def describe_alert(alert: Alert) -> Summary:
    """Return what lists show of an alert in the compartment."""
    return Summary(alert.subject, alert.thread, alert.unit, alert.officer, spell_codes(alert))


def list_pseudonyms(alert: Alert) -> tuple[str, ...]:
    """Return under which pseudonyms an alert speaks of persons."""
    details = alert.details
    return (details.pseudonym, *details.related) if isinstance(details, VictimSafeguarding) else ()


@dataclass(frozen=True, slots=True)
class Compartment:
    """An unlocked compartment. It is never kept longer than a use: `Node.compartment` asks for it anew each time."""

    secret: bytes = field(repr=False)

    @property
    def root(self) -> OpeningKey:
        """Return the key to which the node seals what the compartment alone opens."""
        return OpeningKey(derive_key(self.secret, "safeguarding-root"))

    @property
    def public_key(self) -> AkpJwk:
        """Return the public side of it."""
        return self.root.jwk

    def wrap_keys(self) -> KeyWrapping:
        """Return under what the key of one content is sealed; fresh for each."""
        return KeyWrapping(self.content_key, generate_bytes(NONCE_BYTES))

    @property
    def content_key(self) -> bytes:
        """Return the key, 32 bytes, that seals the keys of contents."""
        return derive_key(self.secret, "safeguarding-content")

    def seal_summary(self, summary: Summary) -> bytes:
        """Return a summary sealed for the compartment."""
        members = {name: getattr(summary, name) for name in Summary.__slots__}
        nonce = generate_bytes(NONCE_BYTES)
        return seal_with_key(encode_canonical(members), self._summary_key, nonce=nonce, purpose=_SUMMARY_PURPOSE)

    def open_summary(self, sealed: bytes) -> Summary:
        """Return a summary that was sealed for the compartment.

        Raises:
            ContainerError: it was altered, or sealed for another compartment.
        """
        return Summary(**decode_canonical(open_with_key(sealed, self._summary_key, purpose=_SUMMARY_PURPOSE)))

    def refer_to(self, pseudonym: str) -> bytes:
        """Return the keyed reference of a pseudonym, which says nothing of it without the compartment."""
        return compute_reference(derive_key(self.secret, "safeguarding-references"), _REFERENCE_PURPOSE, pseudonym)

    @property
    def _summary_key(self) -> bytes:
        return derive_key(self.secret, "safeguarding-summary")
