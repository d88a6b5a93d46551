"""Whether 32 bytes are a sound Ed25519 public key: canonical, on the curve, and of prime order (RFC 8032 §5.1).

OpenSSL accepts points of small order, under which one signature fits any message, so every verifier asks here first.
Plain integer arithmetic on public values: nothing secret passes through. A key takes a few milliseconds; a directory
that is rebuilt asks of the same keys again, so answers are remembered.
"""

from functools import lru_cache

P = 2**255 - 19
L = 2**252 + 27742317777372353535851937790883648493
_D = -121665 * pow(121666, P - 2, P) % P
_SQRT_MINUS_ONE = pow(2, (P - 1) // 4, P)

_Point = tuple[int, int, int, int]
_IDENTITY: _Point = (0, 1, 1, 0)


@lru_cache(maxsize=1024)
def is_sound_public_key(data: bytes) -> bool:
    """Return whether `data` is the canonical encoding of a point of order L."""
    point = _decode(data)
    return point is not None and not _is_identity(point) and _is_identity(_multiply(L, point))


def _decode(data: bytes) -> _Point | None:
    """Decode a point (RFC 8032 §5.1.3), refusing y >= p and the negative zero of x."""
    if len(data) != 32:
        return None
    number = int.from_bytes(data, "little")
    sign, y = number >> 255, number & ((1 << 255) - 1)
    if y >= P:
        return None
    numerator, denominator = (y * y - 1) % P, (_D * y * y + 1) % P
    x = numerator * denominator**3 * pow(numerator * pow(denominator, 7, P), (P - 5) // 8, P) % P
    if (denominator * x * x - numerator) % P:
        x = x * _SQRT_MINUS_ONE % P
        if (denominator * x * x - numerator) % P:
            return None
    if x == 0 and sign:
        return None
    if x & 1 != sign:
        x = P - x
    return x, y, 1, x * y % P


def _add(first: _Point, second: _Point) -> _Point:
    """Add two points in extended coordinates (RFC 8032 §5.1.4)."""
    x1, y1, z1, t1 = first
    x2, y2, z2, t2 = second
    a, b = (y1 - x1) * (y2 - x2) % P, (y1 + x1) * (y2 + x2) % P
    c, d = 2 * t1 * t2 * _D % P, 2 * z1 * z2 % P
    e, f, g, h = b - a, d - c, d + c, b + a
    return e * f % P, g * h % P, f * g % P, e * h % P


def _multiply(scalar: int, point: _Point) -> _Point:
    result = _IDENTITY
    while scalar:
        if scalar & 1:
            result = _add(result, point)
        point = _add(point, point)
        scalar >>= 1
    return result


def _is_identity(point: _Point) -> bool:
    x, y, z, _ = point
    return x % P == 0 and (y - z) % P == 0
