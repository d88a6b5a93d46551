"""Keccak-256 as Ethereum uses it, from before NIST changed the padding: hashlib's SHA3-256 is another function.

For checksums in addresses, which are short and public; nothing secret goes through it.
"""

_MASK = (1 << 64) - 1
_RATE_BYTES = 136
_ROUNDS = 24
_ROTATIONS = (
    (0, 36, 3, 41, 18),
    (1, 44, 10, 45, 2),
    (62, 6, 43, 15, 61),
    (28, 55, 25, 21, 56),
    (27, 20, 39, 8, 14),
)
"""How far lane [x][y] turns in the step rho (FIPS 202, table 2)."""

Lanes = list[list[int]]


def compute_keccak_256(data: bytes) -> bytes:
    """Return the 32 bytes of Keccak-256 (the Keccak reference, version 3.0, with capacity 512)."""
    padded = bytearray(data) + b"\x01" + bytes(-(len(data) + 1) % _RATE_BYTES)
    padded[-1] |= 0x80
    lanes = [[0] * 5 for _ in range(5)]
    for start in range(0, len(padded), _RATE_BYTES):
        block = padded[start : start + _RATE_BYTES]
        for place in range(_RATE_BYTES // 8):
            lanes[place % 5][place // 5] ^= int.from_bytes(block[8 * place : 8 * place + 8], "little")
        for constant in _ROUND_CONSTANTS:
            lanes = _permute(lanes, constant)
    return b"".join(lanes[place][0].to_bytes(8, "little") for place in range(4))


def _permute(lanes: Lanes, constant: int) -> Lanes:
    columns = [lane[0] ^ lane[1] ^ lane[2] ^ lane[3] ^ lane[4] for lane in lanes]
    parity = [columns[x - 1] ^ _turn(columns[(x + 1) % 5], 1) for x in range(5)]
    turned = [[0] * 5 for _ in range(5)]
    for x in range(5):
        for y in range(5):
            turned[y][(2 * x + 3 * y) % 5] = _turn(lanes[x][y] ^ parity[x], _ROTATIONS[x][y])
    mixed = [[turned[x][y] ^ (~turned[(x + 1) % 5][y] & turned[(x + 2) % 5][y]) for y in range(5)] for x in range(5)]
    mixed[0][0] ^= constant
    return mixed


def _turn(lane: int, bits: int) -> int:
    return ((lane << bits) | (lane >> (64 - bits))) & _MASK


def _make_round_constants() -> tuple[int, ...]:
    """Return the constants of the step iota, from its shift register (FIPS 202, algorithm 5)."""
    register, constants = 1, []
    for _ in range(_ROUNDS):
        constant = 0
        for power in range(7):
            constant |= (register & 1) << ((1 << power) - 1)
            register = (register << 1) ^ (0x171 if register & 0x80 else 0)
        constants.append(constant)
    return tuple(constants)


_ROUND_CONSTANTS = _make_round_constants()
