"""Certificates: the CA's form, and the caller found by key and never by name."""

from datetime import datetime, timedelta

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519
from cryptography.x509.oid import NameOID

from keys.certificates import (
    compute_spki_thumbprint,
    export_certificate_pem,
    export_tls_key,
    find_issuer,
    issue_client_certificate,
    issue_server_certificate,
    load_tls_key,
    make_tls_ca,
    read_ca_thumbprint,
    read_validity,
    verify_tls_ca,
)
from keys.errors import CertificateError
from tests.support.members import START, derive_seed

DAY = timedelta(days=1)
SEED = derive_seed("GB", "ca")
CA = make_tls_ca(SEED, serial=1, not_before=START, not_after=START + 100 * DAY)
OTHER_CA = make_tls_ca(derive_seed("BE", "ca"), serial=1, not_before=START, not_after=START + 100 * DAY)
THUMB = compute_spki_thumbprint(load_tls_key(SEED).public_key())
OTHER_THUMB = compute_spki_thumbprint(load_tls_key(derive_seed("BE", "ca")).public_key())
AUTHORITIES = {THUMB: ("GB", CA), OTHER_THUMB: ("BE", OTHER_CA)}


def issue(ca_seed: bytes = SEED, node: str = "n1") -> bytes:
    return issue_client_certificate(
        ca_seed, derive_seed("node"), node, serial=2, not_before=START, not_after=START + 90 * DAY
    )


def build_ca(
    *,
    subject: str | None = None,
    issuer: str | None = None,
    key_identifier: bytes | None = None,
    path_length: int | None = 0,
    ca: bool = True,
    signer: ec.EllipticCurvePrivateKey | None = None,
    constraints: bool = True,
) -> bytes:
    """Return a CA certificate that may break one rule."""
    key = load_tls_key(SEED)
    builder = (
        x509.CertificateBuilder()
        .subject_name(x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, subject or THUMB.hex())]))
        .issuer_name(x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, issuer or THUMB.hex())]))
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(START)
        .not_valid_after(START + DAY)
        .add_extension(x509.SubjectKeyIdentifier(key_identifier or THUMB), critical=False)
    )
    if constraints:
        length = path_length if ca else None
        builder = builder.add_extension(x509.BasicConstraints(ca=ca, path_length=length), critical=True)
    return builder.sign(signer or key, hashes.SHA256()).public_bytes(serialization.Encoding.DER)


def test_a_ca_is_known_by_its_key() -> None:
    assert verify_tls_ca(CA, START + DAY) == THUMB
    assert verify_tls_ca(build_ca(), START) == THUMB


@pytest.mark.parametrize(
    ("der", "problem"),
    [
        (build_ca(subject="GB"), "thumbprint of its own key"),
        (build_ca(issuer=OTHER_THUMB.hex()), "thumbprint of its own key"),
        (build_ca(key_identifier=OTHER_THUMB), "subject key identifier"),
        (build_ca(path_length=1), "path length 0"),
        (build_ca(path_length=None), "path length 0"),
        (build_ca(ca=False), "path length 0"),
        (build_ca(constraints=False), "are required"),
        (build_ca(signer=load_tls_key(derive_seed("BE", "ca"))), "did not sign itself"),
        (b"", "no X.509"),
        (CA[:-1], "no X.509"),
        (bytes(4000), "at most"),
    ],
)
def test_a_ca_of_another_form_is_refused(der: bytes, problem: str) -> None:
    with pytest.raises(CertificateError, match=problem):
        verify_tls_ca(der, START)


@pytest.mark.parametrize("moment", [START - DAY, START + 101 * DAY])
def test_a_ca_outside_its_days_is_refused(moment: datetime) -> None:
    with pytest.raises(CertificateError, match="not valid now"):
        verify_tls_ca(CA, moment)


def test_a_ca_of_another_curve_is_refused() -> None:
    key = ed25519.Ed25519PrivateKey.generate()
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "x")])
    builder = x509.CertificateBuilder().subject_name(name).issuer_name(name).public_key(key.public_key())
    builder = builder.serial_number(1).not_valid_before(START).not_valid_after(START + DAY)
    der = builder.sign(key, None).public_bytes(serialization.Encoding.DER)
    with pytest.raises(CertificateError, match="P-256"):
        verify_tls_ca(der, START)


def test_the_caller_is_the_member_whose_ca_key_signed() -> None:
    assert find_issuer(issue(), AUTHORITIES) == "GB"
    assert find_issuer(issue(derive_seed("BE", "ca")), AUTHORITIES) == "BE"


def test_a_ca_of_one_member_cannot_issue_for_another() -> None:
    """BE writes a certificate that names GB as its issuer in every field a name or identifier can stand."""
    key = load_tls_key(derive_seed("BE", "ca"))
    builder = (
        x509.CertificateBuilder()
        .subject_name(x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "GB")]))
        .issuer_name(x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, THUMB.hex())]))
        .public_key(load_tls_key(derive_seed("node")).public_key())
        .serial_number(3)
        .not_valid_before(START)
        .not_valid_after(START + DAY)
        .add_extension(x509.AuthorityKeyIdentifier(THUMB, None, None), critical=False)
    )
    forged = builder.sign(key, hashes.SHA256()).public_bytes(serialization.Encoding.DER)
    with pytest.raises(CertificateError, match="not signed by the CA"):
        find_issuer(forged, AUTHORITIES)


def test_a_certificate_of_nobody_is_refused() -> None:
    with pytest.raises(CertificateError, match="no enrolled member"):
        find_issuer(issue(derive_seed("XX")), AUTHORITIES)
    with pytest.raises(CertificateError, match="names no issuing key"):
        find_issuer(build_ca(), AUTHORITIES)


def test_a_server_certificate_names_its_hosts() -> None:
    der = issue_server_certificate(
        SEED, derive_seed("s"), ["broker.example", "127.0.0.1"], serial=4, not_before=START, not_after=START + DAY
    )
    names = x509.load_der_x509_certificate(der).extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    assert [str(name.value) for name in names] == ["broker.example", "127.0.0.1"]
    assert read_validity(der) == (START, START + DAY)


def test_keys_and_certificates_are_exported_as_pem() -> None:
    assert export_tls_key(SEED).startswith(b"-----BEGIN PRIVATE KEY-----")
    assert export_certificate_pem(CA).startswith(b"-----BEGIN CERTIFICATE-----")


def test_a_cas_name_is_read_whatever_its_days() -> None:
    ended = make_tls_ca(SEED, serial=1, not_before=START - 9 * DAY, not_after=START - DAY)
    assert read_ca_thumbprint(ended) == compute_spki_thumbprint(load_tls_key(SEED).public_key())
    with pytest.raises(CertificateError, match=r"no X\.509"):
        read_ca_thumbprint(b"no certificate")
