"""A report as sheets of paper: the page of HTML in PDF, by WeasyPrint, which an agency installs where it prints.

It fetches nothing, and no text lies in a file of its own. Where the package or Debian's libraries are missing, what to
install is said before anything is read.
"""

from collections.abc import Callable
from contextlib import redirect_stdout
from io import StringIO

from agency_client.errors import ConflictError

_PACKAGE = "pip install 'bilateral[pdf]'"
_LIBRARIES = "apt install libpango-1.0-0 libpangoft2-1.0-0 libharfbuzz-subset0"

Printer = Callable[[str], bytes]


class NoPrinterError(ConflictError):
    """What makes a PDF is not installed here."""

    default_code = "no-printer"


def load_printer() -> Printer:
    """Return what makes a PDF of a page of HTML.

    Raises:
        NoPrinterError: WeasyPrint, or a library that it needs, is not installed.
    """
    try:
        with redirect_stdout(StringIO()):  # It prints advice where a library is missing; ours is below.
            from weasyprint import HTML  # type: ignore[import-not-found]  # noqa: PLC0415 - an extra
            from weasyprint.urls import URLFetcher  # type: ignore[import-not-found]  # noqa: PLC0415 - an extra
    except ModuleNotFoundError as error:
        raise NoPrinterError(f"a PDF needs {error.name}, which is not installed", fix=_PACKAGE) from error
    except OSError as error:
        raise NoPrinterError("a PDF needs Pango's libraries, which are not installed", fix=_LIBRARIES) from error

    def print_page(page: str) -> bytes:
        made: bytes = HTML(string=page, url_fetcher=URLFetcher(allowed_protocols=())).write_pdf(pdf_tags=True)
        return made

    return print_page
