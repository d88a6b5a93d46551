"""`make faults ARGS='--cuts 1000 --kills 200 --retries 10000'`: break the broker on purpose, as often as it takes.

Each part is left out by a count of 0. Ends at the first thing that was lost or done twice; prints what was done.
"""

import argparse
import sys
from collections import Counter
from collections.abc import Callable, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from time import monotonic

from tests.faults.cut_answers import play_retries, verify_effects
from tests.faults.cutting_proxy import cutting_proxy
from tests.faults.disturbances import fill_disk, limit_files, pause, turn_clock, use_clock
from tests.faults.full_disk import small_disk
from tests.faults.kills import agree_and_correspond, play_kills
from tests.faults.power.worlds import play_cuts
from tests.faults.promotions import play_lossy_promotion, play_promotion, play_restarts
from tests.support.exchange import RunningExchange, found, make_live_member, running_exchange
from tests.support.many_brokers import running_brokers

GB, VN = "GB-HO", "VN-IMM"
UNLIMITED = {
    f"BILATERAL_BROKER_LIMITS__{name}": "1000000"
    for name in ("REQUESTS_PER_SECOND", "BURST_REQUESTS", "REQUESTS_PER_SECOND_OF_MEMBER", "BURST_REQUESTS_OF_MEMBER")
}


def main() -> int:
    """Run the parts that were asked for; return the exit code."""
    parser = argparse.ArgumentParser(prog="make faults", description=__doc__)
    parser.add_argument("--seed", type=int, default=1, help="repeat a run, or make another (default: 1)")
    for name, count, what in PARTS:
        parser.add_argument(f"--{name}", type=int, default=count, help=f"{what} (default: {count})")
    wanted = parser.parse_args()
    for name, _, what in PARTS:
        count, begun = getattr(wanted, name.replace("-", "_")), monotonic()
        if count:
            print(f"{what}: {PLAYS[name](count, wanted.seed)} ({monotonic() - begun:.0f} s)", flush=True)
    return 0


