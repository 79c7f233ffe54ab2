"""Defaults, file, overrides, in that order; an unknown key or a wrong value is an error that helps."""

from __future__ import annotations

from pathlib import Path

import pytest
from pydantic import ValidationError

from proda_core.config import Config, config_from, known_keys, load_config
from proda_core.errors import ConfigError


def test_overrides_win_over_the_file_and_the_file_over_the_defaults(tmp_path: Path) -> None:
    path = tmp_path / "c.toml"
    path.write_text("seed = 4\n[training]\nrank = 8\nalpha = 8\n", encoding="utf-8")
    config = load_config(path, ["training.rank=4", "budget.wall_s=60"])
    assert (config.seed, config.training.rank, config.training.alpha, config.budget.wall_s) == (4, 4, 8, 60)
    assert config.training.dropout == Config().training.dropout


@pytest.mark.parametrize(
    ("text", "value"),
    [("none", None), (" 0.5 ", 0.5)],
)
def test_an_override_can_unset_a_key(text: str, value: float | None) -> None:
    assert load_config(None, [f"policy.target_dev={text}"]).policy.target_dev == value


def test_a_word_needs_no_quotes() -> None:
    assert load_config(None, ["benchmark.scoring=letter", 'name="econ"']).name == "econ"


@pytest.mark.parametrize(
    ("override", "message"),
    [
        ("training.rnak=8", r"unknown configuration key 'training.rnak'; did you mean 'training.rank'\?"),
        ("trainig.rank=8", "did you mean 'training.rank'"),
        ("training=8", "unknown configuration key 'training'"),
        ("seed", "wants a.b=value"),
        ("training.rank=0", "'training.rank'.*got 0"),
        ("training.rank=many", "'training.rank'.*got 'many'"),
        ("benchmark.scoring=guess", "'benchmark.scoring'"),
        ("name=../x", "'name'"),
        ("seed=-1", "'seed'"),
    ],
)
def test_a_wrong_override_is_explained(override: str, message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        load_config(None, [override])


def test_a_file_with_an_unknown_key_or_no_toml_is_explained(tmp_path: Path) -> None:
    path = tmp_path / "c.toml"
    path.write_text("[training]\nrnak = 8\n", encoding="utf-8")
    with pytest.raises(ConfigError, match=r"did you mean 'training\.rank'"):
        load_config(path)
    path.write_text("[training\n", encoding="utf-8")
    with pytest.raises(ConfigError, match="is not TOML"):
        load_config(path)
    with pytest.raises(ConfigError, match="cannot read"):
        load_config(tmp_path / "none.toml")


def test_a_resolved_configuration_is_frozen_and_comes_back_from_its_plain_form() -> None:
    config = load_config(None, ["seed=9"])
    assert config_from(config.model_dump(mode="json")) == config
    with pytest.raises(ValidationError, match="frozen"):
        config.seed = 1  # type: ignore[misc]  # assigning to a frozen field is what is refused


def test_every_known_key_can_be_set_to_its_default() -> None:
    plain = Config().model_dump(mode="json")
    for key in known_keys():
        section, _, name = key.rpartition(".")
        value = plain[section][name] if section else plain[name]
        text = "none" if value is None else str(value).lower() if isinstance(value, bool) else str(value)
        assert load_config(None, [f"{key}={text}"]) == Config(), key
