"""Lies about the log: other histories under the same keys, heads without a tree, leaves that are not shown."""

from collections.abc import Mapping
from typing import Any

from keys.generation import generate_bytes, generate_seed
from keys.log_keys import LogSigner
from schemas.api import CHECKPOINT_PATH, CONSISTENCY_PATH, LEAVES_PATH, ConsistencyAnswer, RangeLeaf
from schemas.codec import b64u_encode
from schemas.log.records import RecordType
from schemas.log.tree import EMPTY_ROOT
from tests.hostile.calls import Call, Reply, make_reply
from tests.hostile.history import OtherHistory
from tests.hostile.manipulation import Manipulation
from tests.hostile.operator import HostileOperator


class AnotherHead(Manipulation):
    """What puts another signed head into every answer that has one."""

    async def change(self, operator: HostileOperator, call: Call, answer: Any) -> Any:
        """Replace the head, and nothing else."""
        if not hasattr(answer, "checkpoint"):
            return answer
        return answer.model_copy(update={"checkpoint": self.sign(operator)})

    def sign(self, operator: HostileOperator) -> str:
        """Return the head that is shown."""
        raise NotImplementedError


class ForkedLog(AnotherHead):
    name = "forked-log"
    sentence = "Sign another tree of the very size that was shown before."

    def sign(self, operator: HostileOperator) -> str:
        """Sign any root at the true size."""
        return operator.sign(operator.view.size, bytes(32))


class EmptyLog(AnotherHead):
    name = "empty-log"
    sentence = "Show a log without leaves."

    def sign(self, operator: HostileOperator) -> str:
        """Sign the empty tree."""
        return operator.sign(0, EMPTY_ROOT)


class TwoLogKeys(AnotherHead):
    name = "two-log-keys"
    sentence = "Sign the log for one member with other log keys than for all others."

    async def begin(self, operator: HostileOperator) -> None:
        """Make the second pair of keys."""
        self._signer = LogSigner(generate_seed(), generate_seed())

    def sign(self, operator: HostileOperator) -> str:
        """Sign the true head with the second pair."""
        view = operator.view
        return operator.sign(view.size, view.tree.root(view.size), signer=self._signer)


class HalfSignedHead(AnotherHead):
    name = "half-signed-head"
    sentence = "Leave the post-quantum signature off every head."

    def sign(self, operator: HostileOperator) -> str:
        """Drop the last line of the note."""
        return "".join(operator.view.note.splitlines(keepends=True)[:-1])


class AnotherEpoch(AnotherHead):
    name = "another-epoch"
    sentence = "Go on under a new origin that nobody has accepted."

    def sign(self, operator: HostileOperator) -> str:
        """Sign the true tree under the next epoch's name."""
        view = operator.view
        name, _, epoch = operator.origin.rpartition("/")
        return operator.sign(view.size, view.tree.root(view.size), origin=f"{name}/{int(epoch) + 1}")


class RewrittenHistory(Manipulation):
    name = "rewritten-history"
    sentence = "Replace an old private leaf, and prove everything anew under the tree that follows from it."

    async def begin(self, operator: HostileOperator) -> None:
        """Rewrite what was logged first of all that is private, and let the log grow by one."""
        self._history = OtherHistory(operator, self.choose(operator))
        await operator.append(RecordType.OPERATOR_ACTION, (), detail="the log grows by this leaf")

    def choose(self, operator: HostileOperator) -> Mapping[int, RangeLeaf]:
        """Return the leaves to replace, by their place."""
        rows = operator.select(
            "SELECT leaf_index FROM log_leaf WHERE leaf_class = 'private' ORDER BY leaf_index LIMIT 1"
        )
        return {rows[0].leaf_index: make_private_leaf()}

    async def change(self, operator: HostileOperator, call: Call, answer: Any) -> Any:
        """Prove the answer under the other history."""
        return self._history.prove(call, answer)


class ShrunkLog(Manipulation):
    name = "shrunk-log"
    sentence = "Forget the newest half of the log, and prove everything that is left."

    async def begin(self, operator: HostileOperator) -> None:
        """Choose where the log ends from now on."""
        self._size = operator.view.size // 2

    async def change(self, operator: HostileOperator, call: Call, answer: Any) -> Any:
        """Show the true tree as it stood long ago."""
        if not hasattr(answer, "checkpoint"):
            return answer
        note = operator.sign(self._size, operator.view.tree.root(self._size))
        return answer.model_copy(update={"checkpoint": note})


class HiddenLeaves(Manipulation):
    name = "hidden-leaves"
    sentence = "Sign a larger log and show other leaves than it has."
    on = (("GET", LEAVES_PATH),)

    async def change(self, operator: HostileOperator, call: Call, answer: Any) -> Any:
        """Put a made-up private leaf in the place of the last one."""
        return answer.model_copy(update={"leaves": (*answer.leaves[:-1], make_private_leaf())})


class FalseConsistency(AnotherHead):
    name = "false-consistency"
    sentence = "Sign a larger tree that does not exist, and prove by chance that it continues the true one."
    on = (("GET", CHECKPOINT_PATH),)

    async def take(self, operator: HostileOperator, call: Call) -> Reply | None:
        """Answer with a proof of nothing."""
        if call.path != CONSISTENCY_PATH:
            return None
        old_size, proof = int(call.query["from"]), (b64u_encode(bytes(32)),)
        answer = ConsistencyAnswer(old_size=old_size, proof=proof, checkpoint=self.sign(operator))
        return make_reply(200, answer.canonical())

    def sign(self, operator: HostileOperator) -> str:
        """Sign a tree of nothing."""
        return operator.sign(operator.view.size + 1000, bytes(32))


def make_private_leaf() -> RangeLeaf:
    """Return a leaf over nobody knows what."""
    return RangeLeaf(leaf_class="private", commitment=b64u_encode(generate_bytes(32)))
