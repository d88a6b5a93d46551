"""docs/operations.md names every setting with its default, metrics that exist, and the unit starts what there is."""

import re
from collections import Counter
from pathlib import Path

import pytest
from pydantic import BaseModel
from typer.main import get_command

from broker.agreements.book import Agreements
from broker.cli import app
from broker.clock import SystemClock
from broker.dead_letters.rules import Letters
from broker.observability.agreements import AgreementCollector
from broker.observability.dead_letters import DeadLetterCollector
from broker.observability.metrics import Metrics
from broker.settings import Settings

ROOT = Path(__file__).resolve().parents[2]
PAGE = (ROOT / "docs" / "operations.md").read_text("utf-8")
UNIT = (ROOT / "deploy" / "bilateral-broker.service").read_text("utf-8")
NOT_TOLD = {"database_url"}  # refused: where the database is, is said once, when the exchange is made


def list_settings(model: type[BaseModel], prefix: str = "") -> dict[str, str]:
    """Return each setting with its default, as the page spells them."""
    found: dict[str, str] = {}
    for name, field in model.model_fields.items():
        if isinstance(field.default, BaseModel):
            found |= list_settings(type(field.default), f"{prefix}{name}.")
        else:
            found[prefix + name] = "none" if field.default is None else f"`{field.default}`"
    return found


def test_every_setting_stands_in_the_page_with_its_default() -> None:
    table = PAGE.partition("| Setting |")[2].partition("\n\n")[0]
    told = dict(re.findall(r"^\| `([a-z_.]+)` \| (\S+) \|", table, re.MULTILINE))
    settings = list_settings(Settings)
    assert told == {name: default for name, default in settings.items() if name not in NOT_TOLD}


def test_the_metrics_named_are_counted() -> None:
    agreements = AgreementCollector(Agreements, SystemClock())
    letters = DeadLetterCollector(lambda since: Letters(since, Counter(), ()), list, SystemClock())
    described = (*agreements.describe(), *letters.describe())
    counted = {metric.name for metric in (*Metrics().registry.collect(), *described)}
    named = set(re.findall(r"`(bilateral_[a-z_]+)`", PAGE))
    assert named == counted


@pytest.mark.parametrize("text", [PAGE, UNIT])
def test_the_commands_named_exist_with_the_options_given(text: str) -> None:
    verbs = get_command(app).commands  # type: ignore[attr-defined]  # a group, which typer's type does not say
    calls = re.findall(r"(?<![\w-])broker ([a-z-]+)((?: --[a-z-]+(?: [^\s`-]\S*)?)*)", text)
    calls = [(verb, options) for verb, options in calls if verb in verbs]
    assert calls
    for verb, options in calls:
        known = {name for parameter in verbs[verb].params for name in parameter.opts}
        assert set(re.findall(r"--[a-z-]+", options)) <= known, verb
