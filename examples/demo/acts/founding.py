"""The exchange is founded and serves; everybody makes roots, keys and a node of their own."""

import re
from collections.abc import Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass

from examples.demo.cast import EXCHANGE, Cast, Member
from examples.demo.running import start_broker

DATA = "exchange"
_SHEET = f"{DATA}/exchange.json"
_ROOTS = 3
_NUMBERED_ROW = re.compile(r"^ *(?:\d{1,2} [a-z]{3,8} *){6}$", re.MULTILINE)
_ROW = re.compile(r"\b(?:[a-z]{3,8} ){23}[a-z]{3,8}\b")
_WORD = re.compile(r"[a-z]+")


@dataclass(frozen=True, slots=True)
class Step:
    """One command of a member's way in; `typed` is not shown, `keep` says which lines of the answer matter."""

    words: tuple[str, ...]
    typed: tuple[str, ...] = ()
    keep: tuple[str, ...] | None = None


def found_exchange(cast: Cast) -> None:
    """Let the operator make the exchange and serve it on a port of the kernel's choice."""
    stage, operator = cast.stage, cast.operator
    with stage.act(
        "An exchange is founded",
        "The operator makes an exchange: its keys, an empty log, and one sheet to hand out. The 24 words go on paper; "
        "whoever joins compares the sheet with them.",
    ):
        secret = ("--passphrase-file", cast.passphrase_file)
        made = operator.play("init", "--data", DATA, "--name", EXCHANGE, "--host", "127.0.0.1", typed=secret)
        cast.paper["exchange"] = find_words(made.output)
        stage.say("It serves over HTTPS, TLS 1.3, and lets in only who shows a certificate of an enrolled member.")
        words = ("broker", "serve", "--data", DATA, "--port", "0")
        stage.show_command(operator.place, operator.style, words)
        log = cast.folder / "logs" / "broker.log"
        cast.broker = start_broker([*words, *secret], cast.folder, cast.folder / DATA, log)
        cast.broker.wait_until_serving()
        stage.expect(f"the broker serves at {cast.broker.url}", came=cast.broker.url.startswith("https://127.0.0.1:"))


def hold_ceremonies(cast: Cast) -> None:
    """Let every member make its roots and its node: London is watched, the others do the same meanwhile."""
    with cast.stage.act(
        "Four root ceremonies",
        "Every agency draws three root keys on a machine that is not connected, each sealed for its own holder. Two of "
        "the three must sign whatever the agency's keys are to be. Nobody else can ever make keys in its name.",
        "London is shown; Hanoi, Brussels and the oversight board do the same at this moment. What a person types in "
        "when asked, passphrases and words from paper, is not shown.",
    ):
        with ThreadPoolExecutor(max_workers=2) as pool, cast.runner.stopping_on_failure():
            others = [(member, pool.submit(_follow, cast, member)) for member in cast.members[1:]]
            for step in _list_steps(cast, cast.gb):
                cast.gb.play(*step.words, typed=step.typed, keep=step.keep)
            _await(cast, others)
        for member in cast.members:
            paper = cast.folder / member.folder / "roots" / f"{member.agency}-anchor.txt"
            cast.paper[member.agency] = find_words(paper.read_text())
        counts = [len(cast.paper[member.agency].split()) for member in cast.members]
        cast.stage.expect("each has its anchor on paper, as 24 words", came=counts, wanted=[24, 24, 24, 24])


def find_words(text: str) -> str:
    """Return the 24 words of an anchor as they stand on a page, numbered or in a row."""
    numbered = [word for row in _NUMBERED_ROW.findall(text) for word in _WORD.findall(row)]
    if len(numbered) == 24:
        return " ".join(numbered)
    row = _ROW.search(text)
    return row.group() if row else ""


def _await(cast: Cast, others: Sequence[tuple[Member, "Future[None]"]]) -> None:
    for member, way_in in others:
        way_in.result()
        cast.stage.expect(f"{member.place}: roots, a node and a key set signed by two of three roots", came=True)


def _follow(cast: Cast, member: Member) -> None:
    for step in _list_steps(cast, member):
        if cast.runner.is_stopping:
            return
        member.do(*step.words, *step.typed)
        cast.stage.count_command()


def _list_steps(cast: Cast, member: Member) -> list[Step]:
    return [*_list_ceremony(cast, member), *_list_node(cast, member), *_list_signing(cast, member)]


def _list_ceremony(cast: Cast, member: Member) -> list[Step]:
    words = ("ceremony", "roots", "--agency", member.agency, "--out", member.file("roots"))
    return [Step(words, _type_passphrases(cast, _ROOTS), keep=("roots ", "files", "1 ", "7 ", "13 ", "19 "))]


def _list_node(cast: Cast, member: Member) -> list[Step]:
    if cast.broker is None:
        raise RuntimeError("the exchange serves before anybody joins")
    typed = ("--exchange-anchor", cast.paper["exchange"], "--passphrase-file", cast.passphrase_file)
    init = ("init", "--agency", member.agency, "--exchange", _SHEET, "--url", cast.broker.url)
    hours = "8" if cast.keeps_running else "0.25"
    return [
        Step(init, typed, keep=("agency", "exchange", "broker")),
        Step(("unlock", "--hours", hours), ("--passphrase-file", cast.passphrase_file)),
    ]


def _list_signing(cast: Cast, member: Member) -> list[Step]:
    roots, asked, signed = member.file("roots"), member.file("key-set-request.json"), member.file("key-set.json")
    identity = ["--name", member.name, *(["--state", member.state] if member.state else ["--class", "oversight"])]
    first, third = f"{roots}/{member.agency}-root-1.key", f"{roots}/{member.agency}-root-3.key"
    return [
        Step(
            ("keys", "request", "--roots", f"{roots}/{member.agency}-roots.json", *identity, "--out", asked),
            keep=("agency", "class", "valid"),
        ),
        Step(
            ("ceremony", "sign", asked, "--root", first, "--root", third, "--out", signed),
            _type_passphrases(cast, 2),
            keep=("signed by",),
        ),
        Step(("keys", "install", signed, "--out", member.file("enrolment.json")), keep=("enrolment", "Next")),
    ]


def _type_passphrases(cast: Cast, count: int) -> tuple[str, ...]:
    return ("--root-passphrase-file", cast.passphrase_file) * count
