"""Forward passes and steps, of tiny models."""

import json
import subprocess
import sys
from pathlib import Path

import pytest
import torch

from benchmarks.__main__ import main
from benchmarks.clips import ClipCase
from benchmarks.models import RELEASED, TINY, with_layers
from benchmarks.operations import count_work
from benchmarks.variants import Variant, parse_variant
from s2v_runner.transformer import S2VTransformer, plain_backend
from s2v_runner.transformer.initialisation import random_transformer
from tests.benchmarks.reports import ROOT, report_of

TINY_CASE = ("--model", "tiny", "--device", "cpu", "--repeats", "2")


def test_forward_measures_every_case_with_every_variant(tmp_path: Path):
    variants = ("--variants", "sdpa", "sdpa_math")
    report = report_of(tmp_path, "forward", *TINY_CASE, "--sizes", "128*64", "64*64", "--frames", "8", *variants)
    labels = [tuple(row.labels.values()) for row in report.rows]
    sizes, clips = ("128*64", "64*64"), ("first", "later")
    assert labels == [(size, 8, clip, name) for size in sizes for clip in clips for name in ("sdpa", "sdpa_math")]
    assert [row.figures["tokens"] for row in report.rows[::2]] == [96, 144, 48, 72]
    for row in report.rows:
        assert len(row.repeats["forward_seconds"]) == 2
        assert min(row.repeats["forward_seconds"]) <= (row.figures["forward_seconds"] or 0)
        assert row.figures["peak_gib"] is None
    differences = [row.figures["difference"] or 0.0 for row in report.rows]
    assert differences[::2] == [0.0] * 4
    assert all(0 < difference < 1e-5 for difference in differences[1::2])
    rates = [
        (row.figures["tflop_per_second"], row.figures["tflop"], row.figures["forward_seconds"]) for row in report.rows
    ]
    assert all(rate == pytest.approx((tflop or 0) / (seconds or 1), rel=1e-4) for rate, tflop, seconds in rates)


def test_a_report_says_what_it_was_made_on(tmp_path: Path):
    report = report_of(tmp_path, "forward", *TINY_CASE, "--clips", "first", "--commit", "abc")
    assert report.options["sizes"] == ["128*64"]
    assert report.options["dtype"] == "float32"
    assert report.hardware["device"] == "cpu"
    assert report.hardware["cores"] > 0
    assert report.versions["torch"] == torch.__version__
    assert report.versions["diffusers"]
    assert report.project["commit"] == "abc"


def test_a_step_is_two_forwards(tmp_path: Path):
    forward = report_of(tmp_path, "forward", *TINY_CASE, "--clips", "later")
    step = report_of(tmp_path, "step", *TINY_CASE, "--clips", "later", "--variants", "sdpa", "sdpa_math")
    assert step.rows[0].figures["tflop"] == pytest.approx(2 * (forward.rows[0].figures["tflop"] or 0), rel=1e-4)
    assert 0 < (step.rows[1].figures["difference"] or 0) < 1e-5


def test_a_part_of_the_blocks_is_scaled_up_and_called_so(tmp_path: Path):
    report = report_of(tmp_path, "forward", "--model", "demo-size", "--frames", "8", "--layers", "2")
    assert "2 of 6 blocks were measured, 1 of the 3 that hear the speech among them" in report.measured
    for row in report.rows:
        assert (row.figures["forward_seconds_scaled_up"] or 0) > (row.figures["forward_seconds"] or 0)
    whole = report_of(tmp_path, "forward", *TINY_CASE)
    assert not any(name.endswith("scaled_up") for row in whole.rows for name in row.figures)


def test_blocks_that_hear_the_speech_keep_their_share():
    assert with_layers(RELEASED, 10).audio_injection_layers == (0, 3, 6)
    assert with_layers(RELEASED, 40) == RELEASED
    assert with_layers(TINY, 1).audio_injection_layers == ()


