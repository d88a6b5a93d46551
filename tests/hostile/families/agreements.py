"""Lies about agreements: steps hidden, kept out of the log, made up, altered, turned around."""

from keys.signing import sign_document
from schemas.agreements.steps import Step, StepAction, digest_step
from schemas.api import STEPS_PATH, LoggedStep, StepsAnswer
from schemas.codec import b64u_encode
from schemas.log.records import RecordType
from schemas.markings import Tlp
from schemas.signed import DocumentType, KeyUse, SignedDocument
from tests.hostile.calls import Call, Reply
from tests.hostile.families.answers import refuse
from tests.hostile.families.keys import make_signer_of_nobody
from tests.hostile.history import History
from tests.hostile.manipulation import Manipulation
from tests.hostile.operator import HostileOperator

NARROWING = frozenset({StepAction.SUSPEND, StepAction.REVOKE, StepAction.WITHDRAW, StepAction.REJECT})


class LieAboutSteps(Manipulation):
    """What changes the steps that a member is shown."""

    on = (("GET", STEPS_PATH),)


class HiddenNarrowing(LieAboutSteps):
    name = "hidden-suspension"
    sentence = "Show no step of a partner that suspends, revokes or withdraws."

    async def change(self, operator: HostileOperator, call: Call, answer: StepsAnswer) -> StepsAnswer:
        """Leave them out."""
        shown = tuple(
            item for item in answer.steps if (step := read_step(item)).agency == call.agency or not is_narrowing(step)
        )
        return answer.model_copy(update={"steps": shown})


class KeptBackNarrowing(Manipulation):
    name = "kept-back-suspension"
    sentence = "Take no step that suspends, revokes or withdraws: ask to come back later, for ever."

    async def take(self, operator: HostileOperator, call: Call) -> Reply | None:
        """Be busy for these."""
        if call.address != ("POST", STEPS_PATH):
            return None
        step = Step.from_canonical(SignedDocument.from_canonical(call.body).payload_bytes)
        return refuse("busy", "The exchange is busy.") if is_narrowing(step) else None


class ForgedResumption(LieAboutSteps):
    name = "forged-resumption"
    sentence = "Log a resumption after every suspension of a partner, signed by keys made up here."

    async def change(self, operator: HostileOperator, call: Call, answer: StepsAnswer) -> StepsAnswer:
        """Add the resumption, under a leaf in the true log."""
        forged = [
            await forge_step(operator, step, call.agency)
            for item in answer.steps
            if (step := read_step(item)).action is StepAction.SUSPEND and step.agency != call.agency
        ]
        return History(operator).prove(call, answer.model_copy(update={"steps": (*answer.steps, *forged)}))


class WidenedTerms(LieAboutSteps):
    name = "widened-terms"
    sentence = "Allow RED in the terms that a partner proposes, and log that it proposed so."

    async def change(self, operator: HostileOperator, call: Call, answer: StepsAnswer) -> StepsAnswer:
        """Widen the terms under the signature as it is."""
        steps = [await _widen(operator, item, call.agency) for item in answer.steps]
        return History(operator).prove(call, answer.model_copy(update={"steps": tuple(steps)}))


class ReorderedSteps(LieAboutSteps):
    name = "reordered-steps"
    sentence = "Show the newest step first."

    async def change(self, operator: HostileOperator, call: Call, answer: StepsAnswer) -> StepsAnswer:
        """Turn them around."""
        return answer.model_copy(update={"steps": answer.steps[::-1]})


def read_step(logged: LoggedStep) -> Step:
    """Return a step; nothing is verified."""
    return Step.from_canonical(logged.document.payload_bytes)


def is_narrowing(step: Step) -> bool:
    """Return whether a step takes something back."""
    return step.action in NARROWING


async def forge_step(operator: HostileOperator, suspension: Step, reader: str) -> LoggedStep:
    """Return the resumption that follows a suspension, in its signer's name, signed by nobody it knows."""
    following = {
        "party_seq": suspension.party_seq + 1,
        "party_prev": digest_step(suspension.canonical()),
        "action": StepAction.RESUME,
        "time": operator.clock.now().replace(microsecond=0),
    }
    step = suspension.model_copy(update=following)
    signer = make_signer_of_nobody(KeyUse.AGREEMENT)
    return await log_step(
        operator, step, sign_document(step.canonical(), DocumentType.AGREEMENT_STEP, [signer]), reader
    )


async def log_step(operator: HostileOperator, step: Step, document: SignedDocument, reader: str) -> LoggedStep:
    """Write a step into the true log, whatever it is; the proof is made when the answer is proved anew."""
    leaf = await operator.append(
        RecordType.AGREEMENT_STEP,
        (step.agency, reader),
        agency=step.agency,
        partner=reader,
        agreement=step.agreement,
        digest=digest_step(document.payload_bytes),
        step=step.action.value,
    )
    return LoggedStep(document=document, leaf=leaf, proof=())


async def _widen(operator: HostileOperator, item: LoggedStep, reader: str) -> LoggedStep:
    step = read_step(item)
    if step.terms is None or step.agency == reader:
        return item
    clauses = tuple(clause.model_copy(update={"highest_marking": Tlp.RED}) for clause in step.terms.clauses)
    terms = step.terms.model_copy(update={"clauses": clauses})
    wider = step.model_copy(update={"terms": terms, "digest": terms.digest()})
    document = item.document.model_copy(update={"payload": b64u_encode(wider.canonical())})
    return await log_step(operator, wider, document, reader)
