"""What `make mutants` judges cannot rot, and its score is honest: what nobody kills is listed and still alive."""

from pathlib import Path

import pytest

from deploy.mutants.declarations import list_changes
from deploy.mutants.scope import PACKAGES, Equivalent, Target, choose_targets, compute_fingerprint, read_scope
from deploy.mutants.score import Judgement, Score, Trial, judge, list_changed_lines, print_report

ROOT = Path(__file__).parent.parent.parent
DIFF = """# schemas.codec.x_f__mutmut_1: survived
--- schemas/codec.py
+++ schemas/codec.py
@@ -1,2 +1,2 @@
 def f(a):
-    return a + 1
+    return a - 1
"""
OTHER_DIFF = DIFF.replace("- 1", "- 2")
KNOWN = Equivalent("schemas/codec.py", "return a + 1\nreturn a - 1", "never called")


def build_target(*equivalents: Equivalent) -> Target:
    return Target("schemas/codec.py", "codec", ("tests/schemas/test_codec.py",), equivalents)


def judge_one(target: Target, verdicts: dict[str, str], diffs: dict[str, str]) -> Judgement:
    return judge(target, {"functions": Trial(verdicts, diffs)})


# What is judged.


def test_every_file_and_every_test_of_the_project_exists() -> None:
    targets = read_scope(ROOT).targets

    missing = [path for target in targets for path in (target.path, *target.tests) if not (ROOT / path).exists()]

    assert targets
    assert missing == []
    assert len({target.path for target in targets}) == len(targets)


def test_every_file_of_rules_is_judged() -> None:
    judged = {target.path for target in read_scope(ROOT).targets}

    rules = {str(path.relative_to(ROOT)) for package in PACKAGES for path in (ROOT / package).rglob("*rules.py")}

    assert rules
    assert rules - judged == set()


def test_every_equivalent_mutant_stands_in_a_file_that_is_judged_and_has_a_reason() -> None:
    scope = read_scope(ROOT)

    listed = [known for target in scope.targets for known in target.equivalents]

    assert all(len(known.reason) > 20 for known in listed)
    assert len(listed) == (ROOT / "deploy/mutants/scope.toml").read_text("utf-8").count("[[equivalent]]")


def test_a_path_or_a_group_chooses() -> None:
    scope = read_scope(ROOT)

    assert choose_targets(scope, []) == list(scope.targets)
    assert [target.path for target in choose_targets(scope, ["schemas/codec.py"])] == ["schemas/codec.py"]
    assert {target.group for target in choose_targets(scope, ["trust"])} == {"trust"}
    assert choose_targets(scope, ["elsewhere"]) == []


def test_a_verdict_holds_until_the_file_or_what_judges_it_changes(tmp_path: Path) -> None:
    code, tests = tmp_path / "schemas/codec.py", tmp_path / "tests/schemas/test_codec.py"
    support = tmp_path / "tests/support/desk.py"
    for path in (code, tests, support):
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("", "utf-8")
    fingerprints = [compute_fingerprint(tmp_path, build_target(), "")]

    for path in (code, tests, support):
        path.write_text("changed", "utf-8")
        fingerprints.append(compute_fingerprint(tmp_path, build_target(), ""))
    fingerprints.append(compute_fingerprint(tmp_path, build_target(), "other settings"))

    assert compute_fingerprint(tmp_path, build_target(), "other settings") == fingerprints[-1]
    assert len(set(fingerprints)) == 5


# How it is counted.


def test_a_mutant_that_no_test_reached_counts_as_alive_and_an_endless_loop_as_dead() -> None:
    verdicts = {"a": "killed", "b": "timeout", "c": "survived", "d": "no tests"}

    found = judge_one(build_target(), verdicts, {"c": DIFF, "d": OTHER_DIFF})

    assert found.scores == {"functions": Score(mutants=4, killed=1, timeouts=1, survived=2)}
    assert found.scores["functions"].percent_killed == 50
    assert found.survivors == (DIFF, OTHER_DIFF)


def test_an_equivalent_mutant_is_taken_from_the_mutants_and_shown() -> None:
    found = judge_one(build_target(KNOWN), {"a": "killed", "b": "survived"}, {"b": DIFF})

    assert found.scores == {"functions": Score(mutants=2, killed=1, equivalent=1)}
    assert found.scores["functions"].percent_killed == 100
    assert not found.survivors
    assert not found.stale


