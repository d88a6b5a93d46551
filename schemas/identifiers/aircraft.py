"""Aircraft and flights: nationality marks, flight numbers, carriers. None of them has a check digit.

The marks are those notified to ICAO under Annex 7; what they were compared with is in docs/identifiers.md.
"""

import re

from schemas.identifiers.checked import Checked, Finding, explain
from schemas.identifiers.numbers import normalise_document_number
from schemas.identifiers.states import canonicalise_state

_MARKS = """
    ABW:P4 AFG:YA AGO:D2 AIA:VPA ALB:ZA AND:C3 ARE:A6,DU ARG:LV,LQ ARM:EK ATG:V2 AUS:VH AUT:OE AZE:4K BDI:9U BEL:OO
    BEN:TY BFA:XT BGD:S2,S3 BGR:LZ BHR:A9C BHS:C6 BIH:E7,T9 BLR:EW BLZ:V3 BMU:VPB,VQB BOL:CP BRA:PP,PR,PS,PT,PU
    BRB:8P BRN:V8 BTN:A5 BWA:A2 CAF:TL CAN:C,CF,CG CHE:HB CHL:CC CHN:B CIV:TU CMR:TJ COD:9Q,9S,9T COG:TN COK:E5
    COL:HJ,HK COM:D6 CPV:D4 CRI:TI CUB:CU CUW:PJ CYM:VPC CYP:5B CZE:OK D:D DJI:J2 DMA:J7 DNK:OY DOM:HI DZA:7T
    ECU:HC EGY:SU ERI:E3 ESP:EC,EM EST:ES ETH:ET FIN:OH FJI:DQ FLK:VPF FRA:F FRO:OYR FSM:V6 GAB:TR GBR:G GEO:4L
    GGY:2 GHA:9G GIB:VPG GIN:3X GMB:C5 GNB:J5 GNQ:3C GRC:SX GRD:J3 GTM:TG GUY:8R HKG:BH,BK,BL HND:HR HRV:9A HTI:HH
    HUN:HA IDN:PK IMN:M IND:VT IRL:EI,EJ IRN:EP IRQ:YI ISL:TF ISR:4X ITA:I JAM:6Y JEY:ZJ JOR:JY JPN:JA KAZ:UP KEN:5Y
    KGZ:EX KHM:XU KIR:T3 KNA:V4 KOR:HL KWT:9K LAO:RDPL LBN:OD LBR:A8 LBY:5A LCA:J6 LKA:4R LSO:7P LTU:LY LUX:LX LVA:YL
    MAC:BM MAR:CN MCO:3A MDA:ER MDG:5R MDV:8Q MEX:XA,XB,XC MHL:V7 MKD:Z3 MLI:TZ MLT:9H MMR:XY,XZ MNE:4O MNG:JU
    MOZ:C9 MRT:5T MSR:VPM MUS:3B MWI:7Q MYS:9M NAM:V5 NER:5U NGA:5N NIC:YN NLD:PH NOR:LN NPL:9N NRU:C2 NZL:ZK,ZL,ZM
    OMN:A4O PAK:AP,AR PAN:HP PER:OB PHL:RP PLW:T8 PNG:P2 POL:SP,SN PRK:P PRT:CS,CR PRY:ZP PSE:E4 QAT:A7 RKS:Z6 ROU:YR
    RUS:RA,RF RWA:9XR SAU:HZ SDN:ST SEN:6V,6W SGP:9V SLB:H4 SLE:9L SLV:YS SMR:T7 SOM:6O SRB:YU SSD:Z8 STP:S9 SUR:PZ
    SVK:OM SVN:S5 SWE:SE SWZ:3DC SYC:S7 SYR:YK TCA:VQT TCD:TT TGO:5V THA:HS,U TJK:EY TKM:EZ TLS:4W TON:A3 TTO:9Y
    TUN:TS TUR:TC TUV:T2 TZA:5H UGA:5X UKR:UR URY:CX USA:N UZB:UK VCT:J8 VEN:YV VGB:VPL VNM:VN,XV VUT:YJ WSM:5W
    YEM:7O ZAF:ZS,ZT,ZU ZMB:9J ZWE:Z
"""
_STATES = {
    mark: state for state, _, marks in (entry.partition(":") for entry in _MARKS.split()) for mark in marks.split(",")
}
_WITH_MARKS = frozenset(_STATES.values())
_TAIL_LETTERS = range(3, 10)
_AMERICAN = re.compile(r"N[1-9](?:[0-9]{0,4}|[0-9]{0,3}[A-HJ-NP-Z]|[0-9]{0,2}[A-HJ-NP-Z]{2})")
_IATA_FLIGHT = re.compile(r"((?=.*?[A-Z])[A-Z0-9]{2})([0-9]{1,4})([A-Z]?)")
_ICAO_FLIGHT = re.compile(r"([A-Z]{3})([0-9]{1,4})([A-Z]{0,2})")
_CARRIER = re.compile(r"(?=.*[A-Z])[A-Z0-9]{2}|[A-Z]{3}")


def check_tail(as_seen: str, *, state: str | None = None) -> Checked:
    """Check an aircraft's nationality and registration marks (ICAO Annex 7), which have no check digit."""
    marks = normalise_document_number(as_seen)
    if not (marks.isascii() and marks.isalnum()):
        return explain(as_seen, None, Finding.WRONG_CHARACTERS)
    if len(marks) not in _TAIL_LETTERS:
        return explain(as_seen, None, Finding.WRONG_LENGTH)
    registry = find_registry(marks)
    if registry is None:
        return explain(as_seen, marks, Finding.UNKNOWN_PREFIX)
    form = Finding.NO_CHECK_DIGIT
    if registry == "USA" and not _AMERICAN.fullmatch(marks):
        form = Finding.UNUSUAL_FORM
    named = None if state is None else canonicalise_state(state)
    is_other = named in _WITH_MARKS and named not in {registry, *_SHARED.get(registry, ())}
    return explain(as_seen, marks, *((form, Finding.OTHER_STATE) if is_other else (form,)))


def find_registry(marks: str) -> str | None:
    """Return the state whose nationality mark the marks begin with, the longest that fits (`GABCD`: `GBR`)."""
    return next((_STATES[marks[:size]] for size in (4, 3, 2, 1) if marks[:size] in _STATES), None)


def check_flight(as_seen: str) -> Checked:
    """Check a flight number: the carrier's designator of two (IATA) or three (ICAO) letters, then up to four digits."""
    flight = normalise_document_number(as_seen)
    match = _ICAO_FLIGHT.fullmatch(flight) or _IATA_FLIGHT.fullmatch(flight)
    if match is not None:
        carrier, number, suffix = match.groups()
        return explain(as_seen, f"{carrier}{number.lstrip('0') or '0'}{suffix}", Finding.NO_CHECK_DIGIT)
    if not (flight.isascii() and flight.isalnum()):
        return explain(as_seen, None, Finding.WRONG_CHARACTERS)
    return explain(as_seen, flight, Finding.UNUSUAL_FORM)


def check_carrier(as_seen: str) -> Checked:
    """Check a carrier's designator: two characters (IATA) or three letters (ICAO Doc 8585); a name has no rule."""
    code = as_seen.strip().upper()
    if _CARRIER.fullmatch(code):
        return explain(as_seen, code, Finding.NO_CHECK_DIGIT)
    return explain(as_seen, None, Finding.NO_RULE)


_SHARED = {"CHN": ("HKG", "MAC", "TWN"), "FRA": ("GLP", "MTQ", "GUF", "REU", "NCL", "PYF"), "GBR": ("GIB",)}
"""States whose mark others carry too."""
