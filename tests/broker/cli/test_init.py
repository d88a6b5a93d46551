"""`broker init` makes an exchange and prints the anchor to hand out."""

from pathlib import Path

from keys.anchors import parse_anchor
from schemas.key_documents import ExchangeSheet, compute_exchange_anchor
from tests.broker.cli.operating import read_json, run, run_process


def test_init_makes_an_exchange_and_prints_the_anchor_to_hand_out(tmp_path: Path) -> None:
    path = tmp_path / "exchange"

    made = run_process("init", "--data", path, "--name", "alerts.example", "--host", "localhost")

    assert made.returncode == 0, made.stderr
    sheet = ExchangeSheet.from_canonical((path / "exchange.json").read_bytes())
    words, _, hexadecimal = made.stdout.strip().split("\n")
    assert parse_anchor(words) == compute_exchange_anchor(sheet) == parse_anchor(hexadecimal)
    assert "not under a passphrase" in made.stderr
    again = run("init", "--data", path, "--name", "alerts.example", "--host", "localhost")
    assert (again.returncode, again.stdout) == (8, "")


def test_init_for_scripts_prints_one_line(tmp_path: Path) -> None:
    (tmp_path / "phrase").write_text("correct horse battery staple\n")
    (tmp_path / "phrase").chmod(0o600)

    made = read_json(
        run("init", "--json", "--data", tmp_path / "x", "--name", "alerts.example", "--host", "localhost",
            "--passphrase-file", tmp_path / "phrase")
    )  # fmt: skip

    assert made["origin"] == "alerts.example/1"
    assert (tmp_path / "x" / "secrets.sealed").exists()