def test_an_equivalent_that_a_test_kills_is_none_and_fails_the_run(capsys: pytest.CaptureFixture[str]) -> None:
    found = judge_one(build_target(KNOWN), {"a": "killed"}, {})

    assert found.stale == (KNOWN,)
    assert found.scores == {"functions": Score(mutants=1, killed=1)}
    assert not print_report([found], 90)
    assert print_report([found], 90, is_whole=False)
    assert "return a - 1" in capsys.readouterr().out


@pytest.mark.parametrize(("killed", "reached"), [(90, True), (89, False)])
def test_nine_in_ten_are_demanded_of_each_group_and_kind(
    killed: int, reached: bool, capsys: pytest.CaptureFixture[str]
) -> None:
    scores = {"functions": Score(100, 100), "declarations": Score(mutants=100, killed=killed, survived=100 - killed)}

    assert print_report([Judgement(build_target(), scores)], 90) is reached

    assert ("codec is below 90 %" in capsys.readouterr().out) is not reached


# What mutmut leaves out.

SOURCE = '''"""What a module says of itself."""

import json

LIMIT = 8 * 1024
CLOSED = frozenset({"a", "b"})
Choice = Literal["a", "b"]
Rows = Mapping[str, Sequence[int]]
Short = Annotated[str, Limit(9)]

class Size(Model):
    """A docstring."""
    bytes: Annotated[int, Field(ge=1, le=LIMIT)]
    v: Literal[1]
    note: str | None = None

    @validator(mode="after")
    def check(self) -> "Size":
        if self.bytes < 1 and not self.note:
            raise ValueError("small")
        return self

    @staticmethod
    def measure(size: int = 5) -> int:
        return size + 1

def compute(size: int) -> int:
    return size + 2
'''


def test_each_declaration_is_changed_and_what_mutmut_changes_is_left_to_it() -> None:
    changes = list_changes("size.py", SOURCE)

    assert [tuple(list_changed_lines(change.diff)) for change in changes] == [
        ("LIMIT = 8 * 1024", "LIMIT = 8 // 1024"),
        ("LIMIT = 8 * 1024", "LIMIT = 9 * 1024"),
        ("LIMIT = 8 * 1024", "LIMIT = 8 * 1025"),
        ('CLOSED = frozenset({"a", "b"})', "CLOSED = frozenset({'b'})"),
        ('CLOSED = frozenset({"a", "b"})', "CLOSED = frozenset({'a'})"),
        ('CLOSED = frozenset({"a", "b"})', "CLOSED = frozenset({'XXaXX', \"b\"})"),
        ('CLOSED = frozenset({"a", "b"})', "CLOSED = frozenset({\"a\", 'XXbXX'})"),
        ("Short = Annotated[str, Limit(9)]", "Short = Annotated[str, Limit(10)]"),
        ("bytes: Annotated[int, Field(ge=1, le=LIMIT)]", "bytes: Annotated[int, Field(le=LIMIT)]"),
        ("bytes: Annotated[int, Field(ge=1, le=LIMIT)]", "bytes: Annotated[int, Field(ge=1)]"),
        ("bytes: Annotated[int, Field(ge=1, le=LIMIT)]", "bytes: Annotated[int, Field(ge=2, le=LIMIT)]"),
        ("v: Literal[1]", "v: Literal[2]"),
        ('@validator(mode="after")', "@(lambda undecorated: undecorated)"),
        ("if self.bytes < 1 and not self.note:", "if (self.bytes < 1 or not self.note):"),
        ("if self.bytes < 1 and not self.note:", "if self.bytes <= 1 and not self.note:"),
        ("if self.bytes < 1 and not self.note:", "if self.bytes < 2 and not self.note:"),
        ("if self.bytes < 1 and not self.note:", "if self.bytes < 1 and self.note:"),
        ('raise ValueError("small")', "raise ValueError('XXsmallXX')"),
        ("return self", "return None"),
    ]
    assert len({change.name for change in changes}) == len(changes)
    assert len({change.source for change in changes} | {SOURCE}) == len(changes) + 1
