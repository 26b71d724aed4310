"""The models that are measured, by name and by file."""

import json
from pathlib import Path

import pytest

from benchmarks.models import MODELS, find_model
from s2v_runner.errors import InputError
from tests.benchmarks.reports import ROOT


def test_the_demo_model_has_the_sizes_of_the_one_that_comes_along():
    stated = json.loads((ROOT / "s2v_runner/assets/demo_model/config.json").read_text())
    config = MODELS["demo-size"].transformer
    assert (config.model_dim, config.feed_forward_dim, config.num_layers) == (
        stated["dim"],
        stated["ffn_dim"],
        stated["num_layers"],
    )
    assert (config.num_heads, config.text_dim, config.text_length) == (
        stated["num_heads"],
        stated["text_dim"],
        stated["text_len"],
    )
    assert (config.audio_dim, config.num_audio_tokens) == (stated["audio_dim"], stated["num_audio_token"])
    assert list(config.audio_injection_layers) == stated["audio_inject_layers"]


@pytest.mark.parametrize("suffix", ["json", "yaml"])
def test_a_file_of_sizes_differs_from_its_base(tmp_path: Path, suffix: str):
    path = tmp_path / f"small.{suffix}"
    sizes = {"num_layers": 3, "audio_injection_layers": [0, 2]}
    # JSON is YAML as well.
    path.write_text(json.dumps({"base": "tiny", "transformer": sizes, "size": [64, 128], "autoencoder_width": 4}))
    model = find_model(str(path))
    assert model.transformer.num_layers == 3
    assert model.transformer.audio_injection_layers == (0, 2)
    assert model.transformer.model_dim == MODELS["tiny"].transformer.model_dim
    assert (model.size, model.autoencoder_width, model.frames) == ((64, 128), 4, MODELS["tiny"].frames)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("{", "gives no sizes"),
        ("[]", "holds no settings"),
        ("{}", "'base' names no model"),
        ('{"base": "tiny", "transformer": {"widht": 3}}', "widht"),
        ('{"base": "tiny", "frame": 3}', "frame"),
        ('{"base": "tiny", "size": [64]}', "gives no sizes"),
        ('{"base": "demo-size", "transformer": {"num_layers": 2}}', "below num_layers=2"),
    ],
)
def test_a_file_that_gives_no_sizes_is_refused(tmp_path: Path, text: str, words: str):
    path = tmp_path / "model.json"
    path.write_text(text)
    with pytest.raises(InputError, match=words):
        find_model(str(path))
