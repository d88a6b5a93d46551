"""The command `agency`: one file a group of verbs; each has `register(app)` and is found by being here.

A group imports what it needs inside its verbs, so that `agency --help` stays quick, and never the gateway or a web
server.
"""

from typing import NoReturn


def main() -> NoReturn:
    """Run the command line with the process's own arguments and end the process."""
    import os
    import resource
    import sys

    from agency_client.cli.app import run

    # A core file would hold the profile's secret and whatever was open.
    resource.setrlimit(resource.RLIMIT_CORE, (0, resource.getrlimit(resource.RLIMIT_CORE)[1]))
    sys.exit(run(sys.argv[1:], os.environ))
