"""Meet the witnesses between rounds: show partners what this node has seen of the log, learn what they have.

A verb that must wait for the quorum does so here, for a bounded time: partners whose nodes are always on see a new leaf
within a round of theirs.
"""

from collections.abc import Callable
from typing import TypeVar

from agency_client.errors import ClientError, NotAuthenticatedError, OfflineError
from agency_client.local_store.contradictions import EquivocationError
from agency_client.node import Node
from agency_client.witness.collecting import collect_heads
from agency_client.witness.cosigning import cosign_newest
from agency_client.witness.standing import NotYetWitnessedError
from agency_client.witness.walker import walk_log

PAUSE_SECONDS = 2.0

Result = TypeVar("Result")
Pause = Callable[[float], object]


def meet_witnesses(node: Node) -> None:
    """Walk the log, cosign it, and take in what partners have cosigned, as far as it goes now.

    Raises:
        LogError, EquivocationError: the log does not prove itself.
    """
    try:
        walk_log(node)
        _try(lambda: cosign_newest(node))
        _try(lambda: collect_heads(node))
    except (OfflineError, NotAuthenticatedError):
        return


def wait_for_witnesses(
    node: Node, attempt: Callable[[], Result], *, seconds: float, pause: Pause, on_wait: Callable[[str], object]
) -> Result:
    """Return what `attempt` returns once the quorum has seen what it stands on, trying for so many seconds.

    `on_wait` is told, once, what is waited for.

    Raises:
        NotYetWitnessedError: the time is over.
        what else `attempt` raises.
    """
    waited = 0.0
    while True:
        try:
            return attempt()
        except NotYetWitnessedError as error:
            if waited >= seconds:
                raise
            if not waited:
                on_wait(error.sentence)
        step = min(PAUSE_SECONDS, seconds - waited)
        pause(step)
        waited += step
        meet_witnesses(node)


def _try(run: Callable[[], object]) -> None:
    try:
        run()
    except (EquivocationError, OfflineError, NotAuthenticatedError):
        raise
    except ClientError:
        return  # it is told by `agency sync`; here what is not witnessed says so itself
