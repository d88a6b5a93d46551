"""What makes a PDF, where it is not installed: what to install is said, and nothing else happens."""

import sys
from pathlib import Path

import pytest

from agency_client.interchange.report.printing import NoPrinterError, load_printer


def test_without_the_package_the_extra_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "weasyprint", None)

    with pytest.raises(NoPrinterError, match="needs weasyprint") as refusal:
        load_printer()

    assert (refusal.value.code, refusal.value.fix) == ("no-printer", "pip install 'bilateral[pdf]'")


def test_without_pangos_libraries_debians_packages_are_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "weasyprint.py").write_text("print('advice')\nraise OSError('cannot load library libpango-1.0-0')\n")
    monkeypatch.delitem(sys.modules, "weasyprint", raising=False)
    monkeypatch.syspath_prepend(tmp_path)

    with pytest.raises(NoPrinterError, match="needs Pango") as refusal:
        load_printer()

    assert refusal.value.fix.startswith("apt install libpango-1.0-0 ")
    assert capsys.readouterr() == ("", "")
