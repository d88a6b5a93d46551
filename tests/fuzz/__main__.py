"""Run schemathesis against a real broker over real mTLS, once for each role; `--seconds` is how long in all.

Ends with 1 if any answer was the broker's own failure or none that its document describes, or if its log tells of one.
"""

import argparse
import os
import ssl
import subprocess
import sys
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from tempfile import TemporaryDirectory

from keys.certificates import export_certificate_pem, export_tls_key
from schemas.api import EVENTS_PATH, MESSAGES_PATH, OPENAPI_PATH, PROTOCOL_VERSION, VERSION_HEADER
from schemas.codec import b64u_decode
from schemas.key_documents import AgencyClass
from schemas.log.records import Role
from tests.fuzz import TOKEN_FILE
from tests.support.caller import NOW, Caller, issue_certificate
from tests.support.delivery import Correspondence
from tests.support.exchange import RunningExchange, make_live_member, running_exchange
from tests.support.members import derive_seed

HERE = Path(__file__).parent
ROOT = HERE.parent.parent
TOOL = ROOT / "build" / "fuzz"
TOKEN_SECONDS = 60
GB, VN, OVERSEER, OPERATOR = "GB-HO", "VN-IMM", "OVERSEER", "OPERATOR"


def main() -> int:
    """Serve an exchange with something in it, ask in every role, and say what was found."""
    parser = argparse.ArgumentParser(prog="make fuzz", description=__doc__)
    parser.add_argument("--seconds", type=int, default=120, help="how long in all (default: 120)")
    parser.add_argument("--seed", type=int, help="repeat a run")
    wanted = parser.parse_args()
    with (
        TemporaryDirectory(prefix="bilateral-fuzz-") as folder,
        running_exchange(Path(folder), GB, VN, oversight=OVERSEER) as exchange,
    ):
        fill(exchange)
        callers = list_callers(exchange)
        failed = [
            str(caller.role)
            for caller in callers
            if not ask_as(exchange, caller, Path(folder), wanted.seconds // len(callers), wanted.seed)
        ]
        if '"level":"error"' in exchange.errors:
            print(exchange.errors)
            failed.append("the broker's log")
    print(f"failed: {', '.join(failed)}" if failed else "every answer is one that the document describes")
    return bool(failed)


def fill(exchange: RunningExchange) -> None:
    """Let there be an agreement and messages, so that questions have answers, and a member that runs the exchange."""
    exchange.join(make_live_member(OPERATOR, AgencyClass.OPERATOR))
    terms = exchange.agree(GB, VN).terms
    messages = Correspondence(exchange.members[GB], exchange.members[VN], terms.digest())
    for number in range(5):
        exchange.caller(GB).submit(MESSAGES_PATH, messages.seal(f"message {number}").envelope)


def list_callers(exchange: RunningExchange) -> list[Caller]:
    """Return one caller in each role there is."""
    return [
        exchange.caller(GB, Role.NODE),
        exchange.caller(GB, Role.AUDITOR),
        exchange.caller(OVERSEER, Role.OVERSIGHT),
        exchange.caller(OPERATOR, Role.OPERATOR),
    ]


def ask_as(exchange: RunningExchange, caller: Caller, folder: Path, seconds: int, seed: int | None) -> bool:
    """Run schemathesis in one role; tell whether it found nothing."""
    print(f"== {caller.role} of {caller.agency}, {seconds} s", flush=True)
    document, token = folder / "openapi.json", folder / f"{caller.role}.token"
    document.write_bytes(caller.http.get(OPENAPI_PATH).content)
    authority, certificate = write_certificates(caller, folder)
    arguments = [
        f"--config-file={HERE / 'schemathesis.toml'}", "run", str(document), f"--url={exchange.url}", "--no-color",
        f"--tls-verify={authority}", f"--request-cert={certificate}", "--phases=coverage,fuzzing", "--mode=all",
        f"--header={VERSION_HEADER}: {PROTOCOL_VERSION}", f"--max-time={max(seconds, 1)}", "--continue-on-failure",
        f"--exclude-path={EVENTS_PATH}",  # a stream is answered for minutes, not within the ten seconds of all others
        "--warnings=off", *([f"--seed={seed}"] if seed is not None else []),
    ]  # fmt: skip
    environment = {
        "PYTHONPATH": os.pathsep.join((str(TOOL), str(ROOT))),
        "SCHEMATHESIS_HOOKS": str(HERE / "hooks.py"),
        TOKEN_FILE: str(token),
    }
    with fresh_token(caller, token):
        return run_tool(arguments, environment)


def run_tool(arguments: Sequence[str], environment: dict[str, str]) -> bool:
    """Run schemathesis as a process of its own, in a folder of its own."""
    with TemporaryDirectory() as folder:
        command = [sys.executable, "-m", "schemathesis.cli", *arguments]
        return subprocess.run(command, cwd=folder, env=os.environ | environment, check=False).returncode == 0


@contextmanager
def fresh_token(caller: Caller, place: Path) -> Iterator[None]:
    """Keep a living token of the caller in a file."""
    is_over = threading.Event()

    def renew() -> None:
        while not is_over.wait(TOKEN_SECONDS):
            write()

    def write() -> None:
        caller.token = None
        part = place.with_suffix(".part")
        part.write_text(caller.token)
        part.replace(place)

    write()
    renewing = threading.Thread(target=renew)
    renewing.start()
    try:
        yield
    finally:
        is_over.set()
        renewing.join()


def write_certificates(caller: Caller, folder: Path) -> tuple[Path, Path]:
    """Write the CA to trust and the certificate to show, as PEM; return where."""
    authority, shown = folder / "authority.pem", folder / f"{caller.role}.pem"
    authority.write_text(ssl.DER_cert_to_PEM_cert(b64u_decode(caller.sheet.tls_ca)))
    key = derive_seed(caller.agency, caller.node, "tls")
    span = NOW - timedelta(minutes=5), NOW + timedelta(days=1)
    certificate = issue_certificate(caller.member.tls_ca_seed, key, caller.node, *span)
    shown.touch(0o600)
    shown.write_bytes(export_certificate_pem(certificate) + export_tls_key(key))
    return authority, shown


if __name__ == "__main__":
    sys.exit(main())
