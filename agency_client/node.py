"""A node at work: one unlocked profile with its store, keys, clock, exchange and connection. Every flow takes one.

Nothing is decided here. The parts are made when first asked for, so that what needs no broker makes no connection. A
node that lives on notices when its keys were replaced, by whatever process, and connects anew. Make one of an opened
profile and close it when done: `with Node(open_profile(…), SystemClock()) as node:`.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cached_property
from types import TracebackType
from typing import Self

from agency_client.clock import Clock
from agency_client.connection import BrokerConnection
from agency_client.directory.directory import Directory
from agency_client.errors import DeniedError, NotFoundError
from agency_client.local_store.access_log import AccessNote
from agency_client.local_store.compartment import find_officer as find_safeguarding_officer
from agency_client.local_store.compartment import find_root_key
from agency_client.local_store.engine import Snapshot
from agency_client.local_store.settings import Setting, read_setting
from agency_client.local_store.trust import list_key_marks, load_exchange
from agency_client.node_identity import NodeIdentity
from agency_client.own_keys.documents import OwnKeySet, load_own_key_sets, load_revoked_kids
from agency_client.profiles.key_store import KeyStore, TlsUse
from agency_client.profiles.session import OpenProfile
from agency_client.profiles.tls_identity import (
    TlsIdentity,
    load_tls_identity,
    name_present_authority,
    read_authority_name,
    take_over_authority,
)
from agency_client.safeguarding.compartment import Compartment
from agency_client.witness.observer import CheckpointObserver
from keys.algorithms import OpeningKey
from keys.signing import SeedSigner
from schemas.codec import CodecError, b64u_decode
from schemas.key_documents import AgencyClass, ExchangeSheet
from schemas.log.records import Action, Role
from schemas.signed import KeyUse

_ROLES = {
    AgencyClass.AGENCY: Role.NODE,
    AgencyClass.OVERSIGHT: Role.OVERSIGHT,
    AgencyClass.OPERATOR: Role.OPERATOR,
}
CONNECT_ANEW_AFTER = timedelta(days=1)
"""The node's certificate is renewed on the way."""
_RENEW = "run: agency keys request; have the roots sign it; then: agency keys install FILE"


class NotInstalledError(NotFoundError):
    """The roots have not signed this node's keys yet, or the signed set was not installed."""

    default_code = "keys-not-installed"


class KeySetUnusableError(DeniedError):
    """The agency's key set has expired or its key of that use was revoked: nothing may be signed with it."""

    default_code = "key-set-unusable"


@dataclass(frozen=True, slots=True)
class _Made:
    """A connection that was made here: under which key documents, and when."""

    connection: BrokerConnection
    key_marks: tuple[tuple[str, bool], ...]
    at: datetime


