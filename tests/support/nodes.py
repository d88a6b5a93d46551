"""Real nodes of a real exchange: profiles made from a root ceremony on, keys published, partners pinned, agreements.

with running_exchange(folder) as exchange, joined_nodes(exchange, folder, "GB", "VN") as nodes:
    agree(nodes["GB"], nodes["VN"])
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from agency_client.clock import Clock, SystemClock
from agency_client.local_store.agreements import StoredStep, load_chain_end, record_step
from agency_client.node import Node
from agency_client.own_keys.encryption import prepare_encryption_keys
from agency_client.own_keys.key_sets import (
    Identity,
    export_enrolment,
    get_own_anchor,
    install_key_set,
    prepare_key_set,
)
from agency_client.own_keys.publishing import publish_queued
from agency_client.profiles.joining import AcceptedSheet, initialise_node
from agency_client.profiles.profile import load_profile
from agency_client.profiles.session import open_profile
from agency_client.trust import pin_partner
from agency_client.witness.evidence import accept_evidence
from agency_client.witness.walker import walk_log
from broker.control import EnrolCommand, ask_control
from keys.key_sets import sign_key_set
from keys.roots import load_root, make_roots
from keys.signing import SeedSigner, sign_document
from schemas.agreements.steps import Step, StepAction, digest_step
from schemas.agreements.terms import Clause, DutyDesk, Party, Terms
from schemas.alerts import kind_names
from schemas.alerts.base import SpecialCategory
from schemas.api import STEPS_PATH, Evidence
from schemas.envelope import SAFEGUARDING_KIND
from schemas.key_documents import AgencyClass, compute_exchange_anchor
from schemas.log.records import RecordType
from schemas.markings import HandlingCode, Purpose
from schemas.receipts import ReceiptType
from schemas.signed import DocumentType, KeyUse
from tests.strategies.agreements import make_clause, make_terms
from tests.support.exchange import RunningExchange
from tests.support.members import derive_seed
from tests.support.messages import make_id
from tests.support.stretching import one_salt

PASSPHRASE = "a passphrase for throw-away nodes"


@dataclass
class MovableClock:
    """The host's clock, moved by `ahead`: what happens later need not be waited for."""

    ahead: timedelta = field(default_factory=timedelta)

    def now(self) -> datetime:
        """Return the moved time."""
        return SystemClock().now() + self.ahead


def set_clock(node: Node, ahead: timedelta) -> None:
    """Set a node's clock so far ahead of the host's, or behind it."""
    assert isinstance(node.clock, MovableClock)
    node.clock.ahead = ahead


@contextmanager
def joined_nodes(exchange: RunningExchange, folder: Path, *agencies: str) -> Iterator[dict[str, Node]]:
    """Give one node for each agency: enrolled, with encryption keys in the log, all pinned with each other."""
    nodes = {agency: make_node(exchange, folder, agency, clock=MovableClock()) for agency in agencies}
    try:
        for node in nodes.values():
            publish_queued(node, prepare_encryption_keys(node))
        for node in nodes.values():
            walk_log(node)
            for partner in nodes.values():
                if partner is not node:
                    pin_partner(node, partner.agency, get_own_anchor(partner))
        yield nodes
    finally:
        for node in nodes.values():
            node.close()


def make_node(exchange: RunningExchange, folder: Path, agency: str, *, clock: Clock | None = None) -> Node:
    """Return an enrolled node with a profile of its own, made by the flows that the commands use."""
    clock = clock or SystemClock()
    home, officer = folder / "home", {"BILATERAL_OFFICER": f"officer-of-{agency.lower()}"}
    accepted = AcceptedSheet(exchange.sheet, compute_exchange_anchor(exchange.sheet))
    with one_salt():
        profile = initialise_node(
            home,
            agency.lower(),
            agency=agency,
            node="n1",
            broker_url=exchange.url,
            accepted=accepted,
            passphrase=PASSPHRASE,
            clock=clock,
            environment=officer,
        )
    secret = folder / "passphrase"
    secret.touch(0o600)
    secret.write_text(PASSPHRASE)
    node = Node(open_profile(load_profile(home, profile.name), environment=officer, passphrase_file=secret), clock)
    install_first_key_set(node)
    file = export_enrolment(node)
    ask_control(exchange.folder.control_socket, EnrolCommand(v=1, command="enrol", file=file))
    walk_log(node)
    return node


def install_first_key_set(node: Node, agency_class: AgencyClass = AgencyClass.AGENCY) -> None:
    """Let two of three roots sign the node's first key set, and install it."""
    roots = make_root_signers(node.agency)
    state = "UTO" if agency_class is AgencyClass.AGENCY else None
    key_set = prepare_key_set(
        node, identity=Identity(f"Agency {node.agency}", agency_class, state), roots=_make_sheet(node, roots)
    )
    install_key_set(node, sign_key_set(key_set, roots[:2]))


