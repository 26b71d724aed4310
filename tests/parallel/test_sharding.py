"""Weights that are shared out: each process reads and keeps its own rows, and what is made of them is the same."""

import gc
import weakref
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import nn
from torch.distributed.tensor import DTensor

from s2v_runner.checkpoint.sources import Source, Span
from s2v_runner.conditioning.text import encode_prompt
from s2v_runner.division import UNDIVIDED
from s2v_runner.engine import Engine, EngineSettings
from s2v_runner.errors import InputError
from s2v_runner.parallel.sharding import FullyShards
from s2v_runner.records import MatrixName, Request
from s2v_runner.transformer.blocks import TransformerBlock
from tests.checkpoint.folders import copy_official, rewrite_shard, write_larger
from tests.checkpoint.loras import Tensors, comfy, factors_of, lora_at, whole, write
from tests.conftest import CPU, make_engine
from tests.parallel.ranks import Group, Raising, run_ranks
from tests.placement.test_residence import velocity
from tests.places import TINY_CHECKPOINT
from tests.test_generation import make_video

SETTINGS = make_engine(TINY_CHECKPOINT).settings
PARTS = ("transformer", "text_encoder")


def share(settings: EngineSettings, group: Group) -> Engine:
    """An engine that shares out the weights of both parts."""
    engine = Engine(
        replace(settings, dit_fsdp=True, t5_fsdp=True), lambda *_: None, replace(UNDIVIDED, shards=FullyShards(group))
    )
    engine.check()
    return engine


def alone(settings: EngineSettings) -> Engine:
    return Engine(settings, lambda *_: None, UNDIVIDED)


@dataclass(frozen=True)
class Outcome:
    """What an engine makes, and the bytes that its process has of each part."""

    made: tuple[torch.Tensor, ...]
    kept: tuple[int, ...]
    total: tuple[int, ...]


@torch.no_grad()
def try_out(engine: Engine) -> Outcome:
    """A step, made twice, and the rows of a prompt."""
    with engine.text_encoder_at_work() as encoder:
        rows = encode_prompt(encoder, engine.tokenizer, "A woman speaks", CPU)
    made = velocity(engine.transformer), velocity(engine.transformer), rows
    parameters = [list(getattr(engine, part).parameters()) for part in PARTS]
    return Outcome(
        made,
        kept=tuple(sum(own_rows(each).nbytes for each in part) for part in parameters),
        total=tuple(sum(each.nbytes for each in part) for part in parameters),
    )


def own_rows(parameter: torch.Tensor) -> torch.Tensor:
    return parameter.to_local() if isinstance(parameter, DTensor) else parameter


def try_out_shared(group: Group, settings: EngineSettings) -> Outcome:
    return try_out(share(settings, group))


FORMS: list[tuple[int, torch.dtype, MatrixName]] = [
    (2, torch.float32, "model"),
    (2, torch.bfloat16, "model"),
    (2, torch.float32, "float8"),
    # Rows that three do not divide evenly, and tensors of fewer rows than that.
    (3, torch.float32, "model"),
    (3, torch.bfloat16, "float8_weights"),
]


@pytest.fixture(scope="module", params=FORMS, ids=lambda form: f"{form[0]}-{form[1]}-{form[2]}")
def outcomes(request: pytest.FixtureRequest) -> tuple[Outcome, list[Outcome]]:
    """Of one process, and of those that share the weights."""
    size, dtype, matrices = request.param
    settings = replace(SETTINGS, dtype=dtype, matrices=matrices)
    return try_out(alone(settings)), run_ranks(size, try_out_shared, settings)


def test_what_is_made_is_the_same_to_the_bit(outcomes: tuple[Outcome, list[Outcome]]):
    expected, found = outcomes
    for each in found:
        assert all(map(torch.equal, each.made, expected.made))


def test_each_process_keeps_its_part(outcomes: tuple[Outcome, list[Outcome]]):
    expected, found = outcomes
    for part, total in enumerate(expected.total):
        assert sum(each.kept[part] for each in found) == total
        assert max(each.kept[part] for each in found) <= 1.1 * total / len(found)
        assert {each.total[part] for each in found} == {total}


def test_a_video_is_the_same_to_the_bit(request_for: Callable[..., Request]):
    request = request_for(steps=2, guide_scale=3.0, num_clip=2)
    expected, _ = make_video(request, alone(SETTINGS))
    for found in run_ranks(2, make_shared_video, request):
        assert torch.equal(found, expected)


def make_shared_video(group: Group, request: Request) -> torch.Tensor:
    return make_video(request, share(SETTINGS, group))[0]


class CountingSource:
    """Bytes of another source, counted as they are read."""

    def __init__(self, source: Source) -> None:
        self._source = source
        self.counts: list[int] = []

    def read(self, spans: Sequence[Span]) -> None:
        self.counts.append(sum(len(memory) for memory, _ in spans))
        self._source.read(spans)


def count_reading(engine: Engine) -> list[int]:
    """The bytes that are read of the files of each part while it is loaded."""
    return [_count_reading(engine, part) for part in PARTS]


