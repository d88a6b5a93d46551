"""Two parties' real nodes and a real broker in one process, tortured at random: `make torture`.

Nothing is stood in for but the wire and the clocks, and these do everything wires and clocks do. No hostile party here:
whoever looks for lies looks into `tests/attacks`.
"""
