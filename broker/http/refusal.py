"""What a refusal is, before it is an HTTP answer. Pure: rules may return one, use cases may raise one."""

from dataclasses import dataclass

from schemas.codec import CodecError
from schemas.problems import PROBLEMS, ProblemReason, ProblemType

_PASSING_STATUSES = frozenset({429, 503, 507})
_SOME_TIME_SECONDS = 60
_OUR_PACKAGES = frozenset({"broker", "keys", "schemas"})


@dataclass(frozen=True, slots=True)
class Refusal:
    """One refusal: a slug of `schemas.problems`, a sentence for a person, and what of the request it is about."""

    slug: str
    detail: str
    field: str | None = None
    reasons: tuple[ProblemReason, ...] = ()
    retry_after_seconds: int | None = None

    @property
    def come_back_seconds(self) -> int | None:
        """Return when to ask again: what was said, or some time where the status promises that it helps; else None."""
        if self.retry_after_seconds is None and self.problem.status in _PASSING_STATUSES:
            return _SOME_TIME_SECONDS
        return self.retry_after_seconds

    @property
    def problem(self) -> ProblemType:
        """The row of the closed table."""
        return PROBLEMS[self.slug]


class RefusedError(Exception):
    """Carries a refusal to the edge, which answers it."""

    def __init__(self, refusal: Refusal) -> None:
        super().__init__(refusal.detail)
        self.refusal = refusal


def refuse(
    slug: str, detail: str, *, field: str | None = None, reasons: tuple[ProblemReason, ...] = ()
) -> RefusedError:
    """Return the error to raise for a refusal."""
    return RefusedError(Refusal(slug, detail, field, reasons))


def find_refusal(error: BaseException) -> Refusal | None:
    """Return what an error of our own packages means on the wire, or nothing: then its text may not leave the house.

    An error class of ours says so by a `code` that is a slug; `field`, `reasons`, `retry_after_seconds` are optional.
    """
    if isinstance(error, RefusedError):
        return error.refusal
    code = getattr(error, "code", None)
    if not isinstance(code, str) or type(error).__module__.partition(".")[0] not in _OUR_PACKAGES:
        return None
    if code in PROBLEMS:
        return Refusal(
            code,
            str(error),
            getattr(error, "field", None) or None,
            tuple(getattr(error, "reasons", ())),
            getattr(error, "retry_after_seconds", None),
        )
    if isinstance(error, CodecError):
        return Refusal("malformed", str(error), reasons=(ProblemReason(code=code, sentence=str(error)[:500]),))
    return None
