from __future__ import annotations

from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
import yaml
from hypothesis import example, given
from hypothesis import strategies as st

from paletteot import warmstarts
from paletteot.config import params as config
from paletteot.config.train import Train, TrainDualNetwork
from paletteot.errors import ParamsError

ROOT = Path(__file__).parent.parent


def with_change(tmp_path: Path, section: str, field: str, value: object) -> Path:
    raw = yaml.safe_load((ROOT / "params.yaml").read_text())
    *path, last = field.split(".")
    place = raw[section]
    for name in path:
        place = place[name]
    place[last] = value
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
        ("evaluate", "splits", {"test": 5}, "evaluate.splits.test.[key]: Input should be 'train', 'validation_seen'"),
        ("train", "device", "tpu", "train.device: Input should be 'auto', 'cpu', 'cuda' or 'mps', but is 'tpu'"),
        ("train", "seeds", [], "train.seeds: Tuple should have at least 1 item after validation, not 0"),
        ("train", "seeds", [5, -1], "train.seeds.1: Input should be greater than or equal to 0, but is -1"),
        ("train", "seed", 5, "train.seed: Extra inputs are not permitted, but is 5"),
        ("train", "dual_network.heads", 2, "train.dual_network.heads: Extra inputs are not permitted, but is 2"),
        ("train", "plan_network.temperatures", [8.0, 0.1], "train.plan_network.temperatures: Extra inputs"),
        (
            "train",
            "dual_network_self.temperatures",
            [],
            "train.dual_network_self.temperatures: Tuple should have at least 1 item after validation, not 0",
        ),
        (
            "train",
            "dual_network_unrolled.temperatures",
            [8.0, 0.0],
            "train.dual_network_unrolled.temperatures.1: Input should be greater than 0, but is 0.0",
        ),
        ("train", "dual_network.pairs", 0, "train.dual_network.pairs: Input should be greater than or equal to 1"),
        ("evaluate", "accelerated", {"test": 3}, "evaluate.accelerated.test.[key]: Input should be 'train'"),
        ("evaluate", "newton.splits", ["all"], "evaluate.newton.splits.0: Input should be 'train'"),
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


def test_every_network_is_trained_with_its_own_settings():
    params = config.load(ROOT / "params.yaml")
    assert Train.networks() == ("plan_network", "dual_network", "dual_network_self", "dual_network_unrolled")
    for name in Train.networks():
        settings = getattr(params.train, name)
        assert isinstance(settings, TrainDualNetwork) == name.startswith("dual")
        assert settings.pairs <= params.pairs.train


def test_the_scale_of_the_training_chooses_the_settings():
    text = (ROOT / "params.yaml").read_text()
    small, large = (config.parse(text.replace("scale: small", f"scale: {scale}"), ROOT / "params.yaml").train
                    for scale in ("small", "large"))  # fmt: skip
    for name in Train.networks():
        assert small.settings(name) == getattr(small, name)
        assert large.large is not None
        assert large.settings(name) == getattr(large.large, name)
        assert large.settings(name).epochs > small.settings(name).epochs


def test_a_large_scale_without_settings_is_refused():
    text = (ROOT / "params.yaml").read_text().replace("scale: small", "scale: large")
    content = yaml.safe_load(text)
    del content["train"]["large"]
    with pytest.raises(ParamsError, match=r"params\.yaml: train: .*large must hold the settings of every network"):
        config.parse(yaml.safe_dump(content), Path("params.yaml"))


def test_every_contestant_of_the_parameters_can_be_made():
    params = config.load(ROOT / "params.yaml")
    seeds = {str(seed) for seed in params.train.seeds}
    for name, file in params.evaluate.methods.items():
        family, _, seed = name.partition("-")
        assert family in warmstarts.BUILT_IN
        if seed:
            assert seed in seeds
            network, weights = Path(file).parts[-2:]
            assert weights == f"{seed}.safetensors"
            assert network in Train.networks()
    families = {warmstarts.family(name) for name in params.evaluate.methods}
    assert {*params.evaluate.newton.methods, *params.evaluate.only_track_a} <= families


SHIPPED = (ROOT / "params.yaml").read_text(encoding="utf-8")


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (SHIPPED.encode("utf-16"), "must be UTF-8 text, but byte 0 is not; save it as UTF-8"),
        ("# größe\n".encode("latin-1") + SHIPPED.encode(), "must be UTF-8 text, but byte 4 is not"),
        (bytes(range(256)), "must be UTF-8 text, but byte 128 is not"),
        (b"\0", "not YAML: unacceptable character #x0000"),
        (b"images: 2001-99-99", "not YAML: month must be in 1..12"),
        (b"[" * 100_000, "not YAML of parameters: nested too deep"),
        (b'"two\\nlines": 1', "Extra inputs are not permitted"),
        (None, "must be a file that can be read: Is a directory"),
    ],
)
def test_a_file_of_another_kind_is_one_clear_line(tmp_path, content, words):
    file = tmp_path / "params.yaml"
    file.mkdir() if content is None else file.write_bytes(content)
    with pytest.raises(ParamsError) as caught:
        config.load(file)
    assert str(caught.value).startswith(f"{file}: ")
    assert words in str(caught.value)
    assert "\n" not in str(caught.value)


@given(st.one_of(st.binary(max_size=60), st.text(max_size=60).map(str.encode)))
@example("\ufeff# a mark of byte order\n".encode())
@example(b"images: {[a]: 1}")
def test_whatever_a_file_holds_it_is_parameters_or_one_line(content):
    with TemporaryDirectory() as folder:
        file = Path(folder) / "params.yaml"
        file.write_bytes(content)
        with pytest.raises(ParamsError) as caught:
            config.load(file)
    assert len(str(caught.value).splitlines()) == 1


@pytest.mark.parametrize("change", [("\n", "\r\n"), ("", "\ufeff"), ("1.0e-4", "1e-4"), ("eps: 0.1", 'eps: "0.1"')])
def test_spellings_of_the_same_parameters_are_the_same(tmp_path, change):
    file = tmp_path / "params.yaml"
    old, new = change
    file.write_bytes((SHIPPED.replace(old, new) if old else new + SHIPPED).encode())
    assert config.load(file) == config.load(ROOT / "params.yaml")
