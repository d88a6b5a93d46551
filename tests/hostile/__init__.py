"""The hostile broker: the real one, with its true keys and its true store, and a switch for every way to lie.

`python -m tests.hostile list` names them; `python -m tests.hostile serve --data DIR --switch NAME` serves an exchange
under one. Nothing here is a fake: TLS, tokens, signatures, the group commit and the log are the broker's own.
"""