def cut_power(cuts: int, seed: int) -> str:
    """Make power cuts, and a tenth as many under a setting that loses, which must be seen."""
    kept = play_cuts(cuts, seed, progress=lambda report: show(report.cuts, "power cuts"))
    losing = play_cuts(max(8, cuts // 10), seed, pragmas={"synchronous": "NORMAL"}, is_losing=True)
    if not losing.lost:
        raise AssertionError("without a sync at each commit nothing was seen to be lost: these cuts prove nothing")
    return (
        f"{kept.cuts}, {kept.lost} lost any of what had been answered ({kept.answered} answers and "
        f"{kept.signed} signed heads looked for); with synchronous=NORMAL {losing.lost} of {losing.cuts} lost some"
    )


def kill(kills: int, seed: int) -> str:
    """Kill the one broker that a SQLite file can have, and verify after each."""
    with TemporaryDirectory(prefix="bilateral-faults-") as place, running_exchange(Path(place), GB, VN) as exchange:
        return kill_by_turns([exchange], kills, seed)


def kill_on_postgresql(kills: int, seed: int) -> str:
    """Kill two brokers of one PostgreSQL database by turns, and verify after each."""
    with TemporaryDirectory(prefix="bilateral-faults-") as place, running_brokers(Path(place), 2, GB, VN) as brokers:
        return kill_by_turns(brokers, kills, seed)


def kill_by_turns(brokers: Sequence[RunningExchange], kills: int, seed: int) -> str:
    """Kill brokers, and say where they died."""
    report = play_kills(brokers, kills, seed, progress=lambda report: show(report.places.total(), "kills"))
    died = ", ".join(f"{name} {count}" for name, count in sorted(report.places.items()))
    return (
        f"{report.places.total()}, of {report.accepted} messages and {report.leaves} leaves none lost, none twice "
        f"({died})"
    )


def disturb(times: int, _seed: int) -> str:
    """Let the disk be full, files not grow, and the broker stand still; each so many times."""
    told = []
    with TemporaryDirectory(prefix="bilateral-faults-") as place:
        with small_disk(Path(place, "disk"), 48 << 20) as disk:
            if disk is not None:
                with running_exchange(disk.path, GB, VN) as exchange:
                    told.append(f"disk full: {describe(fill_disk(exchange, disk, times=times, seconds=1))}")
        with running_exchange(make_folder(place, "limited"), GB, VN) as exchange:
            told.append(f"files that cannot grow: {describe(limit_files(exchange, times=times, seconds=1))}")
        with running_exchange(make_folder(place, "paused"), GB, VN) as exchange:
            told.append(f"paused a minute: {describe(pause(exchange, times=1, seconds=60))}")
        exchange, offset = found(make_folder(place, "clocked")), Path(place, "offset")
        use_clock(exchange, offset)
        exchange.start()
        exchange.join(make_live_member(GB), make_live_member(VN))
        jumps = (30, -30, 3600, -3600, 86400, -86400) * max(1, times // 5)
        told.append(f"{len(jumps)} jumps of the clock: {describe(turn_clock(exchange, offset, jumps, seconds=2))}")
    return "nothing lost, nothing twice; clients were told: " + "; ".join(told)


def promote(times: int, _seed: int) -> str:
    """Stop, kill, restart and replace PostgreSQL servers under traffic; each so many times."""
    lost_leaves = lost_heads = 0
    with TemporaryDirectory(prefix="bilateral-faults-") as place:
        told = play_restarts(make_folder(place, "restarts"), 2 * times)
        for number in range(times):
            told += play_promotion(make_folder(place, f"promotion-{number}"))
            leaves, heads = play_lossy_promotion(make_folder(place, f"lossy-{number}"))
            lost_leaves, lost_heads = lost_leaves + leaves, lost_heads + heads
            show(number + 1, "promotions of either kind")
    return (
        f"{2 * times} restarts and {times} promotions of a synchronous standby: nothing lost, nothing twice; clients "
        f"were told {describe(told)}; {times} promotions of a standby that lacked {lost_leaves} answered leaves and "
        f"{lost_heads} signed heads: both brokers stopped as behind and signed nothing"
    )


def make_folder(place: str, name: str) -> Path:
    """Return a new folder."""
    folder = Path(place, name)
    folder.mkdir(mode=0o700)
    return folder


def describe(refusals: Counter[str]) -> str:
    """Return how often clients were told what."""
    return ", ".join(f"{said} {count} times" for said, count in sorted(refusals.items())) or "nothing but answers"


def cut_answers(retries: int, seed: int) -> str:
    """Cut answers and ask again; `seed` says where the cuts begin."""
    with (
        TemporaryDirectory(prefix="bilateral-faults-") as place,
        running_exchange(Path(place), GB, VN, **UNLIMITED) as exchange,
    ):
        messages = agree_and_correspond(exchange)
        begun = monotonic()
        with cutting_proxy(int(exchange.url.rpartition(":")[2])) as proxy:
            report = play_retries(
                exchange,
                proxy,
                messages,
                retries,
                cuts=10,
                first=97 * seed,
                progress=lambda report: show(report.total, "retries"),
            )
        seconds = monotonic() - begun
        verify_effects(exchange, messages, report)
    return f"{report.total}, 0 effects twice, {report.total / seconds:.0f} a second: {report.describe()}"


def show(done: int, what: str) -> None:
    """Say how far it is, at each hundredth of what matters."""
    if done % 10 == 0:
        print(f"{done:7} {what}", file=sys.stderr, flush=True)


PARTS = (
    ("cuts", 1000, "power cuts"),
    ("kills", 200, "kills on SQLite"),
    ("postgresql-kills", 200, "kills of two brokers on PostgreSQL"),
    ("retries", 10_000, "retries behind a cut answer"),
    ("disturbances", 5, "full disks, pauses and jumps of the clock"),
    ("promotions", 3, "PostgreSQL restarted and its standby promoted"),
)
PLAYS: dict[str, Callable[[int, int], str]] = {
    "cuts": cut_power,
    "kills": kill,
    "postgresql-kills": kill_on_postgresql,
    "retries": cut_answers,
    "disturbances": disturb,
    "promotions": promote,
}

if __name__ == "__main__":
    raise SystemExit(main())
