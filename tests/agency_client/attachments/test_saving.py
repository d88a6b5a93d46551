"""From the sender's file to the recipient's: every byte verified before there is a name, whatever is cut off between."""

from pathlib import Path

from tests.support.attached import Attaching


def test_a_file_arrives_as_it_was_sent(attaching: Attaching) -> None:
    sent = attaching.write("page.png", 300_000)
    (saved,) = attaching.save(attaching.arrive(sent))
    assert saved.path == Path(attaching.folder / "saved" / "page.png")
    assert saved.path.read_bytes() == sent.read_bytes()
    assert saved.path.stat().st_mode & 0o777 == 0o600
