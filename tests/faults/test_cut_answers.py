"""The connection breaks after any byte of an answer, and whoever asks again has it done once.

A few of the ten thousand retries that `make faults` makes.
"""

from pathlib import Path

from tests.faults.cut_answers import play_retries, verify_effects
from tests.faults.cutting_proxy import cutting_proxy
from tests.support.delivery import Correspondence
from tests.support.exchange import running_exchange

GB, VN = "GB-HO", "VN-IMM"
RETRIES = 40


def test_what_is_asked_again_behind_a_cut_answer_is_done_once(tmp_path: Path) -> None:
    with running_exchange(tmp_path, GB, VN) as exchange:
        terms = exchange.agree(GB, VN).terms
        messages = Correspondence(exchange.members[GB], exchange.members[VN], terms.digest())
        with cutting_proxy(int(exchange.url.rpartition(":")[2])) as proxy:
            report = play_retries(exchange, proxy, messages, RETRIES, cuts=5)
        assert report.total >= RETRIES
        assert proxy.cuts > RETRIES // 2  # the others were not answered in time
        verify_effects(exchange, messages, report)