class Node:
    """One agency's node, unlocked. Not shared between threads."""

    def __init__(self, opened: OpenProfile, clock: Clock) -> None:
        """Take an opened profile over.

        Raises:
            NotInstalledError: `agency init` has not finished here.
        """
        self.profile, self.store, self.officer, self.clock = opened.profile, opened.store, opened.officer, clock
        self.keys = KeyStore(opened.profile.keys_folder, opened.secret)
        self._find_compartment = opened.find_compartment
        with self.store.read() as snapshot:
            self.agency = _demand_setting(snapshot, Setting.AGENCY)
            self.name = _demand_setting(snapshot, Setting.NODE)
            self.sheet = _load_sheet(snapshot)
        self._connections: dict[Role, BrokerConnection] = {}
        self._made: dict[Role, _Made] = {}
        self._left: list[BrokerConnection] = []

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    @property
    def exchange(self) -> str:
        """Return the name of the accepted exchange, which every document repeats."""
        return self.sheet.name

    @cached_property
    def directory(self) -> Directory:
        """The members, as this node read and verified them; `directory.trusted_timeline` is the one to act on."""
        return Directory(self.store, self.exchange)

    @property
    def role(self) -> Role:
        """The role in which this member talks to the broker unless another is asked for; its class decides.

        Raises:
            NotInstalledError: no key set is installed.
        """
        return _ROLES[self.own_key_set().key_set.agency_class]

    @property
    def connection(self) -> BrokerConnection:
        """The connection in the member's usual role."""
        return self.connect(self.role)

    @cached_property
    def observer(self) -> CheckpointObserver:
        """What every checkpoint of every answer goes through before anything is done with the answer."""
        return CheckpointObserver(self.store, self.connection, self.sheet, self.clock)

    def connect(self, role: Role) -> BrokerConnection:
        """Return the connection in a role; one is made for each and kept until this agency's keys change.

        Raises:
            NotInstalledError: this node has no signed keys yet.
        """
        with self.store.read() as snapshot:
            key_marks = list_key_marks(snapshot, self.agency)
        self._leave_outdated(role, key_marks)
        if role not in self._connections:
            url, now = self.profile.settings.broker_url, self.clock.now()
            made = BrokerConnection(url, self.sheet, self.identify(), self.clock, role)
            self._connections[role], self._made[role] = made, _Made(made, key_marks, now)
        return self._connections[role]

    def _leave_outdated(self, role: Role, key_marks: tuple[tuple[str, bool], ...]) -> None:
        """Let go of a connection under keys that others have replaced; who still holds it may end what it does."""
        made = self._made.get(role)
        if made is None or self._connections.get(role) is not made.connection:
            return
        is_young = made.at <= self.clock.now() < made.at + CONNECT_ANEW_AFTER
        if made.key_marks != key_marks or not is_young:
            self._left.append(self._connections.pop(role))
            self.__dict__.pop("observer", None)

    def own_key_set(self) -> OwnKeySet:
        """Return the key set of this agency that counts: the newest the log has, else the newest installed.

        A set that was installed and not read in the log yet does not count anywhere else; only when the one before it
        has expired is there nothing better.

        Raises:
            NotInstalledError: there is none.
        """
        with self.store.read() as snapshot:
            return self.read_own_key_set(snapshot)

    def read_own_key_set(self, snapshot: Snapshot) -> OwnKeySet:
        """Return the same as `own_key_set`, inside a transaction that is open already."""
        chain = load_own_key_sets(snapshot, self.agency)
        if not chain:
            raise NotInstalledError("no key set is installed on this node", fix=_RENEW)
        now = self.clock.now()
        return next((own for own in reversed(chain) if own.is_logged and now < own.key_set.expires_at), chain[-1])

    def signer(self, use: KeyUse, *, even_expired: bool = False) -> SeedSigner:
        """Return the signer of a use from the newest key set.

        Raises:
            NotInstalledError: no key set is installed.
            KeySetUnusableError: the set has expired (unless `even_expired`), or every key of that use was revoked.
            KeyMissingError: the private key is not on this node.
        """
        with self.store.read() as snapshot:
            return self.read_signer(snapshot, use, even_expired=even_expired)

    def read_signer(self, snapshot: Snapshot, use: KeyUse, *, even_expired: bool = False) -> SeedSigner:
        """Return the same as `signer`, inside a transaction that is open already."""
        own = self.read_own_key_set(snapshot)
        if not even_expired and self.clock.now() >= own.key_set.expires_at:
            raise KeySetUnusableError(
                f"the key set of {self.agency} expired on {own.key_set.expires_at:%Y-%m-%d}", fix=_RENEW
            )
        usable = own.list_signing_kids(use, load_revoked_kids(snapshot, self.agency))
        if not usable:
            raise KeySetUnusableError(f"every {use.value} key of {self.agency} was revoked", fix=_RENEW)
        here = [kids for kids in usable if self.keys.has_key(use, kids[0])]
        return self.keys.load_signer(use, (here or usable)[0][0])

    @property
    def compartment(self) -> Compartment | None:
        """Return the safeguarding compartment while this officer is one of it and has it unlocked, else None.

        It is asked for anew each time, so that a lock works at once in every process. Ask outside of transactions.
        """
        secret = self._find_compartment()
        if secret is None:
            return None
        with self.store.read() as snapshot:
            is_officer = find_safeguarding_officer(snapshot, self.officer) is not None
            root_key = find_root_key(snapshot)
        found = Compartment(secret)
        return found if is_officer and root_key == found.public_key.canonical() else None

    def opening_key(self, kid: str) -> OpeningKey:
        """Return the private side of one of this node's encryption keys for what is not confidential.

        Raises:
            KeyMissingError: it was destroyed, or never here.
        """
        return self.keys.load_opening_key(kid)

    def note_access(
        self,
        action: Action,
        verb: str,
        reason: str,
        *,
        message: str | None = None,
        partner: str | None = None,
        case: str | None = None,
        outcome: str = "done",
        purpose: str | None = None,
        conditions: str | None = None,
        query: str | None = None,
    ) -> AccessNote:
        """Return a note in this officer's name, now, to append to the access log (`access_log.append_entry`)."""
        return AccessNote(
            time=self.clock.now(),
            officer=self.officer,
            action=action,
            verb=verb,
            reason=reason,
            message=message,
            partner=partner,
            case=case,
            outcome=outcome,
            purpose=purpose,
            conditions=conditions,
            query=query,
        )

    def close(self) -> None:
        """Close the connections and the store."""
        for connection in (*self._connections.values(), *self._left):
            connection.close()
        self._connections.clear()
        self._left.clear()
        self.store.close()

    def identify(self) -> NodeIdentity:
        """Return what this node shows the broker: TLS key, certificate (renewed when due), request key.

        Raises:
            NotInstalledError, KeySetUnusableError, KeyMissingError: there is no request key to use.
        """
        kid = self.signer(KeyUse.REQUEST).kids[0]
        with self.store.read() as snapshot:
            chain, counting = load_own_key_sets(snapshot, self.agency), self.read_own_key_set(snapshot)
            revoked = load_revoked_kids(snapshot, self.agency)
        present, waiting = self._load_tls(counting, chain[-1])
        others = [kids[0] for kids in chain[-1].list_signing_kids(KeyUse.REQUEST, revoked) if kids[0] != kid]
        return NodeIdentity(
            agency=self.agency,
            node=self.name,
            tls=present,
            request_seed=self.keys.load_seed(KeyUse.REQUEST, kid),
            other_request_seeds=tuple(self.keys.load_seed(KeyUse.REQUEST, other) for other in others),
            other_tls=waiting,
        )

    def _load_tls(self, counting: OwnKeySet, newest: OwnKeySet) -> tuple[TlsIdentity, TlsIdentity | None]:
        """Return the TLS identity in use, and the one that waits for a newer key set to count, if one does.

        That the exchange has the newer set may be known there before it is known here.
        """
        now, present = self.clock.now(), name_present_authority(self.keys)
        wanted, coming = (read_authority_name(b64u_decode(own.key_set.tls_ca)) for own in (counting, newest))
        if wanted != present and counting.is_logged and self.keys.has_key(TlsUse.AUTHORITY, wanted):
            take_over_authority(self.keys, self.profile, wanted, now)
            present = wanted
        waits = coming != present and self.keys.has_key(TlsUse.AUTHORITY, coming)
        other = load_tls_identity(self.keys, self.profile, now, coming) if waits else None
        return load_tls_identity(self.keys, self.profile, now), other


def _demand_setting(snapshot: Snapshot, name: Setting) -> str:
    value = read_setting(snapshot, name)
    if value is None:
        raise NotInstalledError(f"the store does not say its {name.value}", fix="run: agency init")
    return value


def _load_sheet(snapshot: Snapshot) -> ExchangeSheet:
    accepted = load_exchange(snapshot)
    if accepted is None:
        raise NotInstalledError("no exchange has been accepted", fix="run: agency init --exchange FILE")
    try:
        return ExchangeSheet.from_canonical(accepted.sheet)
    except CodecError as error:
        raise NotInstalledError(
            f"the exchange's sheet in the store is damaged: {error}", fix="restore the backup"
        ) from error