def install_next_key_set(node: Node) -> None:
    """Let the roots sign the node's next key set, and install it; it waits to be published."""
    install_key_set(node, sign_key_set(prepare_key_set(node), make_root_signers(node.agency)[:2]))


def reconnect(node: Node) -> None:
    """Forget a node's connections, as a new process would: its request key has changed."""
    for connection in node._connections.values():
        connection.close()
    node._connections.clear()
    node.__dict__.pop("observer", None)


def make_root_signers(agency: str) -> tuple[SeedSigner, ...]:
    """Return an agency's three roots."""
    return tuple(
        load_root(derive_seed(agency, "root", n, "ed"), derive_seed(agency, "root", n, "ml")) for n in range(3)
    )


def agree(first: Node, second: Node, name: object = "agreement", **changes: Any) -> Terms:
    """Bring an agreement between two nodes into force; both stores hold every step with its leaf."""
    terms = make_terms_of(first, second, name, **changes)
    for signer, action in ((first, StepAction.PROPOSE), (second, StepAction.ACCEPT), (first, StepAction.CONFIRM)):
        take_step(signer, terms, action, first, second)
    return terms


def make_terms_of(first: Node, second: Node, name: object = "agreement", **changes: Any) -> Terms:
    """Return terms with both nodes' true anchors, in force from a day ago; `name` decides the id."""
    one, two = sorted((first, second), key=lambda node: node.agency)
    since = first.clock.now() - timedelta(days=1)
    fitting: dict[str, Any] = {
        "exchange": first.exchange,
        "id": make_id(name),
        "title": f"Memorandum {name}",
        "parties": tuple(Party(agency=node.agency, anchor=get_own_anchor(node)) for node in (one, two)),
        "clauses": (make_wide_clause(one.agency, two.agency), make_wide_clause(two.agency, one.agency)),
        "duty_desks": tuple(
            DutyDesk(agency=node.agency, name="Duty desk", phone="+441632960961") for node in (one, two)
        ),
        "signatories": (),
        "in_force_from": since,
        "in_force_until": since + timedelta(days=365),
        "review_by": since + timedelta(days=180),
    }
    return make_terms(one.agency, two.agency, **fitting | changes)


def make_wide_clause(sender: str, recipient: str, **changes: Any) -> Clause:
    """Return a clause that covers every kind, purpose and handling code up to AMBER, with what a test changes."""
    is_protecting = Purpose.VICTIM_PROTECTION in changes.get("purposes", Purpose)
    wide: dict[str, Any] = {
        "kinds": tuple(kind for kind in kind_names() if is_protecting or kind != SAFEGUARDING_KIND),
        "purposes": tuple(Purpose),
        "handling": tuple(HandlingCode),
        "special_categories": tuple(SpecialCategory),
        "receipts": (ReceiptType.HANDED_OVER, ReceiptType.VERIFIED, ReceiptType.OPENED),
    }
    return make_clause(sender, recipient, **wide | changes)


def take_step(signer: Node, terms: Terms, action: StepAction, *holders: Node, **changes: Any) -> Step:
    """Let a node sign its next step, hand it in, and let these nodes' stores hold it with its leaf."""
    with signer.store.read() as snapshot:
        end = load_chain_end(snapshot, terms.id, signer.agency)
    now = signer.clock.now()
    members: dict[str, Any] = {
        "v": 1,
        "exchange": signer.exchange,
        "agreement": terms.id,
        "digest": terms.digest(),
        "agency": signer.agency,
        "party_seq": end.party_seq + 1 if end else 1,
        "party_prev": end.digest if end else None,
        "action": action,
        "time": now,
        "terms": terms if action is StepAction.PROPOSE else None,
        "confirm_by": now + timedelta(days=7) if action is StepAction.ACCEPT else None,
    }
    step = Step(**members | changes)
    document = sign_document(step.canonical(), DocumentType.AGREEMENT_STEP, [signer.signer(KeyUse.AGREEMENT)])
    evidence = signer.connection.post(STEPS_PATH, document.canonical(), Evidence)
    leaf = accept_evidence(signer.observer, evidence, RecordType.AGREEMENT_STEP, {"agency": signer.agency})
    stored = StoredStep(
        digest=digest_step(step.canonical()),
        agreement=terms.id,
        party=signer.agency,
        party_seq=step.party_seq,
        action=action.value,
        terms_digest=step.digest,
        document=document.canonical(),
        leaf=leaf.canonical(),
        recorded_at=now,
        origin=signer.sheet.origin,
    )
    for holder in holders or (signer,):
        with holder.store.write() as transaction:
            record_step(transaction, stored)
    return step


def _make_sheet(node: Node, roots: tuple[SeedSigner, ...]) -> Any:
    from agency_client.own_keys.ceremony import RootsSheet

    return RootsSheet(v=1, agency=node.agency, roots=make_roots(roots, 2), made_at=node.clock.now())
