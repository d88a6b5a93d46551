"""What `make mutants` judges cannot rot, and its score is honest: what nobody kills is listed and still alive."""

from pathlib import Path

import pytest

from deploy.mutants import (
    Equivalent,
    Judgement,
    Score,
    Target,
    choose_targets,
    compute_fingerprint,
    judge,
    print_table,
    read_scope,
)

ROOT = Path(__file__).parent.parent.parent
DIFF = """survived: # schemas.codec.x_f__mutmut_1: survived
--- schemas/codec.py
+++ schemas/codec.py
@@ -1,2 +1,2 @@
 def f(a):
-    return a + 1
+    return a - 1
"""
KNOWN = Equivalent("schemas/codec.py", "return a + 1\nreturn a - 1", "never called")


def build_target(*equivalents: Equivalent) -> Target:
    return Target("schemas/codec.py", "codec", ("tests/schemas/test_codec.py",), equivalents)


def test_every_file_and_every_test_of_the_project_exists() -> None:
    targets = read_scope(ROOT).targets

    missing = [path for target in targets for path in (target.path, *target.tests) if not (ROOT / path).exists()]

    assert targets
    assert missing == []
    assert len({target.path for target in targets}) == len(targets)


def test_every_equivalent_mutant_stands_in_a_file_that_is_judged_and_has_a_reason() -> None:
    scope = read_scope(ROOT)

    listed = [known for target in scope.targets for known in target.equivalents]

    assert all(len(known.reason) > 20 for known in listed)
    assert len(listed) == (ROOT / "deploy/mutants.toml").read_text("utf-8").count("[[equivalent]]")


def test_a_path_or_a_group_chooses() -> None:
    scope = read_scope(ROOT)

    assert choose_targets(scope, []) == list(scope.targets)
    assert [target.path for target in choose_targets(scope, ["schemas/codec.py"])] == ["schemas/codec.py"]
    assert {target.group for target in choose_targets(scope, ["trust"])} == {"trust"}
    assert choose_targets(scope, ["elsewhere"]) == []


def test_a_mutant_that_no_test_reached_counts_as_alive_and_an_endless_loop_as_dead() -> None:
    verdicts = {"a": "killed", "b": "timeout", "c": "survived", "d": "no tests"}

    found = judge(build_target(), verdicts, {"c": DIFF, "d": DIFF.replace("- 1", "- 2")})

    assert found.score == Score(mutants=4, killed=1, timeouts=1, survived=2)
    assert found.score.percent_killed == 50
    assert found.survivors == (DIFF, DIFF.replace("- 1", "- 2"))


def test_an_equivalent_mutant_is_taken_from_the_mutants_and_shown() -> None:
    found = judge(build_target(KNOWN), {"a": "killed", "b": "survived"}, {"b": DIFF})

    assert found.score == Score(mutants=2, killed=1, equivalent=1)
    assert found.score.percent_killed == 100
    assert not found.survivors
    assert not found.stale


def test_an_equivalent_that_a_test_kills_is_none() -> None:
    found = judge(build_target(KNOWN), {"a": "killed"}, {})

    assert found.stale == (KNOWN,)
    assert found.score == Score(mutants=1, killed=1)


@pytest.mark.parametrize(("killed", "reached"), [(90, True), (89, False)])
def test_nine_in_ten_are_demanded_of_each_group(killed: int, reached: bool, capsys: pytest.CaptureFixture[str]) -> None:
    score = Score(mutants=100, killed=killed, survived=100 - killed)

    assert print_table([Judgement(build_target(), score, (), ())], 90) is reached

    assert ("codec is below 90 %" in capsys.readouterr().out) is not reached


def test_a_verdict_holds_until_the_file_or_what_judges_it_changes(tmp_path: Path) -> None:
    code, tests = tmp_path / "schemas/codec.py", tmp_path / "tests/schemas/test_codec.py"
    support = tmp_path / "tests/support/desk.py"
    for path in (code, tests, support):
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("", "utf-8")
    fingerprints = [compute_fingerprint(tmp_path, build_target())]

    for path in (code, tests, support):
        path.write_text("changed", "utf-8")
        fingerprints.append(compute_fingerprint(tmp_path, build_target()))

    assert compute_fingerprint(tmp_path, build_target()) == fingerprints[-1]
    assert len(set(fingerprints)) == 4
