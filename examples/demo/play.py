"""The play as a whole: the acts in order, then every process ended and every file removed, whatever happens."""

import shutil
import signal
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from types import FrameType

from examples.demo.acts.agreeing import negotiate_agreements
from examples.demo.acts.alerting import report_fake_passport, share_smuggler, verify_document
from examples.demo.acts.auditing import audit_everything, show_own_access_log
from examples.demo.acts.betraying import face_hostile_broker
from examples.demo.acts.correcting import correct_mistake
from examples.demo.acts.founding import found_exchange, hold_ceremonies
from examples.demo.acts.joining import enrol_members, pin_partners
from examples.demo.acts.refusing import refuse_uncovered
from examples.demo.acts.releasing import pass_on_by_consent
from examples.demo.acts.showing import show_specimens
from examples.demo.acts.suspending import resume_agreement, suspend_agreement
from examples.demo.cast import Cast, assemble_cast
from examples.demo.closing import show_farewell, show_figures, show_interruption, show_unmet
from examples.demo.running import StartFailedError
from examples.demo.stage import Stage, UnmetError

INTERRUPTED = 130

ACTS: tuple[Callable[[Cast], None], ...] = (
    found_exchange,
    hold_ceremonies,
    enrol_members,
    pin_partners,
    negotiate_agreements,
    show_specimens,
    report_fake_passport,
    share_smuggler,
    verify_document,
    refuse_uncovered,
    suspend_agreement,
    resume_agreement,
    pass_on_by_consent,
    correct_mistake,
    audit_everything,
    show_own_access_log,
    face_hostile_broker,
)


def run_play(stage: Stage, *, keep: bool, acts: Sequence[Callable[[Cast], None]] = ACTS) -> int:
    """Play these acts and return the exit code: 0 only if every expectation held."""
    began = time.monotonic()
    stage.show_title(
        "Bilateral: one alert, end to end",
        "Every command below is run as it stands, by real processes, over TLS on this machine. People, documents and "
        "numbers are published specimens. A ✓ is an expectation that was just compared with what came.",
    )
    folder = Path(tempfile.mkdtemp(prefix="bilateral-demo-"))
    cast = assemble_cast(folder, stage, keeps_running=keep)
    exit_code = 1
    try:
        exit_code = _perform(cast, acts)
    finally:
        if exit_code == 0:
            show_figures(cast, time.monotonic() - began)
        _leave(cast, exit_code)
    return exit_code


def _perform(cast: Cast, acts: Sequence[Callable[[Cast], None]]) -> int:
    try:
        # TERM and HUP end the play like Ctrl-C, so that every process is ended too.
        with _handling(_interrupt, signal.SIGTERM, signal.SIGHUP):
            for act in acts:
                act(cast)
    except UnmetError as error:
        show_unmet(cast, error)
        return 1
    except StartFailedError as error:
        show_unmet(cast, UnmetError("every process starts", wanted="a start", came=error))
        return 1
    except Exception as error:
        show_unmet(cast, UnmetError("the play itself is free of mistakes", wanted="no exception", came=repr(error)))
        raise
    except KeyboardInterrupt:
        show_interruption(cast)
        return INTERRUPTED
    return 0


def _leave(cast: Cast, exit_code: int) -> None:
    """Leave it running where that was asked for; else end every process, and keep the folder only after a failure."""
    if exit_code == 0 and cast.keeps_running:
        show_farewell(cast)
        return
    with _handling(signal.SIG_IGN, signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        end_processes(cast)
    if exit_code in (0, INTERRUPTED):
        shutil.rmtree(cast.folder)


def end_processes(cast: Cast) -> None:
    """End the broker and lock every profile."""
    if cast.broker is not None:
        cast.broker.stop()
    for member in cast.members:
        if (cast.home / member.profile).is_dir():
            cast.runner.run([*member.program, "lock"], member.environment)


def _interrupt(number: int, frame: FrameType | None) -> None:
    raise KeyboardInterrupt


@contextmanager
def _handling(handler: "signal._HANDLER", *numbers: signal.Signals) -> Iterator[None]:
    before = {number: signal.signal(number, handler) for number in numbers}
    try:
        yield
    finally:
        for number, earlier in before.items():
            signal.signal(number, earlier)
