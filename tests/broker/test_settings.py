"""Settings come from file, environment and command line, and unsafe ones are refused with the reason."""

from pathlib import Path

import pytest

from broker.settings import SettingsError, load_settings


@pytest.fixture(autouse=True)
def no_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """Hide what the machine of the test happens to set."""
    import os

    for name in list(os.environ):
        if name.startswith("BILATERAL_BROKER_"):
            monkeypatch.delenv(name)


def write(path: Path, text: str) -> Path:
    path.write_text(text)
    return path


def test_the_defaults_are_safe() -> None:
    settings = load_settings(None, {})
    assert (settings.environment, settings.listen.host, settings.admin.host) == ("production", "127.0.0.1", "127.0.0.1")
    assert settings.limits.keep_alive_seconds == 75


def test_the_environment_stands_over_the_file_and_the_command_line_over_both(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = write(tmp_path / "broker.toml", 'folder = "a"\nlog_level = "error"\n[listen]\nport = 1\nhost = "::1"\n')
    monkeypatch.setenv("BILATERAL_BROKER_LISTEN__PORT", "2")
    monkeypatch.setenv("BILATERAL_BROKER_FOLDER", "b")
    settings = load_settings(file, {}, folder=Path("c"), log_level=None)
    assert (settings.listen.host, settings.listen.port) == ("::1", 2)
    assert (settings.folder, settings.log_level) == (Path("c"), "error")


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("nonsense", "not TOML"),
        ('database_url = "postgresql://x"', "database_url is set: .*broker init --database FILE"),
        ('database_url = "sqlite:///elsewhere.db"', "database_url is set"),
        ("[listen]\nprot = 1", "listen.prot: Extra inputs"),
        ("[listen]\nport = 70000", "listen.port: Input should be less than"),
        ('[admin]\nhost = "0.0.0.0"', "admin.host is 0.0.0.0: metrics and readiness are served without TLS"),
        ('[admin]\nhost = "monitoring"', "loopback address only"),
        ('environment = "testing"\n[listen]\nhost = "0.0.0.0"', "such a broker listens on loopback only"),
    ],
)
def test_wrong_and_unsafe_settings_are_refused_with_the_reason(tmp_path: Path, text: str, sentence: str) -> None:
    with pytest.raises(SettingsError, match=sentence):
        load_settings(write(tmp_path / "broker.toml", text), {})


def test_a_secret_that_stands_in_the_wrong_place_is_not_repeated(tmp_path: Path) -> None:
    file = write(tmp_path / "broker.toml", '[listen]\nport = "correct horse"')
    with pytest.raises(SettingsError) as caught:
        load_settings(file, {})
    assert "horse" not in str(caught.value)


def test_a_file_that_is_named_must_be_there(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="no such settings file"):
        load_settings(tmp_path / "missing.toml", {})


def test_failpoints_are_for_tests_only() -> None:
    environment = {"BILATERAL_FAILPOINT": "commit.after-commit"}
    with pytest.raises(SettingsError, match="kills the broker on purpose"):
        load_settings(None, environment)
    assert load_settings(None, environment, environment="testing").environment == "testing"


@pytest.mark.parametrize("mode", [0o750, 0o705, 0o711])
def test_a_folder_that_others_can_enter_is_refused_with_the_way_out(tmp_path: Path, mode: int) -> None:
    folder = tmp_path / "exchange"
    folder.mkdir()
    folder.chmod(mode)
    with pytest.raises(SettingsError, match=f"run `chmod go= {folder}`"):
        load_settings(None, {}, folder=folder)
    folder.chmod(0o700)
    assert load_settings(None, {}, folder=folder).folder == folder


def test_a_passphrase_that_others_can_read_is_refused(tmp_path: Path) -> None:
    file = write(tmp_path / "passphrase", "secret")
    file.chmod(0o644)
    with pytest.raises(SettingsError, match="passphrase_file"):
        load_settings(None, {}, passphrase_file=file)
