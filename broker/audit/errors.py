"""What a reader of the log asks wrongly; `code` is the problem type it is answered with (`schemas.problems`)."""


class RangeError(ValueError):
    """A range of leaves that is none."""

    code = "range-refused"
