from __future__ import annotations

from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
import yaml
from hypothesis import example, given
from hypothesis import strategies as st

from paletteot import warmstarts
from paletteot.config import params as config
from paletteot.config.train import TrainDualNetwork
from paletteot.errors import ParamsError
from paletteot.networks import training
from paletteot.project.parameters import load_params

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
        ("evaluate", "splits", {"test": 5}, "evaluate.splits.test.[key]: Input should be 'validation_seen', "),
        ("train", "device", "tpu", "train.device: Input should be 'auto', 'cpu', 'cuda' or 'mps', but is 'tpu'"),
        ("train", "seeds", [], "train.seeds: Tuple should have at least 1 item after validation, not 0"),
        ("train", "seeds", [5, -1], "train.seeds.1: Input should be greater than or equal to 0, but is -1"),
        ("train", "seed", 5, "train.seed: Extra inputs are not permitted, but is 5"),
        (
            "train",
            "networks.dual_network.heads",
            2,
            "train.networks.dual_network.heads: Extra inputs are not permitted",
        ),
        (
            "train",
            "networks.plan_network.temperatures",
            [8.0, 0.1],
            "train.networks.plan_network.temperatures: Extra inputs",
        ),
        (
            "train",
            "networks.dual_network_self.temperatures",
            [],
            "train.networks.dual_network_self.temperatures: Tuple should have at least 1 item after validation, not 0",
        ),
        (
            "train",
            "networks.dual_network_unrolled.temperatures",
            [8.0, 0.0],
            "train.networks.dual_network_unrolled.temperatures.1: Input should be greater than 0, but is 0.0",
        ),
        (
            "train",
            "networks.dual_network.pairs",
            0,
            "train.networks.dual_network.pairs: Input should be greater",
        ),
        ("train", "networks.dual_network.loss", "", "train.networks.dual_network.loss: String should have at least 1"),
        (
            "train",
            "networks.dual_network.architecture",
            "mlp",
            "train.networks.dual_network: Input tag 'mlp' found using 'architecture' does not match any of the",
        ),
        (
            "train",
            "large.dual_network.hidden",
            2,
            "train.large.dual_network.hidden: Input should be greater",
        ),
        ("train", "large.dual_network.loss", "x", "train.large.dual_network.loss: Extra inputs are not permitted"),
        (
            "train",
            "large.new",
            {},
            "train: Value error, networks and large must name the same networks, but new is in one alone",
        ),
        ("evaluate", "methods.cold", "cold.py", "evaluate.methods.cold: Input should be a valid dictionary"),
        ("evaluate", "methods.cold", {"code": "cold.py"}, "evaluate.methods.cold.reads: Field required"),
        ("evaluate", "methods.cold.reads", "", "evaluate.methods.cold.reads: String should have at least 1 character"),
        ("evaluate", "accelerated", {"test": 3}, "evaluate.accelerated.test.[key]: Input should be 'valid"),
        ("evaluate", "newton.splits", ["all"], "evaluate.newton.splits.0: Input should be 'valid"),
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
    assert params.train.networks.keys() == warmstarts.trained().keys()
    for name, settings in params.train.networks.items():
        assert isinstance(settings, TrainDualNetwork) == name.startswith("dual")
        assert settings.architecture == warmstarts.trained()[name].trained
        assert settings.pairs <= params.pairs.train
        training.check(name, settings)


def test_the_scale_of_the_training_chooses_the_settings():
    text = (ROOT / "params.yaml").read_text()
    small, large = (config.parse(text.replace("scale: small", f"scale: {scale}"), ROOT / "params.yaml").train
                    for scale in ("small", "large"))  # fmt: skip
    for name, settings in small.networks.items():
        assert small.settings(name) == settings
        changes = large.large[name].model_dump(exclude_none=True)
        assert large.settings(name) == settings.model_copy(update=changes)
        assert large.settings(name).epochs > settings.epochs
        training.check(name, large.settings(name))


@pytest.mark.parametrize(
    ("section", "field", "value", "words"),
    [
        (
            "train",
            "networks.plan_network",
            {
                "architecture": "dual", "loss": "labelled", "epochs": 1, "pairs": 9, "block": 2, "learning_rate": 1,
                "matrix_rate": 1, "hidden": 8, "temperatures": [1],
            },
            "train.networks.plan_network.architecture must be plan, but is 'dual'",
        ),
        (
            "evaluate",
            "methods.cold.code",
            "src/paletteot/warmstarts/gaussian.py",
            "evaluate.methods.cold.code must be src/paletteot/warmstarts/cold.py, "
            "but is 'src/paletteot/warmstarts/gaussian.py'",
        ),
        (
            "evaluate",
            "methods.dual_network-5.code",
            "models/dual_network/5.safetensors",
            "evaluate.methods.dual_network-5.code must be src/paletteot/warmstarts/dual_network.py, "
            "but is 'models/dual_network/5.safetensors'",
        ),
        (
            "evaluate",
            "methods.hot",
            {"code": "hot.py", "reads": "hot.py"},
            "evaluate.methods must be one of cold, dual_network, ",
        ),
    ],
)  # fmt: skip
def test_names_that_mean_nothing_are_one_line(tmp_path, monkeypatch, section, field, value, words):
    with_change(tmp_path, section, field, value)
    monkeypatch.chdir(tmp_path)
    with pytest.raises(ParamsError) as caught:
        load_params()
    assert str(caught.value).startswith(f"params.yaml: {words}")
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("place", ["src/paletteot/warmstarts/cold.py", "/elsewhere/src/paletteot/warmstarts/cold.py"])
def test_the_code_of_a_contestant_may_be_any_copy_of_it(tmp_path, monkeypatch, place):
    monkeypatch.chdir(tmp_path)
    with_change(tmp_path, "evaluate", "methods.cold", {"code": place, "reads": place})
    assert load_params().evaluate.methods["cold"].file is None
    with_change(tmp_path, "evaluate", "methods.cold", {"code": place, "reads": "more"})
    assert load_params().evaluate.methods["cold"].file == Path("more")


def test_every_contestant_of_the_parameters_can_be_made(monkeypatch):
    monkeypatch.chdir(ROOT)
    params = load_params()
    seeds = {str(seed) for seed in params.train.seeds}
    for name, method in params.evaluate.methods.items():
        family, _, seed = name.partition("-")
        assert (method.file is not None) == warmstarts.entries()[family].learned
        assert Path(method.code).is_file()
        if seed:
            assert seed in seeds
            network, weights = Path(method.reads).parts[-2:]
            assert weights == f"{seed}.safetensors"
            assert network in params.train.networks
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
