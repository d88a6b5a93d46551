"""Every manipulation by its name."""

from tests.hostile.families import contents, histories
from tests.hostile.manipulation import Manipulation

_FAMILIES = (contents, histories)

MANIPULATIONS: dict[str, type[Manipulation]] = {
    found.name: found
    for family in _FAMILIES
    for found in vars(family).values()
    if isinstance(found, type) and issubclass(found, Manipulation) and "name" in vars(found)
}
