"""Numbers and addresses that are nobody's: ranges reserved for fiction and tests, and examples that were published.

Documents are Utopia's (UTO), the state of the specimens in ICAO Doc 9303: whatever their number, no state issued them.
What each range was compared with is in docs/identifiers.md.
"""

from collections.abc import Mapping

from agency_client.generating.dice import Dice

SPECIMEN_STATE = "UTO"

PHONES: Mapping[str, tuple[str, int, int]] = {
    # Ofcom, Telephone numbers for use in TV and radio drama programmes: 07700 900000 to 900999.
    "GBR": ("+447700900", 0, 999),
    # NANPA, 555 line numbers: 555-0100 to 555-0199 are for fiction, in every area.
    "USA": ("+12025550", 100, 199),
    # ARCEP, décision 2018-0881: 06 39 98 00 00 to 99 99 are for audio-visual works.
    "FRA": ("+336399", 80000, 89999),
    # PTS, numbers for use in books and films: 070-174 06 05 to 99.
    "SWE": ("+46701740", 605, 699),
}
"""By state: what such a number begins with, and between which its last digits lie."""

IBANS = (
    "GB29 NWBK 6016 1331 9268 19",
    "DE89 3704 0044 0532 0130 00",
    "FR14 2004 1010 0505 0001 3M02 606",
    "NL91 ABNA 0417 1643 00",
    "ES91 2100 0418 4502 0005 1332",
    "IT60 X054 2811 1010 0000 0123 456",
    "CH93 0076 2011 6238 5295 7",
    "AT61 1904 3002 3457 3201",
    "SE45 5000 0000 0583 9825 7466",
    "TR33 0006 1005 1978 6457 8413 26",
    "GR16 0110 1250 0000 0001 2300 695",
)
"""The examples of the IBAN registry (SWIFT, ISO 13616)."""

WALLETS = (
    ("bc1qw508d6qejxtdg4y5r3zarvary0c5xw7kv8f3t4", "bitcoin"),
    ("bc1p0xlxvlhemja6c4dqv22uapctqupfhlxm9h8z3k2e72q4k9hcz7vqzk5jj0", "bitcoin"),
)
"""The examples of BIP 173 and BIP 350."""

MAIL_DOMAINS = ("example.org", "example.com", "example.net")
"""Reserved by RFC 2606."""


def draw_phone(dice: Dice) -> str:
    """Return a telephone number that is given to nobody."""
    start, first, last = PHONES[dice.choose(tuple(PHONES))]
    return f"{start}{dice.between(first, last):0{len(str(last))}}"


def draw_email(dice: Dice) -> str:
    """Return an e-mail address that reaches nobody."""
    return f"specimen-{dice.digits(4)}@{dice.choose(MAIL_DOMAINS)}"


def draw_subscriber(dice: Dice) -> str:
    """Return a subscriber's number (IMSI) of the test network (ITU-T E.212: country 001, network 01)."""
    return f"00101{dice.digits(10)}"


def draw_document_number(dice: Dice) -> str:
    """Return a document number in the form of ICAO's specimens, such as L898902C3."""
    return f"{dice.letter()}{dice.digits(6)}{dice.letter()}{dice.digits(1)}"


def draw_flight(dice: Dice) -> str:
    """Return a flight of XX, which no airline is."""
    return f"XX {dice.between(1000, 9999)}"
