"""Why a caller is not let in; `code` is the problem type it is answered with (`schemas.problems`)."""


class AccessError(Exception):
    """A caller who is not let in, or not for this; the text is a sentence for a person."""

    code = "token-refused"

    def __init__(self, problem: str, field: str | None = None) -> None:
        super().__init__(problem)
        self.field = field


class CertificateUnknownError(AccessError):
    """The client certificate is no enrolled member's."""

    code = "certificate-unknown"


class AssertionRefusedError(AccessError):
    """The client assertion proves nothing here and now."""

    code = "assertion-refused"


class TokenRefusedError(AccessError):
    """The access token does not work here, now, or with this certificate."""

    code = "token-refused"


class RoleNotAllowedError(AccessError):
    """The caller's role may not do this, or its member has no such role."""

    code = "role-not-allowed"


class TokenRequestError(AccessError):
    """The token request is not of the one accepted form."""

    code = "malformed"