def _count_reading(engine: Engine, part: str) -> int:
    sources = []
    for file in engine._parts[part].store.files:
        sources.append(CountingSource(file._source))
        # A cached property: what is put there is what it is.
        vars(file)["_source"] = sources[-1]
    getattr(engine, part)
    return sum(count for source in sources for count in source.counts)


def count_shared_reading(group: Group) -> list[int]:
    return count_reading(share(SETTINGS, group))


@pytest.mark.parametrize("size", [2, 3])
def test_each_byte_is_read_by_one_process(size: int):
    expected = count_reading(alone(SETTINGS))
    # Of the transformer's safetensors files, and of the text encoder's pickled one.
    for counts, total in zip(zip(*run_ranks(size, count_shared_reading), strict=True), expected, strict=True):
        assert sum(counts) == total
        assert max(counts) <= 1.1 * total / size


def rows_of_transformer(group: Group, settings: EngineSettings) -> Tensors:
    transformer = share(settings, group).transformer
    # Eight bits cannot be pickled; in float32 they are the same numbers.
    return {name: own_rows(parameter).float() for name, parameter in transformer.named_parameters()}


@pytest.mark.parametrize(("size", "matrices"), [(2, "model"), (3, "float8_weights")])
@torch.no_grad()
def test_loras_are_merged(tmp_path: Path, tiny_engine: Engine, size: int, matrices: MatrixName):
    tensors: Tensors = {"diffusion_model.blocks.1.diff_m": torch.randn(1, 6, 80)}
    tensors["diffusion_model.blocks.1.self_attn.q.diff_b"] = torch.randn(80)
    for naming, (module, (down, up)) in zip([comfy, whole] * 4, factors_of(tiny_engine, 1).items(), strict=True):
        tensors |= naming(tiny_engine, module, down, up)
    lora = lora_at(write(tmp_path / "lora.safetensors", tensors), 0.5)
    settings = replace(SETTINGS, matrices=matrices, loras=(lora,))
    expected = dict(alone(settings).transformer.named_parameters())
    found = run_ranks(size, rows_of_transformer, settings)
    for name, tensor in expected.items():
        together = torch.cat([rows[name] for rows in found])
        torch.testing.assert_close(together, tensor.float(), rtol=1e-6, atol=1e-6, msg=name)
    unmerged = dict(alone(replace(settings, loras=())).transformer.named_parameters())
    assert not torch.equal(unmerged["blocks.1.modulation"], expected["blocks.1.modulation"])


def load_or_refuse(group: Group, folder: Path) -> str:
    try:
        _ = share(make_engine(folder).settings, group).transformer
    except InputError as error:
        return str(error)
    return "loaded"


def test_a_process_refuses_what_is_not_finite_in_its_own_rows(tmp_path: Path):
    folder, name = copy_official(tmp_path / "weights"), "blocks.2.self_attn.q.weight"
    for shard in folder.glob("diffusion_pytorch_model-*.safetensors"):
        rewrite_shard(shard, lambda tensors: tensors[name][-1].fill_(float("nan")) if name in tensors else None)
    first, second = run_ranks(2, load_or_refuse, folder)
    assert first == "loaded"
    assert f"'{name}' holds values that are not finite" in second


def whole_parameters(module: nn.Module) -> set[str]:
    return {name for name, parameter in module.named_parameters() if not isinstance(parameter, DTensor)}


def tensor_bytes() -> int:
    """Of all memory that tensors of this process have."""
    gc.collect()
    storages = {
        each.untyped_storage().data_ptr(): each.untyped_storage().nbytes()
        for each in gc.get_objects()
        if type(each) in (torch.Tensor, nn.Parameter) and each.device == CPU
    }
    return sum(storages.values())


@torch.no_grad()
def watch_a_step(group: Group) -> tuple[list[set[str]], set[str], int]:
    """The parameters that are whole in the middle of each block, those that are afterwards, and how memory grew."""
    transformer = share(SETTINGS, group).transformer
    # The first pass puts rows in places of equal lengths.
    velocity(transformer)
    before = tensor_bytes()
    seen: list[set[str]] = []
    for block in transformer.blocks:
        assert isinstance(block, TransformerBlock)
        block.feed_forward.register_forward_hook(lambda *_: seen.append(whole_parameters(transformer)))
    velocity(transformer)
    return seen, whole_parameters(transformer), tensor_bytes() - before


def test_a_process_has_the_whole_of_a_block_only_while_it_computes(tiny_engine: Engine):
    parameters = dict(tiny_engine.transformer.named_parameters())
    units = ("text_embedding.", "time_embedding.", "audio_encoder.", "motion_packer.", "blocks.")
    rest = {name for name in parameters if not name.startswith(units)}
    blocks = [{name for name in parameters if name.startswith(f"blocks.{index}.")} for index in range(4)]
    for seen, after, grown in run_ranks(2, watch_a_step):
        assert seen == [rest | block for block in blocks]
        assert after == set()
        assert grown < 0.01 * sum(parameter.nbytes for parameter in parameters.values())


