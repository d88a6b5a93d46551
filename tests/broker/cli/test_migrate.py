"""`broker migrate` runs over a database that nobody serves."""

from tests.broker.cli.operating import run
from tests.support.exchange import RunningExchange


def test_migrate_runs_over_a_database_of_this_version_and_not_under_a_serving_broker(
    resting: RunningExchange, served: RunningExchange
) -> None:
    assert run("migrate", "--data", resting.folder.path).returncode == 0
    assert run("migrate", "--data", served.folder.path).returncode == 8
