"""Settings: where they come from, what is refused, what is never shown."""

import tomllib
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from detente.errors import MalformedInput
from detente.settings import MASK, SETTINGS, Settings, load, masked_url, toml, toml_value


def test_the_command_line_comes_before_the_environment_before_the_file(tmp_path: Path) -> None:
    file = tmp_path / "node.toml"
    file.write_text("port = 1\nworkers = 1\nlog_level = 'error'\n")
    environment = {"DETENTE_PORT": "2", "DETENTE_LOG_LEVEL": "warning", "PORT": "9"}
    named = {"port": "4", "host": "::1"}
    found = load(options={"port": "3"}, named=named, environment=environment, file=file)
    settings, origins = found.settings, found.origins
    assert (settings.port, settings.log_level, settings.workers) == (3, "warning", 1)
    assert origins["port"] == "option --port"
    assert origins["log_level"] == "environment DETENTE_LOG_LEVEL"
    assert origins["workers"] == f"{file}, workers"
    assert origins["host"] == "--set host"
    assert origins["keys"] == "default"


def test_with_nothing_said_all_is_default(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert load(options={}, environment={}).settings == Settings()
    (tmp_path / "detente.toml").write_text("port = 9001")
    assert load(options={}, environment={}).settings.port == 9001


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("prot = 1", "prot: expected port, got prot"),
        ("zzz = 1", "zzz: expected a setting of docs/settings.md, got zzz"),
        ("port = 'eighty'", "port: expected a whole number from 0 to 65535, got 'eighty'"),
        ("port = 65536", "port: expected a whole number from 0 to 65535, got 65536"),
        ("port = true", "port: expected a whole number from 0 to 65535, got True"),
        ("headers_timeout_s = 0", "headers_timeout_s: expected a number above 0, at most 3600"),
        ("party_bytes_per_s = -1", "expected a number, 0 or more, got -1"),
        ("log_level = 'loud'", "expected debug or info or warning or error, got 'loud'"),
        ("metrics = 'here'", "expected loopback, off or HOST:PORT, got 'here'"),
        ("audiences = 1", "audiences: expected a list of texts, got 1"),
        ("tls_client_required = 'yes'", "expected true or false"),
        ("tls_key = 'k'", "tls_key: expected tls_certificate and tls_key"),
        ("tls_client_ca = 'c'", "expected a tls_certificate as well"),
        ("tls_client_required = true", "expected a tls_client_ca as well"),
        ("cot_tls = '8089'", "cot_tls: expected a tls_client_ca as well"),
        ("cot_tcp = '8087'", "cot_tcp: expected a cot_party as well"),
        ("cot_udp = '8087'", "cot_udp: expected a cot_party as well"),
        ("cot_ca_key = 'k'", "expected cot_ca_certificate and cot_ca_key, or neither"),
        ("cot_ca_key = 'k'\ncot_ca_certificate = 'c'", "expected a tls_certificate as well"),
        ("port = ", "expected TOML"),
    ],
)
def test_what_nobody_can_mean_is_refused_where_it_stands(
    tmp_path: Path, text: str, said: str
) -> None:
    file = tmp_path / "node.toml"
    file.write_text(text)
    with pytest.raises(MalformedInput) as refused:
        load(options={}, environment={}, file=file)
    assert said in str(refused.value)
    if text != "tls_key = 'k'":  # what is lacking stands nowhere
        assert str(file) in str(refused.value)


def test_a_file_that_is_named_must_be_there(tmp_path: Path) -> None:
    with pytest.raises(MalformedInput, match=r"nowhere\.toml"):
        load(options={}, environment={}, file=tmp_path / "nowhere.toml")


def test_an_unknown_variable_of_ours_is_refused_and_others_are_not_ours() -> None:
    assert load(options={}, environment={"DETENTE_STORE": "x", "HOME": "y"})
    with pytest.raises(MalformedInput, match="environment DETENTE_PROT: expected port"):
        load(options={}, environment={"DETENTE_PROT": "1"})
    with pytest.raises(MalformedInput, match="--set prot: expected port, got prot"):
        load(options={}, named={"prot": "1"}, environment={})


def test_lists_and_tables_in_the_environment() -> None:
    environment = {
        "DETENTE_AUDIENCES": "a.example, b.example",
        "DETENTE_ISSUERS": '[{issuer = "https://id.example", introduces = true}]',
        "DETENTE_TLS_CLIENT_REQUIRED": "false",
    }
    settings = load(options={}, environment=environment).settings
    assert settings.audiences == ("a.example", "b.example")
    assert settings.issuers == ({"issuer": "https://id.example", "introduces": True},)
    with pytest.raises(MalformedInput, match="DETENTE_ISSUERS: expected tables"):
        load(options={}, environment={"DETENTE_ISSUERS": "[{"})


def test_a_table_that_is_wrong_is_not_shown() -> None:
    with pytest.raises(MalformedInput) as refused:
        load(options={}, environment={"DETENTE_PROVIDERS": '["client_secret=sesame"]'})
    assert "sesame" not in str(refused.value)


def test_secrets_are_masked_and_the_rest_is_toml_again() -> None:
    environment = {
        "DETENTE_DATABASE": "postgresql://me:sesame@db/node?password=sesame",
        "DETENTE_PROVIDERS": '[{id = "a", client_secret = "sesame", grants = [{claim = "c"}]}]',
        "DETENTE_AUDIENCES": 'a"b\\c',
    }
    text = toml(load(options={}, environment=environment))
    assert "sesame" not in text
    found = tomllib.loads(text)
    assert found["database"] == f"postgresql://me:{MASK}@db/node?password={MASK}"
    assert found["providers"] == [{"id": "a", "client_secret": MASK, "grants": [{"claim": "c"}]}]
    assert found["audiences"] == ['a"b\\c']
    assert set(found) | {"issuers"} == {one.name for one in SETTINGS} | {"issuers"}


def test_a_password_is_masked_wherever_it_stands() -> None:
    assert masked_url("postgresql://me@db/node") == "postgresql://me@db/node"
    assert "sesame" not in masked_url("postgresql://me:se:same@db:5432/node").replace("se:same", "")
    assert "sesame" not in masked_url("postgresql://db/x?sslpassword=sesame&a=b")


@given(
    st.recursive(
        st.booleans() | st.integers(-(2**63), 2**63 - 1) | st.text(),
        lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    )
)
def test_what_is_written_is_read_again(value: object) -> None:
    assert tomllib.loads(f"value = {toml_value(value)}")["value"] == value


def test_every_setting_has_help_and_says_what_it_takes() -> None:
    for one in SETTINGS:
        assert one.help.endswith(".")
        assert one.expected