def test_the_work_is_that_of_the_matrices_and_the_attention():
    work = count_work(RELEASED, ClipCase(1024, 704, 80, "first"))
    tokens, noisy, width, text = 59136, 56320, RELEASED.model_dim, RELEASED.text_length
    assert work.tokens == tokens
    blocks = 40 * (2 * tokens * width * (6 * width + 2 * 13824) + 4 * tokens * width * (tokens + text))
    blocks += 12 * 2 * noisy * 2 * width * width
    # The rest is around the blocks, or small: the five audio tokens that each noisy token attends to.
    assert work.tflop * 1e12 == pytest.approx(blocks, rel=1e-3)


def test_variants_share_the_weights():
    plain = random_transformer(TINY, plain_backend("sdpa"), torch.device("cpu"), torch.float32, seed=0)
    built = Variant("sdpa_math").build(plain)
    assert isinstance(built, S2VTransformer)
    pairs = zip(plain.parameters(), built.parameters(), strict=True)
    assert all(one.data_ptr() == other.data_ptr() for one, other in pairs)


def test_a_variant_may_widen_the_weights():
    plain = random_transformer(TINY, plain_backend("sdpa"), torch.device("cpu"), torch.bfloat16, seed=0)
    wide = Variant("sdpa", weights="float32").build(plain)
    for one, other in zip(plain.parameters(), wide.parameters(), strict=True):
        assert other.dtype == torch.float32
        assert torch.equal(one.float(), other)


def test_variants_are_held_against_the_first(tmp_path: Path):
    variants = ("--variants", "sdpa,weights=float32", "sdpa", "sdpa,matrices=float8")
    report = report_of(tmp_path, "forward", *TINY_CASE, "--dtype", "bfloat16", *variants)
    exact, half, eighth = (row.figures["difference"] or 0 for row in report.rows[:3])
    assert exact == 0 < half < eighth < 0.2


@pytest.mark.parametrize("text", ["sdpa_math", "sdpa,matrices=float8,weights=float32"])
def test_a_variant_is_written_as_it_is_read(text: str):
    assert str(parse_variant(text)) == text


@pytest.mark.parametrize("name", ["forward", "step"])
def test_only_pytorch_is_needed(name: str, tmp_path: Path):
    absent = (
        "diffusers",
        "transformers",
        "accelerate",
        "hydra",
        "omegaconf",
        "mlflow",
        "safetensors",
        "pydantic",
        "yaml",
    )
    code = f"import sys; sys.modules.update(dict.fromkeys({absent}))\nfrom benchmarks.__main__ import main; "
    out = tmp_path / "report.json"
    code += f"sys.exit(main([{name!r}, '--model', 'tiny', '--repeats', '1', '--out', {str(out)!r}]))"
    subprocess.run([sys.executable, "-c", code], cwd=ROOT, check=True, capture_output=True, timeout=240)
    assert len(json.loads(out.read_text())["rows"]) == 2


def status_of(*arguments: str) -> object:
    """As the shell gets it."""
    try:
        return main(arguments)
    except SystemExit as left:
        return left.code


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("forward", "--sizes", "100*64"), "multiples of 64"),
        (("forward", "--sizes", "64"), "width*height"),
        (("forward", "--frames", "81"), "multiple of 4"),
        (("forward", "--variants", "sdap"), "is not known"),
        (("forward", "--variants", "sdpa,speed=high"), "no choice 'speed'"),
        (("forward", "--model", "huge"), "no such model"),
        (("forward", "--model", "tiny", "--layers", "3"), "2 blocks"),
        (("forward", "--model", "tiny", "--device", "cpu", "--variants", "sdpa_cudnn"), "cannot run on cpu"),
        (("load", "--model", "tiny", "--layers", "3"), "2 blocks"),
        (("forwards",), "there is no 'forwards'"),
    ],
)
def test_what_cannot_be_measured_is_refused(arguments: tuple[str, ...], words: str, capsys: pytest.CaptureFixture[str]):
    assert status_of(*arguments) == 2
    # The parser breaks its lines where it likes.
    assert words in " ".join(capsys.readouterr().err.split())
