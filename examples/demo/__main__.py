"""`python -m examples.demo [--keep]`: play the demonstration; the exit code is 0 only if every step held."""

import argparse
import sys

from examples.demo.play import run_play
from examples.demo.stage import make_stage


def main() -> int:
    """Play it and return the exit code."""
    parser = argparse.ArgumentParser(prog="python -m examples.demo", description="Play one alert from end to end.")
    parser.add_argument("--keep", action="store_true", help="leave it running afterwards, with commands to try")
    arguments = parser.parse_args()
    return run_play(make_stage(sys.stdout), keep=arguments.keep)


if __name__ == "__main__":
    sys.exit(main())
