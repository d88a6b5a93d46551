"""Lies about witnesses: cosignatures made up in their names, or kept back; and the split view they would find."""

from typing import Any

from keys.algorithms import SigningKey
from keys.cosignatures import cosign_checkpoint
from keys.generation import generate_seed
from schemas.api import COSIGNATURES_PATH, CosignatureAnswer, CosignedNote, CosignedNotes
from schemas.jwk import Algorithm
from schemas.log.cosignature import attach_cosignature, format_witness_name
from schemas.log.records import RecordType
from tests.hostile.calls import Call, Reply, make_reply
from tests.hostile.families.histories import make_private_leaf
from tests.hostile.history import OtherHistory
from tests.hostile.manipulation import Manipulation
from tests.hostile.operator import HostileOperator

_SHOW = ("GET", COSIGNATURES_PATH)
_TAKE = ("POST", COSIGNATURES_PATH)


class ShamWitnesses(Manipulation):
    name = "sham-witnesses"
    sentence = "Show the newest head as cosigned by every partner that is asked about, by keys made up here."
    on = (_SHOW,)

    async def change(self, operator: HostileOperator, call: Call, answer: CosignedNotes) -> CosignedNotes:
        """Cosign in their names."""
        notes = tuple(make_sham(operator, agency) for agency in sorted(call.query["agencies"].split(",")))
        return CosignedNotes(notes=notes, checkpoint=operator.view.note)


class HiddenCosignatures(Manipulation):
    name = "hidden-cosignatures"
    sentence = "Show nobody what anybody has cosigned."
    on = (_SHOW,)

    async def change(self, operator: HostileOperator, call: Call, answer: CosignedNotes) -> CosignedNotes:
        """Leave all of them out."""
        return answer.model_copy(update={"notes": ()})


class SplitView(Manipulation):
    name = "split-view"
    sentence = "From now on show one member a log of its own, whose proofs all hold, and no other member's cosignature."

    async def begin(self, operator: HostileOperator) -> None:
        """Part the two histories at the next leaf."""
        self._history = OtherHistory(operator, {operator.view.size: make_private_leaf()})
        await operator.append(RecordType.OPERATOR_ACTION, (), detail="here the histories part")

    async def take(self, operator: HostileOperator, call: Call) -> Reply | None:
        """Take the member's own cosignature, which the true log would refuse."""
        if call.address != _TAKE:
            return None
        return make_reply(200, CosignatureAnswer(checkpoint=self._history.sign()).canonical())

    async def change(self, operator: HostileOperator, call: Call, answer: Any) -> Any:
        """Prove everything under the other history."""
        shown = self.choose_shown(answer) if isinstance(answer, CosignedNotes) else answer
        return self._history.prove(call, shown)

    def choose_shown(self, answer: CosignedNotes) -> CosignedNotes:
        """Return which cosignatures the member may see."""
        return answer.model_copy(update={"notes": ()})


class CarelessSplitView(SplitView):
    name = "careless-split-view"
    sentence = "The same, and let the member see what its partners cosigned."

    def choose_shown(self, answer: CosignedNotes) -> CosignedNotes:
        """Show all of them."""
        return answer


def make_sham(operator: HostileOperator, agency: str) -> CosignedNote:
    """Return the true newest head, cosigned in an agency's name by a key it never had."""
    key = SigningKey(Algorithm.ML_DSA_44, generate_seed())
    name = format_witness_name(operator.broker.exchange.name, agency)
    line = cosign_checkpoint(operator.view.checkpoint, name, key, operator.clock.now())
    note = attach_cosignature(operator.view.note.encode(), line)
    return CosignedNote(agency=agency, note=note.decode())
