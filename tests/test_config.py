from __future__ import annotations

from pathlib import Path

import pytest
import yaml

from paletteot import config
from paletteot.errors import ParamsError

ROOT = Path(__file__).parent.parent


def with_change(tmp_path: Path, section: str, field: str, value: object) -> Path:
    raw = yaml.safe_load((ROOT / "params.yaml").read_text())
    raw[section][field] = value
    (tmp_path / "params.yaml").write_text(yaml.safe_dump(raw))
    return tmp_path / "params.yaml"


def test_the_shipped_parameters_are_those_of_the_protocol():
    params = config.load(ROOT / "params.yaml")
    assert (params.palettes.k, params.transport.eps, params.transport.atol) == (128, 0.1, 1e-4)
    assert params.transport.max_iterations == 20_000
    assert params.pairs.sizes() == {
        "train": 80_000, "validation_seen": 5_000, "validation_unseen": 5_000, "test_seen": 5_000, "test_unseen": 5_000
    }  # fmt: skip


@pytest.mark.parametrize(
    ("section", "field", "value", "words"),
    [
        ("palettes", "k", 0, "palettes.k: Input should be greater than or equal to 2, but is 0"),
        ("transport", "eps", 0, "transport.eps: Input should be greater than 0, but is 0"),
        ("transport", "eps", -1, "transport.eps: Input should be greater than 0, but is -1"),
        (
            "pairs",
            "total",
            99_999,
            "pairs: Value error, total must be the sum of the five splits, 100000, but is 99999",
        ),
        ("images", "colour", 1, "images.colour: Extra inputs are not permitted, but is 1"),
        ("evaluate", "splits", ["test"], "evaluate.splits.0: Input should be 'train', 'validation_seen'"),
        ("train", "device", "tpu", "train.device: Input should be 'auto', 'cpu', 'cuda' or 'mps', but is 'tpu'"),
    ],
)
def test_a_wrong_value_names_file_field_and_what_is_legal(tmp_path, section, field, value, words):
    with pytest.raises(ParamsError) as caught:
        config.load(with_change(tmp_path, section, field, value))
    message = str(caught.value)
    assert words in message
    assert message.startswith(str(tmp_path / "params.yaml"))
    assert "\n" not in message


@pytest.mark.parametrize(
    ("text", "words"), [("a: [", "not YAML"), ("", "the file: Input should be"), ("[]", "the file")]
)
def test_what_is_no_parameter_file_is_one_line(tmp_path, text, words):
    (tmp_path / "params.yaml").write_text(text)
    with pytest.raises(ParamsError, match=words) as caught:
        config.load(tmp_path / "params.yaml")
    assert "\n" not in str(caught.value)


def test_a_missing_file_is_named(tmp_path):
    with pytest.raises(ParamsError, match=r"params\.yaml: no such file"):
        config.load(tmp_path / "params.yaml")
