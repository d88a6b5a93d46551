"""`python -m broker`: the operator's command line."""

from broker.cli import main

main()
