"""Why something in the store did not go through: one small value that several queues share."""

from dataclasses import dataclass

from agency_client.local_store.engine import Row


@dataclass(frozen=True, slots=True)
class Problem:
    """A stable code and a sentence for a person."""

    code: str
    sentence: str


NO_PROBLEM = Problem("", "")


def read_problem(row: Row) -> Problem | None:
    """Return what the columns `problem_code` and `problem` hold; an empty code is none."""
    return Problem(row["problem_code"], row["problem"]) if row["problem_code"] else None
