"""Every manipulation by its name."""

from tests.hostile.families import (
    agreements,
    answers,
    believing,
    contents,
    histories,
    inboxes,
    keys,
    receipts,
    statuses,
    witnesses,
)
from tests.hostile.manipulation import Manipulation

_FAMILIES = (contents, inboxes, believing, agreements, keys, histories, witnesses, statuses, receipts, answers)

MANIPULATIONS: dict[str, type[Manipulation]] = {
    found.name: found
    for family in _FAMILIES
    for found in vars(family).values()
    if isinstance(found, type) and issubclass(found, Manipulation) and "name" in vars(found)
}