@torch.no_grad()
def watch_a_text(group: Group) -> tuple[list[set[str]], set[str]]:
    engine = share(SETTINGS, group)
    seen: list[set[str]] = []
    with engine.text_encoder_at_work() as encoder:
        for layer in encoder.encoder.block:
            layer.get_submodule("layer.1").register_forward_hook(lambda *_: seen.append(whole_parameters(encoder)))
        encode_prompt(encoder, engine.tokenizer, "A woman speaks", CPU)
    return seen, whole_parameters(engine.text_encoder)


def test_a_process_has_the_whole_of_a_layer_of_the_text_encoder_only_while_it_computes(tiny_engine: Engine):
    names = {name for name, _ in tiny_engine.text_encoder.named_parameters()}
    layers = [{name for name in names if name.startswith(f"encoder.block.{index}.")} for index in range(2)]
    for seen, after in run_ranks(2, watch_a_text):
        assert seen == [{"encoder.final_layer_norm.weight"} | layer for layer in layers]
        assert after == set()


def let_go(group: Group) -> tuple[list[bool], list[torch.Tensor]]:
    """Whether the parts of an engine that was let go of are gone, and what the next one makes."""
    division = replace(UNDIVIDED, shards=FullyShards(group))
    engine = Engine(replace(SETTINGS, dit_fsdp=True, t5_fsdp=True), lambda *_: None, division)
    velocity(engine.transformer)
    gone = [weakref.ref(getattr(engine, part)) for part in PARTS]
    del engine
    gc.collect()
    following = Engine(replace(SETTINGS, dit_fsdp=True, dtype=torch.bfloat16), lambda *_: None, division)
    return [reference() is None for reference in gone], [velocity(following.transformer)]


@torch.no_grad()
def test_an_engine_is_let_go_of_and_another_takes_its_place():
    expected = velocity(alone(replace(SETTINGS, dtype=torch.bfloat16)).transformer)
    for gone, (found,) in run_ranks(2, let_go):
        assert gone == [True, True]
        assert torch.equal(found, expected)


class Counting(Raising):
    """Counts how often a process is about to wait."""

    def __init__(self) -> None:
        self.meetings: list[None] = []

    def meet(self) -> None:
        self.meetings.append(None)


def beat_while_working(group: Group) -> list[int]:
    """How often the group's beat is told in a step with its preparation, and in the encoding of a text."""
    observer = Counting()
    beats = observer.meetings
    group.observer = observer
    engine = share(SETTINGS, group)
    counts = []
    with torch.no_grad(), engine.text_encoder_at_work() as encoder:
        for work in (
            lambda: velocity(engine.transformer),
            lambda: encode_prompt(encoder, engine.tokenizer, "A woman speaks", CPU),
        ):
            before = len(beats)
            work()
            counts.append(len(beats) - before)
    return counts


def test_it_is_told_that_a_process_waits_for_the_others():
    # The whole, its time embedding, three parts that prepare and the time embedding there, four blocks; two layers.
    assert run_ranks(2, beat_while_working) == [[1 + 1 + 4 + 4, 1 + 1 + 2]] * 2


def peak_of_loading(group: Group, folder: Path) -> float:
    """How memory grows at most while a part of the transformer is loaded, as a multiple of the whole."""
    before, peak = own_memory(), 0

    def note(*_: Any) -> None:
        nonlocal peak
        peak = max(peak, own_memory() - before)

    settings = replace(make_engine(folder).settings, dit_fsdp=True)
    transformer = Engine(settings, note, replace(UNDIVIDED, shards=FullyShards(group))).transformer
    return peak / sum(parameter.nbytes for parameter in transformer.parameters())


def own_memory() -> int:
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) * 1024 for line in lines if line.startswith("RssAnon"))


def test_loading_never_holds_more_than_a_part(tmp_path: Path):
    folder = write_larger(copy_official(tmp_path / "weights"))
    for peak in run_ranks(2, peak_of_loading, folder):
        assert 0.4 < peak < 0.75


def rows_of_counts(group: Group) -> list[list[int]]:
    shards = FullyShards(group)
    return [list(shards.rows(count)) for count in range(20)]


def test_rows_are_those_that_pytorch_gives_each_process():
    found = run_ranks(3, rows_of_counts)
    for count in range(20):
        chunks = [chunk.tolist() for chunk in torch.arange(count).chunk(3)] if count else []
        assert [rows[count] for rows in found] == chunks + [[]] * (3 - len(chunks))


def test_a_text_encoder_that_is_shared_out_stays_on_its_device():
    device = torch.device("cuda:1")
    settings = replace(SETTINGS, memory="offload", device=device, text_device=device)
    assert settings.text_encoder_home == CPU
    assert replace(settings, t5_fsdp=True).text_encoder_home == device


@pytest.mark.parametrize("flag", ["dit_fsdp", "t5_fsdp"])
def test_an_engine_wants_to_know_how_weights_are_shared_out(flag: str):
    with pytest.raises(AssertionError):
        alone(replace(SETTINGS, **{flag: True}))
