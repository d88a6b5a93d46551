"""The agency's side of the exchange: library, command line, always-on process; it trusts nothing the broker says."""

from importlib.util import find_spec
from pathlib import Path

_INSTALLED_IN = Path(__file__).parent.parent

# A folder named `keys` or `schemas` next to an agency's own script would be imported in place of ours.
for _name in ("keys", "schemas"):
    _spec = find_spec(_name)
    if _spec is None or _spec.origin is None or Path(_spec.origin).parent != _INSTALLED_IN / _name:
        _found = _spec.origin or _spec.submodule_search_locations if _spec else None
        raise ImportError(
            f"agency_client needs its own package `{_name}` in {_INSTALLED_IN}, but `import {_name}` finds {_found}: "
            f"a file or folder of that name next to your script hides it; rename it or start the script from elsewhere"
        )
