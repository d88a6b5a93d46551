"""Where and on which way false documents turn up: public places at the borders of the European Union."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from agency_client.generating.dice import Dice
from agency_client.generating.reserved import draw_flight
from schemas.alerts.coded import Flow


@dataclass(frozen=True, slots=True)
class BorderPoint:
    """A border crossing point: its state, name and UN/LOCODE; whether people fly there."""

    state: str
    place: str
    locode: str
    is_airport: bool


POINTS: Mapping[BorderPoint, int] = {
    BorderPoint("FRA", "Paris Charles de Gaulle Airport", "FR CDG", True): 12,
    BorderPoint("ESP", "Madrid-Barajas Airport", "ES MAD", True): 9,
    BorderPoint("D", "Frankfurt Airport", "DE FRA", True): 9,
    BorderPoint("ITA", "Rome Fiumicino Airport", "IT FCO", True): 8,
    BorderPoint("GRC", "Athens Airport", "GR ATH", True): 8,
    BorderPoint("NLD", "Amsterdam Schiphol Airport", "NL AMS", True): 7,
    BorderPoint("BEL", "Brussels Airport", "BE BRU", True): 6,
    BorderPoint("PRT", "Lisbon Airport", "PT LIS", True): 5,
    BorderPoint("AUT", "Vienna Airport", "AT VIE", True): 4,
    BorderPoint("POL", "Medyka", "PL MED", False): 6,
    BorderPoint("HUN", "Röszke", "HU ROS", False): 6,
    BorderPoint("BGR", "Kapitan Andreevo", "BG KAN", False): 5,
    BorderPoint("HRV", "Bajakovo", "HR BAJ", False): 4,
    BorderPoint("FRA", "Calais, ferry port", "FR CQF", False): 4,
    BorderPoint("ITA", "Bari, ferry port", "IT BRI", False): 3,
    BorderPoint("GRC", "Patras, ferry port", "GR GPA", False): 2,
    BorderPoint("ESP", "Algeciras, ferry port", "ES ALG", False): 2,
}
"""Shares of a hundred. Assumed; that most are found at airports is usual."""

FLOWS: Mapping[Flow, int] = {Flow.ENTRY: 58, Flow.EXIT: 24, Flow.TRANSIT: 18}
"""Shares of a hundred. Assumed."""
ORIGINS: Mapping[str, int] = {
    "TUR": 16, "SYR": 12, "AFG": 9, "MAR": 9, "ALB": 8, "UKR": 8, "COL": 6, "IRN": 6, "VNM": 5, "NGA": 5,
    "PAK": 4, "COD": 4, "SEN": 4, "LKA": 4,
}  # fmt: skip
"""States where a journey began; shares of a hundred. Assumed."""
DESTINATIONS: Mapping[str, int] = {"D": 24, "FRA": 20, "GBR": 18, "ITA": 12, "ESP": 10, "BEL": 8, "SWE": 8}
"""States where it was to end; shares of a hundred. Assumed."""


def draw_encounter(dice: Dice, at: str) -> dict[str, Any]:
    """Return where, at a moment as the wire spells it, and on which way a document was presented."""
    point = dice.weigh(POINTS)
    flow = dice.weigh(FLOWS)
    encounter: dict[str, Any] = {
        "at": at,
        "place": point.place,
        "state": point.state,
        "locode": {"as_seen": point.locode, "state": point.state},
        "presented_for": "boarding" if flow is Flow.EXIT and point.is_airport else "border-check",
        "flow": flow.value,
        "route": {"origin": dice.weigh(ORIGINS), "destination": dice.weigh(DESTINATIONS)},
    }
    if point.is_airport:
        encounter["flight"] = {"as_seen": draw_flight(dice)}
    return encounter
