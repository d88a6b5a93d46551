"""The exchange's private keys: all drawn, some drawn anew, sealed, and the log's published."""

import pytest

from broker.exchange_secrets import (
    ExchangeSecrets,
    draw_secrets,
    load_log_signer,
    publish_log_keys,
    redraw_log_keys,
    redraw_tls_keys,
    seal_secrets,
    unseal_secrets,
)
from keys.container import ContainerError, WrongPassphraseError, seal_container
from keys.generation import generate_bytes

PASSPHRASE = "correct horse battery staple"


@pytest.fixture(scope="module")
def secrets() -> ExchangeSecrets:
    return draw_secrets(generate_bytes)


def list_changes(old: ExchangeSecrets, new: ExchangeSecrets) -> set[str]:
    return {name for name, seed in new.to_wire().items() if seed != old.to_wire()[name]}


def test_every_key_is_drawn_for_itself(secrets: ExchangeSecrets) -> None:
    assert len(set(secrets.to_wire().values())) == len(ExchangeSecrets.model_fields)


def test_fresh_log_keys_leave_the_others_as_they_are_and_fresh_tls_keys_the_logs(secrets: ExchangeSecrets) -> None:
    assert list_changes(secrets, redraw_log_keys(secrets, generate_bytes)) == {"log_ed25519", "log_ml_dsa_44"}
    assert list_changes(secrets, redraw_tls_keys(secrets, generate_bytes)) == {"token", "tls_ca", "tls_server"}


def test_what_is_published_is_what_the_log_is_signed_with(secrets: ExchangeSecrets) -> None:
    published, signer = publish_log_keys(secrets), load_log_signer(secrets)

    assert published.ed25519.public_bytes == signer.public.ed25519
    assert published.ml_dsa.public_bytes == signer.public.ml_dsa_44
    assert publish_log_keys(redraw_log_keys(secrets, generate_bytes)) != published


def test_the_passphrase_opens_what_it_sealed_and_no_other_does(secrets: ExchangeSecrets) -> None:
    sealed = seal_secrets(secrets, PASSPHRASE, generate_bytes)

    assert unseal_secrets(sealed, PASSPHRASE) == secrets
    with pytest.raises(WrongPassphraseError):
        unseal_secrets(sealed, "correct horse battery stable")


def test_a_container_of_something_else_is_not_taken_for_the_secrets(secrets: ExchangeSecrets) -> None:
    other = seal_container(secrets.canonical(), PASSPHRASE, salt=bytes(16), nonce=bytes(12), purpose="something-else")

    with pytest.raises(ContainerError):
        unseal_secrets(other, PASSPHRASE)
