"""The last act: the operator turns against its members. Its broker lies in four ways, and each lie is refused in words.

The hostile broker is the one that the attack tests use (`tests/hostile`): the real one, with its true keys and its true
store, and a switch for every lie. Nothing of it is imported here; it runs as a program, as `broker serve` does.
"""

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from examples.demo.acts.founding import DATA
from examples.demo.cases import make_recruiter, make_smuggler, write_alert
from examples.demo.cast import Cast, Desk
from examples.demo.following import find_sent, let_witness, list_missing_facts
from examples.demo.running import start_broker

_CHECKOUT = {"PYTHONPATH": str(Path(__file__).resolve().parents[3])}
_HOSTILE = ("python", "-m", "tests.hostile")
_ALARMED = 6
_WHY = ("--necessity", "The facilitator is expected in Hanoi tonight.", "--reason", "case 74/08")
_TRAFFICKING = ("--to", "VN", "--purpose", "human-trafficking", *_WHY)


def face_hostile_broker(cast: Cast) -> None:
    """Put a hostile broker in the place of the true one, let it lie in four ways, and bring the true one back."""
    with cast.stage.act(
        "The broker is the enemy",
        "The operator turns. In the place of its broker it starts another, with the same keys and the same store, "
        "which signs whatever it likes. It can delay and refuse; what else it tries, its members refuse in words.",
    ):
        _serve(cast, _HOSTILE, "hostile.log")
        _alter_ciphertext(cast)
        _swap_key(cast)
        _hide_suspension(cast)
        _forge_history(cast)
        _go_on(cast)


def _alter_ciphertext(cast: Cast) -> None:
    stage, gb, vn = cast.stage, cast.gb, cast.vn
    stage.say("First it changes one bit of an alert on its way to Hanoi.")
    _turn(cast, "altered-ciphertext")
    file = gb.write_file("altered.json", write_alert(make_smuggler()))
    message = find_sent(gb.play("send", file, "--to", "VN", *_WHY, keep=("VN ",)))["VN"]
    vn.play("sync", keep=("inbox",))
    aside = vn.play("inbox", "--unverifiable", keep=("GB ", "signed"))
    stage.expect("Hanoi sets it aside, and says why", came="it is not the one that was" in aside.plain)
    vn.play("read", message, "--reason", "what does it say", ends_with=3, keep=("error:",))
    gb.do("sync")
    missing = list_missing_facts(gb, message, "VN", ("unverifiable",))
    stage.expect("Hanoi's signed receipt tells London so", came=missing, wanted=[])


def _swap_key(cast: Cast) -> None:
    stage, gb, vn = cast.stage, cast.gb, cast.vn
    stage.say("Next it logs a newer encryption key in Hanoi's name: its own, to read what London seals.")
    _turn(cast, "swapped-key-in-log=VN")
    alarmed = gb.play("sync", ends_with=_ALARMED, keep=("record of VN",))
    stage.expect("London does not believe it: Hanoi never signed it", came="ALARM key-set-refused" in alarmed.plain)
    gb.play("ping", "VN", keep=("VN ",))
    others = (vn, cast.be, cast.oversight)
    with ThreadPoolExecutor(max_workers=2) as pool:
        alarms = list(pool.map(lambda member: member.ask("sync", ends_with=_ALARMED), others))
    stage.expect("everybody else who reads the log is alarmed too", came=len(alarms), wanted=3)
    opened = vn.ask("inbox", "--kind", "ping", "--unread")
    stage.expect("London seals for Hanoi's own key as before, and Hanoi opens it", came=len(opened), wanted=1)


def _hide_suspension(cast: Cast) -> None:
    stage, gb, vn = cast.stage, cast.gb, cast.vn
    stage.say("Hanoi suspends the agreement on trafficking. The broker keeps that from London.")
    _turn(cast, "hidden-suspension=GB")
    reason = "a complaint is looked into"
    vn.play("agreement", "suspend", cast.agreements["trafficking"][:8], "--reason", reason, keep=("state", "because"))
    vn.do("sync")
    alarmed = gb.play("sync", ends_with=_ALARMED, keep=("ALARM",))
    stage.expect("Hanoi's signed status tells London of it", came="step-hidden" in alarmed.plain)
    news = make_recruiter() | {"subject": "The recruiter of nail bars uses a second account"}
    file = gb.write_file("recruiter-again.json", write_alert(news))
    refused = gb.play("send", file, *_TRAFFICKING, ends_with=5, keep=("error:",))
    stage.expect("nothing goes out under it meanwhile", came="that the exchange has not shown" in refused.plain)


def _forge_history(cast: Cast) -> None:
    stage, auditor = cast.stage, cast.oversight
    stage.say("To the auditor it shows a log in which an old record was never written, with proofs that all hold.")
    _turn(cast, "rewritten-history=OVERSEER")
    refused = auditor.play("sync", ends_with=_ALARMED, keep=("log:",))
    stage.expect("the auditor's own copy of the signed head tells", came="that begin with others" in refused.plain)
    auditor.play("trust", "contradictions", ends_with=_ALARMED, keep=("proof",))
    evidence = auditor.file("evidence.json")
    auditor.play("trust", "evidence", "1", "--out", evidence, keep=("proves",))
    checked = cast.gb.play("audit", "evidence", evidence, keep=("holds",))
    stage.expect("anybody can check the proof, offline", came="this holds against" in checked.plain)


def _go_on(cast: Cast) -> None:
    stage, gb, vn = cast.stage, cast.gb, cast.vn
    stage.say("The true broker is put back. London and Hanoi go on where they were.")
    _serve(cast, ("broker",), "broker-again.log")
    let_witness(*cast.partners_of(vn))
    vn.play_by_two("agreement", "resume", cast.agreements["trafficking"][:8], keep=("state", "because"))
    gb.do("sync")
    sent = find_sent(gb.play("send", gb.file("recruiter-again.json"), *_TRAFFICKING, keep=("VN ",)))
    vn.do("sync")
    came = [item["id"][:8] for item in vn.ask("inbox", "--from", "GB", "--unread", "--kind", "facilitator")]
    stage.expect("what was refused is sent, and comes", came=sent["VN"] in came)


def _serve(cast: Cast, program: tuple[str, ...], log: str) -> None:
    """End the broker that serves, and let a program serve the exchange at the same address, in view."""
    if cast.broker is None:
        raise RuntimeError("the exchange serves before its operator turns")
    port = cast.broker.url.rpartition(":")[2]
    cast.broker.stop()
    words = (*program, "serve", "--data", DATA, "--port", port)
    cast.stage.show_command(cast.operator.place, cast.operator.style, words)
    typed = ("--passphrase-file", cast.passphrase_file)
    logs = cast.folder / "logs" / log
    cast.broker = start_broker([*words, *typed], cast.folder, cast.folder / DATA, logs, _CHECKOUT)
    cast.broker.wait_until_serving()


def _turn(cast: Cast, switch: str) -> None:
    """Turn every other switch off and this one on, in view."""
    operator = cast.operator
    desk = Desk(operator.place, operator.style, _HOSTILE, _CHECKOUT, cast.stage, cast.runner)
    desk.play("switch", "--data", DATA, "--switch", switch)
