"""`make mutants`: change the code that decides, spot by spot, and demand that the tests notice nine changes in ten."""

import argparse
import os
import sys
from collections.abc import Callable

from deploy.mutants.functions import try_functions
from deploy.mutants.scope import ROOT, Target, choose_targets, read_scope
from deploy.mutants.score import Trial, judge, print_report
from deploy.mutants.trials import try_declarations

KINDS: dict[str, Callable[[Target, int, bool], Trial]] = {
    "functions": lambda target, workers, again: try_functions(target, workers, survivors_only=again),
    "declarations": lambda target, workers, again: try_declarations(target, workers, survivors_only=again),
}


def main() -> int:
    """Judge the chosen files and return the exit code."""
    parser = argparse.ArgumentParser(prog="make mutants ARGS=…", description=(__doc__ or "").splitlines()[0])
    parser.add_argument("chosen", nargs="*", help="starts of paths or groups, as in scope.toml; all if none")
    parser.add_argument("--workers", type=int, default=os.cpu_count() or 1, help="mutants at once")
    parser.add_argument("--survivors", action="store_true", help="judge again only what survived the last run")
    parser.add_argument("--kind", choices=KINDS, help="only what mutmut changes in functions, or only declarations")
    arguments = parser.parse_args()
    scope = read_scope(ROOT)
    targets = choose_targets(scope, arguments.chosen)
    if not targets:
        parser.error("nothing in deploy/mutants/scope.toml starts so")
    os.nice(10)
    kinds = [arguments.kind] if arguments.kind else list(KINDS)
    judgements = [
        judge(target, {kind: KINDS[kind](target, arguments.workers, arguments.survivors) for kind in kinds})
        for target in targets
    ]
    is_whole = not arguments.kind
    return 0 if print_report(judgements, scope.least_percent_killed, is_whole=is_whole) else 1


if __name__ == "__main__":
    sys.exit(main())
