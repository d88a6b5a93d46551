"""TLS certificates: an agency's own CA, the nodes' certificates under it, and who issued the one a caller shows.

Names in certificates are ignored, since any member's CA could write any name. A CA certificate's subject is the
thumbprint of its own key, so that OpenSSL can never pick another issuer; the caller is the agency whose CA public key
verifies the leaf.
"""

import hashlib
from collections.abc import Mapping, Sequence
from datetime import datetime
from ipaddress import ip_address

from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from keys.errors import CertificateError

MAX_CERTIFICATE_BYTES = 3072
_P256_ORDER = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551


def load_tls_key(seed: bytes) -> ec.EllipticCurvePrivateKey:
    """Return the P-256 key of a 32-byte seed (the seed reduced into 1..n-1)."""
    return ec.derive_private_key(int.from_bytes(seed, "big") % (_P256_ORDER - 1) + 1, ec.SECP256R1())


def compute_spki_thumbprint(key: ec.EllipticCurvePublicKey) -> bytes:
    """Return SHA-256 of the SubjectPublicKeyInfo, 32 bytes: name and key identifier of a CA."""
    spki = key.public_bytes(serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo)
    return hashlib.sha256(spki).digest()


def make_tls_ca(seed: bytes, *, serial: int, not_before: datetime, not_after: datetime) -> bytes:
    """Return the DER of a self-signed CA certificate (path length 0) of the key of `seed`."""
    key = load_tls_key(seed)
    thumb = compute_spki_thumbprint(key.public_key())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, thumb.hex())])
    builder = _start(name, name, key.public_key(), serial, not_before, not_after)
    builder = builder.add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
    builder = builder.add_extension(_key_usage(signs_certificates=True), critical=True)
    builder = builder.add_extension(x509.SubjectKeyIdentifier(thumb), critical=False)
    return builder.sign(key, hashes.SHA256()).public_bytes(serialization.Encoding.DER)


def issue_client_certificate(
    ca_seed: bytes, key_seed: bytes, node: str, *, serial: int, not_before: datetime, not_after: datetime
) -> bytes:
    """Return the DER of a node's client certificate under the agency's CA."""
    usage = x509.ExtendedKeyUsage([ExtendedKeyUsageOID.CLIENT_AUTH])
    return _issue(ca_seed, key_seed, node, usage, None, serial, not_before, not_after)


def issue_server_certificate(
    ca_seed: bytes, key_seed: bytes, hosts: Sequence[str], *, serial: int, not_before: datetime, not_after: datetime
) -> bytes:
    """Return the DER of the broker's server certificate for these DNS names and IP addresses."""
    usage = x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH])
    names = x509.SubjectAlternativeName([_general_name(host) for host in hosts])
    return _issue(ca_seed, key_seed, hosts[0], usage, names, serial, not_before, not_after)


def export_tls_key(seed: bytes) -> bytes:
    """Return the P-256 key of a seed as PKCS#8 PEM, unencrypted: for an `ssl.SSLContext` only."""
    return load_tls_key(seed).private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )


def export_certificate_pem(der: bytes) -> bytes:
    """Return a DER certificate as PEM."""
    return x509.load_der_x509_certificate(der).public_bytes(serialization.Encoding.PEM)


def read_certificate_pem(unverified_pem: bytes) -> bytes:
    """Return the one certificate in PEM text as DER.

    Raises:
        CertificateError: there is none, or more than one.
    """
    try:
        found = x509.load_pem_x509_certificates(unverified_pem)
    except ValueError as error:
        raise CertificateError("the file holds no certificate in PEM") from error
    if len(found) != 1:
        raise CertificateError(f"the file holds {len(found)} certificates, one is expected")
    return found[0].public_bytes(serialization.Encoding.DER)


def compute_certificate_thumbprint(der: bytes) -> bytes:
    """Return SHA-256 of the certificate, the `x5t#S256` a token is bound to (RFC 8705 §3.1)."""
    return hashlib.sha256(der).digest()


def verify_tls_ca(der: bytes, now: datetime) -> bytes:
    """Check a member's CA certificate and return the thumbprint of its key, 32 bytes.

    1. It parses, and its key is P-256. 2. Subject and issuer are the key's thumbprint and nothing else, and so is the
    subject key identifier. 3. It is a CA of path length 0. 4. It signed itself. 5. It is valid now.

    Raises:
        CertificateError: one of these does not hold.
    """
    certificate = _parse(der)
    key = certificate.public_key()
    if not isinstance(key, ec.EllipticCurvePublicKey) or not isinstance(key.curve, ec.SECP256R1):
        raise CertificateError("tls_ca: the key must be of curve P-256")
    thumb = compute_spki_thumbprint(key)
    expected = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, thumb.hex())])
    if certificate.subject != expected or certificate.issuer != expected:
        raise CertificateError("tls_ca: subject and issuer must be the thumbprint of its own key")
    _check_ca_extensions(certificate, thumb)
    _verify_issued_by(certificate, key, "tls_ca: it did not sign itself")
    if not certificate.not_valid_before_utc <= now <= certificate.not_valid_after_utc:
        raise CertificateError("tls_ca: it is not valid now")
    return thumb


