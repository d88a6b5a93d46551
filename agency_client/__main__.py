"""`python -m agency_client` is the command `agency`."""

from agency_client.cli import main

main()
