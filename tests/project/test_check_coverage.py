"""The list of modules whose every branch must run cannot rot."""

from pathlib import Path

from deploy.check_coverage import find_unmatched_patterns, read_every_branch_patterns

ROOT = Path(__file__).parent.parent.parent


def test_every_pattern_of_the_project_matches_a_file() -> None:
    patterns = read_every_branch_patterns(ROOT)

    assert patterns
    assert find_unmatched_patterns(ROOT, patterns) == []


def test_a_pattern_without_a_file_is_found(tmp_path: Path) -> None:
    (tmp_path / "codec.py").touch()

    assert find_unmatched_patterns(tmp_path, ["codec.py", "co*.py", "renamed.py"]) == ["renamed.py"]
