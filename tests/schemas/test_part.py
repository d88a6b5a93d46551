"""Parts leave out what is empty, and only that."""

from schemas.part import Part


class Sample(Part):
    """A part with one member of each sort."""

    flag: bool
    number: int
    text: str | None = None
    items: tuple[str, ...] = ()
    inner: "Sample | None" = None


def test_absent_members_and_empty_lists_are_left_out() -> None:
    assert Sample(flag=True, number=1).to_wire() == {"flag": True, "number": 1}


def test_false_and_zero_are_not_empty() -> None:
    assert Sample(flag=False, number=0).to_wire() == {"flag": False, "number": 0}


def test_parts_inside_parts_leave_out_the_same() -> None:
    inner = Sample(flag=True, number=2, items=("a",))

    assert Sample(flag=True, number=1, inner=inner).to_wire()["inner"] == {"flag": True, "number": 2, "items": ["a"]}
