"""`python -m tests.hostile`: serve an exchange under a switch for every lie, turn switches, or list them."""

import argparse
import sys
from pathlib import Path


def main() -> int:
    """Read the command line and do it; return the exit code."""
    arguments = _read_arguments()
    if arguments.verb == "list":
        from tests.hostile.catalogue import MANIPULATIONS

        for name, manipulation in sorted(MANIPULATIONS.items()):
            print(f"{name:32} {manipulation.sentence}")
    elif arguments.verb == "switch":
        from tests.hostile.switchboard import ask_switchboard

        ask_switchboard(arguments.data, {"ask": "off"})
        for switch in arguments.switch:
            ask_switchboard(arguments.data, {"ask": "on", "switch": switch})
    else:
        from tests.hostile.serving import serve_hostile

        serve_hostile(arguments.data, arguments.host, arguments.port, arguments.switch, arguments.passphrase_file)
    return 0


def _read_arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.hostile", description="The broker as the enemy.")
    verbs = parser.add_subparsers(dest="verb", required=True)
    serve = verbs.add_parser("serve", help="serve an exchange, lying as the switches say")
    serve.add_argument("--host")
    serve.add_argument("--port", type=int)
    serve.add_argument("--passphrase-file", type=Path, metavar="FILE", help="opens the exchange's keys")
    switch = verbs.add_parser("switch", help="turn everything off at a serving hostile broker, then these on")
    for verb in (serve, switch):
        verb.add_argument("--data", type=Path, required=True, metavar="DIR", help="the folder of the exchange")
        verb.add_argument("--switch", action="append", default=[], metavar="NAME[=AGENCY]", help="may be repeated")
    verbs.add_parser("list", help="name every manipulation")
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
