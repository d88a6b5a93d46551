"""What can be wrong with keys, signatures and sealed things: one small tree, each leaf with a stable code.

The codes are slugs of `schemas.problems`, so that the broker answers with the very reason a client would give.
"""


class KeysError(ValueError):
    """Something made of key material is not what it must be; `code` is stable, the text is a sentence for a person."""

    code = "malformed"


class KeyNotSoundError(KeysError):
    """A public key nobody may use: a point of small order, another spelling, another length."""

    code = "key-set-refused"


class SignatureError(KeysError):
    """A required signature is missing, of another key, or does not verify."""

    code = "signature-refused"


class KeySetError(KeysError):
    """A key set breaks one of the steps of `keys.key_sets`."""

    code = "key-set-refused"


class EncryptionKeysError(KeysError):
    """A document of encryption keys breaks one of its rules."""

    code = "encryption-keys-refused"


class RevocationError(KeysError):
    """A revocation breaks one of its rules."""

    code = "revocation-refused"


class KeyNotInForceError(KeysError):
    """The key named is not in force at that place of the log."""

    code = "key-set-not-current"


class KeyRevokedError(KeysError):
    """The key named was revoked."""

    code = "key-revoked"


class EnvelopeError(KeysError):
    """An envelope whose parts do not belong together."""

    code = "body-mismatch"


class OpeningError(KeysError):
    """A sealed thing does not open with this key, or what is inside is not what was promised outside."""

    code = "body-mismatch"


class CertificateError(KeysError):
    """A certificate is not of the form members use, or nobody enrolled issued it."""

    code = "certificate-unknown"


class TokenError(KeysError):
    """A client assertion or an access token is not valid here."""

    code = "token-refused"


class AnchorError(KeysError):
    """The words or hex typed in are no trust anchor."""

    code = "malformed"