def read_ca_thumbprint(der: bytes) -> bytes:
    """Return the thumbprint of the key in a member's CA certificate, 32 bytes; nothing else of it is checked.

    Raises:
        CertificateError: it does not parse, or its key is not of curve P-256.
    """
    key = _parse(der).public_key()
    if not isinstance(key, ec.EllipticCurvePublicKey):
        raise CertificateError("tls_ca: the key must be of curve P-256")
    return compute_spki_thumbprint(key)


def find_issuer(leaf_der: bytes, authorities: Mapping[bytes, tuple[str, bytes]]) -> str:
    """Return the member whose CA issued a leaf; `authorities` maps key thumbprints to (member, CA certificate).

    The leaf's authority key identifier only finds the candidate; the signature decides.

    Raises:
        CertificateError: no such CA, or its key did not sign the leaf.
    """
    leaf = _parse(leaf_der)
    try:
        identifier = leaf.extensions.get_extension_for_class(x509.AuthorityKeyIdentifier).value.key_identifier
    except x509.ExtensionNotFound as error:
        raise CertificateError("the client certificate names no issuing key") from error
    found = authorities.get(identifier or b"")
    if found is None:
        raise CertificateError("the client certificate is of no enrolled member")
    member, ca_der = found
    key = _parse(ca_der).public_key()
    if not isinstance(key, ec.EllipticCurvePublicKey):
        raise CertificateError("the member's CA key is not of curve P-256")
    _verify_issued_by(leaf, key, "the client certificate was not signed by the CA it names")
    return member


def read_validity(der: bytes) -> tuple[datetime, datetime]:
    """Return a certificate's first and last moment.

    Raises:
        CertificateError: it does not parse.
    """
    certificate = _parse(der)
    return certificate.not_valid_before_utc, certificate.not_valid_after_utc


def _parse(der: bytes) -> x509.Certificate:
    if len(der) > MAX_CERTIFICATE_BYTES:
        raise CertificateError(f"a certificate has at most {MAX_CERTIFICATE_BYTES} bytes here")
    try:
        certificate = x509.load_der_x509_certificate(der)
        certificate.extensions  # noqa: B018 - parsing the extensions is the check
        certificate.public_key()
    except (ValueError, x509.DuplicateExtension) as error:
        raise CertificateError("the bytes are no X.509 certificate") from error
    return certificate


def _check_ca_extensions(certificate: x509.Certificate, thumb: bytes) -> None:
    try:
        constraints = certificate.extensions.get_extension_for_class(x509.BasicConstraints).value
        identifier = certificate.extensions.get_extension_for_class(x509.SubjectKeyIdentifier).value.digest
    except x509.ExtensionNotFound as error:
        raise CertificateError("tls_ca: basic constraints and subject key identifier are required") from error
    if not constraints.ca or constraints.path_length != 0:
        raise CertificateError("tls_ca: it must be a CA of path length 0")
    if identifier != thumb:
        raise CertificateError("tls_ca: the subject key identifier must be the thumbprint of its own key")


def _verify_issued_by(certificate: x509.Certificate, key: ec.EllipticCurvePublicKey, problem: str) -> None:
    algorithm = certificate.signature_hash_algorithm
    if not isinstance(algorithm, hashes.SHA256 | hashes.SHA384 | hashes.SHA512):
        raise CertificateError(problem)
    try:
        key.verify(certificate.signature, certificate.tbs_certificate_bytes, ec.ECDSA(algorithm))
    except InvalidSignature as error:
        raise CertificateError(problem) from error


def _issue(
    ca_seed: bytes,
    key_seed: bytes,
    common_name: str,
    usage: x509.ExtendedKeyUsage,
    names: x509.SubjectAlternativeName | None,
    serial: int,
    not_before: datetime,
    not_after: datetime,
) -> bytes:
    ca_key, key = load_tls_key(ca_seed), load_tls_key(key_seed)
    thumb = compute_spki_thumbprint(ca_key.public_key())
    issuer = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, thumb.hex())])
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, common_name)])
    builder = _start(subject, issuer, key.public_key(), serial, not_before, not_after)
    builder = builder.add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
    builder = builder.add_extension(_key_usage(signs_certificates=False), critical=True)
    builder = builder.add_extension(usage, critical=False)
    subject_id = x509.SubjectKeyIdentifier(compute_spki_thumbprint(key.public_key()))
    builder = builder.add_extension(subject_id, critical=False)
    builder = builder.add_extension(x509.AuthorityKeyIdentifier(thumb, None, None), critical=False)
    if names is not None:
        builder = builder.add_extension(names, critical=False)
    return builder.sign(ca_key, hashes.SHA256()).public_bytes(serialization.Encoding.DER)


def _start(
    subject: x509.Name,
    issuer: x509.Name,
    key: ec.EllipticCurvePublicKey,
    serial: int,
    not_before: datetime,
    not_after: datetime,
) -> x509.CertificateBuilder:
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key)
        .serial_number(serial)
        .not_valid_before(not_before)
        .not_valid_after(not_after)
    )


def _key_usage(*, signs_certificates: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=not signs_certificates,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        key_cert_sign=signs_certificates,
        crl_sign=False,
        encipher_only=False,
        decipher_only=False,
    )


def _general_name(host: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ip_address(host))
    except ValueError:
        return x509.DNSName(host)
