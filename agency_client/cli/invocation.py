"""What every verb is given: the global options of one invocation, and the profile they lead to.

A verb takes `context: typer.Context` and calls `get_invocation(context)`.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

import typer

from agency_client.clock import Clock, SystemClock
from agency_client.languages.words import ENGLISH, Words
from agency_client.terminal.output import Form, Output

if TYPE_CHECKING:
    from agency_client.profiles.profile import Profile
    from agency_client.profiles.session import OpenProfile


@dataclass(slots=True)
class Invocation:
    """One run of `agency`.

    `profile_name` and `passphrase_file` are what the options said, None where they said nothing. `words` are those of
    alerts; what the program itself says stays English.
    """

    environment: Mapping[str, str]
    output: Output = field(default_factory=lambda: Output(Form.PLAIN))
    clock: Clock = field(default_factory=SystemClock)
    profile_name: str | None = None
    passphrase_file: Path | None = None
    words: Words = ENGLISH

    @property
    def home(self) -> Path:
        """Return the folder of all profiles."""
        from agency_client.profiles.profile import find_home

        return find_home(self.environment)

    def choose_name(self) -> str:
        """Return the name of the profile to use, whether it exists or not."""
        from agency_client.profiles.profile import choose_profile_name

        return choose_profile_name(self.environment, self.profile_name)

    def load_profile(self) -> "Profile":
        """Return the profile to use, locked or not.

        Raises:
            NotFoundError, NotPrivateError, UsageError: as `agency_client.profiles.profile.load_profile`.
        """
        from agency_client.profiles.profile import load_profile

        return load_profile(self.home, self.choose_name())

    def open_profile(self) -> "OpenProfile":
        """Return the profile unlocked, its store open. Use it in a `with`.

        Raises:
            LockedError, NotAuthenticatedError: it is locked, or the passphrase is wrong.
        """
        from agency_client.profiles.session import open_profile

        return open_profile(self.load_profile(), environment=self.environment, passphrase_file=self.passphrase_file)

    def read_passphrase(self, question: str = "Passphrase") -> str:
        """Return the passphrase from the file that was named, else from a person.

        Raises:
            UsageError: no file was named and nobody sits there.
        """
        from agency_client.profiles.passphrases import read_passphrase_file
        from agency_client.profiles.session import find_passphrase_file

        file = find_passphrase_file(self.environment, self.passphrase_file)
        if file is not None:
            return read_passphrase_file(file)
        return self.output.ask_secret(question, instead="name a private file: --passphrase-file FILE")


def get_invocation(context: typer.Context) -> Invocation:
    """Return the invocation a verb belongs to."""
    found = context.find_object(Invocation)
    if found is None:
        raise RuntimeError("a verb runs inside `agency_client.cli.app.run`")
    return found
