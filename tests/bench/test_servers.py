"""The benchmark runs: broker and floor start on copies of one stage, take every message, and their use is seen."""

import pytest

from bench.servers import FLOOR, PRODUCT, mint_token, serving
from bench.stage import Stage, prepare_stage


@pytest.fixture(scope="module")
def stage(tmp_path_factory: pytest.TempPathFactory) -> Stage:
    return prepare_stage(tmp_path_factory.mktemp("stage"), 120)


@pytest.mark.parametrize("command", [PRODUCT, FLOOR], ids=["broker", "floor"])
def test_a_load_is_accepted_and_counted(stage: Stage, command: tuple[str, ...]) -> None:
    before = sorted(stage.folder.iterdir())
    with serving(stage, command) as server:
        token = server.ask_token() if command is PRODUCT else mint_token(stage)
        run = server.measure(token, connections=4, warm_up=20, count=100)

    assert run.load.statuses == {"202": 100}
    assert len(run.load.latencies) == 100
    assert run.cpu_us > 0
    assert 1 <= run.messages_per_commit <= 4
    assert 1 / 4 <= run.syncs_per_message <= 1.1, (
        "each commit is synchronised, and nothing else is but the log's copies"
    )
    assert sorted(stage.folder.iterdir()) == before, "nothing of a run is left for the next one"
