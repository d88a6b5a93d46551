"""The play from the first curtain to the last: the acts in order, processes ended and files removed whatever happens."""

import shutil
import signal
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from types import FrameType

from examples.demo.acts.agreeing import negotiate_agreements
from examples.demo.acts.alerting import report_fake_passport, share_smuggler, verify_document
from examples.demo.acts.correcting import correct_mistake
from examples.demo.acts.founding import found_exchange, hold_ceremonies
from examples.demo.acts.joining import enrol_members, pin_partners
from examples.demo.acts.refusing import refuse_uncovered
from examples.demo.acts.showing import show_specimens
from examples.demo.acts.suspending import suspend_and_resume
from examples.demo.cast import Cast, assemble_cast
from examples.demo.closing import show_farewell, show_figures, show_interruption, show_unmet
from examples.demo.running import StartFailedError
from examples.demo.stage import Stage, UnmetError

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
    suspend_and_resume,
    correct_mistake,
)


def run_play(stage: Stage, *, keep: bool) -> int:
    """Play everything and return the exit code: 0 only if every expectation held."""
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
        exit_code = _perform(cast)
        if exit_code == 0:
            show_figures(cast, time.monotonic() - began)
    finally:
        _leave(cast, played_well=exit_code == 0)
    return exit_code


def _perform(cast: Cast) -> int:
    try:
        with _interruptible():
            for act in ACTS:
                act(cast)
    except UnmetError as error:
        show_unmet(cast, error)
        return 1
    except StartFailedError as error:
        show_unmet(cast, UnmetError("every process starts", wanted="a start", came=error))
        return 1
    except KeyboardInterrupt:
        show_interruption(cast)
        return 130
    return 0


def _leave(cast: Cast, *, played_well: bool) -> None:
    """Leave it running where that was asked for; else end every process, and keep the folder only after a failure."""
    if played_well and cast.keeps_running:
        show_farewell(cast)
        return
    end_processes(cast)
    if played_well:
        shutil.rmtree(cast.folder)


def end_processes(cast: Cast) -> None:
    """End the broker and lock every profile."""
    if cast.broker is not None:
        cast.broker.stop()
    for member in cast.members:
        if (cast.home / member.profile).is_dir():
            cast.runner.run([*member.program, "lock"], member.environment)


@contextmanager
def _interruptible() -> Iterator[None]:
    """Let TERM and HUP end the play like Ctrl-C, so that processes are ended too."""

    def interrupt(number: int, frame: FrameType | None) -> None:
        raise KeyboardInterrupt

    before = {number: signal.signal(number, interrupt) for number in (signal.SIGTERM, signal.SIGHUP)}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
