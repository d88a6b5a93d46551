"""The exchange's private keys: drawn, drawn anew, sealed under a passphrase, loaded. Touches no file.

All of them are 32-byte seeds in one document.
"""

from collections.abc import Callable
from typing import Literal

from keys.container import NONCE_BYTES, SALT_BYTES, open_container, seal_container
from keys.log_keys import LogSigner
from schemas.codec import b64u_decode, b64u_encode
from schemas.jwk import AkpJwk, Algorithm, OkpJwk, make_jwk
from schemas.key_documents import LogKeys
from schemas.model import Salt, WireModel

SECRETS_PURPOSE = "exchange-secrets"
_SEED_BYTES = 32

DrawBytes = Callable[[int], bytes]


class ExchangeSecrets(WireModel):
    """Every private key of the exchange, as 32-byte seeds."""

    v: Literal[1]
    log_ed25519: Salt
    log_ml_dsa_44: Salt
    token: Salt
    tls_ca: Salt
    tls_server: Salt


_LOG_KEYS = ("log_ed25519", "log_ml_dsa_44")
_TLS_KEYS = ("token", "tls_ca", "tls_server")


def draw_secrets(draw: DrawBytes) -> ExchangeSecrets:
    """Return the secrets of a new exchange."""
    return ExchangeSecrets.from_wire({"v": 1, **_draw_seeds((*_LOG_KEYS, *_TLS_KEYS), draw)})


def redraw_log_keys(secrets: ExchangeSecrets, draw: DrawBytes) -> ExchangeSecrets:
    """Return an exchange's secrets with fresh log keys."""
    return secrets.model_copy(update=_draw_seeds(_LOG_KEYS, draw))


def redraw_tls_keys(secrets: ExchangeSecrets, draw: DrawBytes) -> ExchangeSecrets:
    """Return an exchange's secrets with a fresh CA and server key, and a fresh key for the tokens it gives."""
    return secrets.model_copy(update=_draw_seeds(_TLS_KEYS, draw))


def seal_secrets(secrets: ExchangeSecrets, passphrase: str, draw: DrawBytes) -> bytes:
    """Return the secrets as a container (`keys.container`) that the passphrase opens."""
    return seal_container(
        secrets.canonical(), passphrase, salt=draw(SALT_BYTES), nonce=draw(NONCE_BYTES), purpose=SECRETS_PURPOSE
    )


def unseal_secrets(sealed: bytes, passphrase: str) -> ExchangeSecrets:
    """Return the secrets in a container.

    Raises:
        WrongPassphraseError: the passphrase does not open it.
        ContainerError, CodecError: it is no container of an exchange's secrets.
    """
    return ExchangeSecrets.from_canonical(open_container(sealed, passphrase, purpose=SECRETS_PURPOSE))


def load_log_signer(secrets: ExchangeSecrets) -> LogSigner:
    """Return the signer of the exchange's log."""
    return LogSigner(b64u_decode(secrets.log_ed25519), b64u_decode(secrets.log_ml_dsa_44))


def publish_log_keys(secrets: ExchangeSecrets) -> LogKeys:
    """Return the public halves of the log's keys."""
    public = load_log_signer(secrets).public
    ed25519 = make_jwk(Algorithm.ED25519, public.ed25519)
    ml_dsa = make_jwk(Algorithm.ML_DSA_44, public.ml_dsa_44)
    assert isinstance(ed25519, OkpJwk)  # noqa: S101 - make_jwk gives an OKP key for Ed25519
    assert isinstance(ml_dsa, AkpJwk)  # noqa: S101 - and an AKP key for ML-DSA
    return LogKeys(ed25519=ed25519, ml_dsa=ml_dsa)


def _draw_seeds(names: tuple[str, ...], draw: DrawBytes) -> dict[str, str]:
    return {name: b64u_encode(draw(_SEED_BYTES)) for name in names}
