"""The resolved plan of a run in words and in numbers."""

from dataclasses import asdict
from pathlib import Path
from typing import Any

from s2v_runner.config.places import asset
from s2v_runner.config.schema import AUTO
from s2v_runner.estimate import MEMORY_MODES, Estimate, Memory, count_tokens
from s2v_runner.parallel.topology import Topology
from s2v_runner.passes import count_passes, exact_passes
from s2v_runner.placement.choice import Placement
from s2v_runner.plan import LARGE_FRAME_AREA
from s2v_runner.prepare import DRAWN_SEED, PreparedRun
from s2v_runner.records import Pass

_LISTED_SEEDS = 4
_KEPT: dict[Memory, str] = {
    "resident": "every part stays loaded",
    "offload": "encoders wait in main memory",
    "stream": "encoders and blocks wait in main memory, blocks come two at a time",
    "tiny": "encoders and blocks wait in main memory and come layer by layer",
}
_KINDS: dict[Pass, str] = {
    "guided": "with guidance",
    "reused": "with the guidance of a step before",
    "conditioned": "without guidance",
}


def plan_numbers(run: PreparedRun, placement: Placement, cost: Estimate | None) -> dict[str, Any]:
    """Every number of the plan, for the record."""
    plan, request = run.plan, run.request
    first, later = _tokens(run)
    numbers = asdict(plan) | {
        "seconds": plan.num_frames / request.sample_fps,
        "asked_area": request.area,
        "picture_size": run.picture_size,
        "passes_a_clip": count_passes(plan.passes),
        "tokens_first_clip": first,
        "tokens_later_clips": later,
        "placement": asdict(placement),
    }
    if cost is not None:
        peaks = {f"{mode}_bytes": cost.peak_bytes(mode) for mode in MEMORY_MODES}
        numbers["estimate"] = asdict(cost) | {"blocks_bytes": sum(cost.block_bytes)} | peaks
        del numbers["estimate"]["block_bytes"]
    return numbers


def plan_lines(run: PreparedRun) -> list[str]:
    """What is to be made, a line a fact."""
    facts = {
        "model": _model(run),
        **({"loras": _loras(run)} if run.loras else {}),
        "size": _size(run),
        "video": _video(run),
        "tokens": _token_words(run),
        "sampler": _sampler(run),
        **_passes(run),
        **_processes(run.topology),
        "seeds": _seeds(run),
        "identity": run.identity[:12],
    }
    return [fact_line(name, fact) for name, fact in facts.items()]


def place_lines(run: PreparedRun, placement: Placement, cost: Estimate | None) -> list[str]:
    """What is loaded and where, and what it will cost."""
    place = f"{placement.device}, {placement.dtype}{_matrices(placement)}, attention {placement.attention}"
    return [
        fact_line("place", f"{place}, {placement.kernels} kernels"),
        fact_line("memory", _residence(placement)),
        fact_line("loads", f"{_loads(placement, cost)}from {run.checkpoint_path}"),
        fact_line("estimate", _cost(placement, cost)),
    ]


def _loads(placement: Placement, cost: Estimate | None) -> str:
    if cost is None:
        return ""
    devices = {"text_encoder": placement.text_device}
    parts = [
        f"{name.replace('_', ' ')} {_bytes(size)} to {devices.get(name, placement.device)}"
        for name, size in cost.weight_bytes.items()
    ]
    return f"{', '.join(parts)}, "


def fact_line(name: str, fact: str) -> str:
    """A line of the outline."""
    return f"  {name:<8}  {fact}"


def _model(run: PreparedRun) -> str:
    seed = run.config.model.random_seed
    if seed is not None:
        return f"tiny and random (seed {seed}): it shows how things work, and no face"
    if run.checkpoint_path == Path(asset("demo_model")):
        return "the small one that comes along, trained on drawn people"
    layout = f", {run.checkpoint.layout} layout" if run.checkpoint else ""
    return f"{run.checkpoint_path}{layout}"


def _loras(run: PreparedRun) -> str:
    words = []
    for lora in run.loras:
        left_out = f" (left out: {lora.left_out} of its tensors, for encoded pictures)" if lora.left_out else ""
        words.append(f"{lora.scale:g} of {lora.path}{left_out}")
    return ", ".join(words)


def _size(run: PreparedRun) -> str:
    plan, resolution = run.plan, run.config.resolution
    rows, columns = run.picture_size
    made = f"{plan.width}x{plan.height}"
    output = f"{plan.output_width}x{plan.output_height}"
    result = output if output == made else f"{output}, cut from {made}"
    cap = "no cap" if resolution.max_area is None else f"cap {resolution.max_area} pixels"
    return f"{result}  (asked {resolution.size} as {resolution.fit}, picture {columns}x{rows}, {cap})"


def _video(run: PreparedRun) -> str:
    plan, fps = run.plan, run.request.sample_fps
    clips = f"{plan.num_clips} clip{'s' if plan.num_clips > 1 else ''} of {plan.infer_frames} frames"
    cut = "" if plan.num_frames / fps + 1 / fps >= run.sound.seconds else ", so the speech is cut"
    about = "" if run.is_sound_known else "about "
    return (
        f"{plan.num_frames} frames, {plan.num_frames / fps:.2f} s at {fps} fps, in {clips}"
        f"  (speech {about}{run.sound.seconds:.2f} s{cut})"
    )


def _tokens(run: PreparedRun) -> tuple[int, int]:
    from_nothing = not run.request.start_from_ref
    return count_tokens(run.plan, 0, from_nothing), count_tokens(run.plan, 1, from_nothing)


def _token_words(run: PreparedRun) -> str:
    first, later = _tokens(run)
    return f"{first:,}" if run.plan.num_clips == 1 else f"{first:,} in the first clip, {later:,} in later ones"


def _sampler(run: PreparedRun) -> str:
    request, plan = run.request, run.plan
    shift = f"shift {plan.shift:g}"
    if run.config.sampler.shift == AUTO:
        area = plan.output_height * plan.output_width
        relation = "from" if area >= LARGE_FRAME_AREA else "below"
        shift += f" (auto: {area} pixels, {relation} {LARGE_FRAME_AREA})"
    return f"{request.solver}, {request.steps} steps, guidance {request.guide_scale:g}, {shift}"


def _passes(run: PreparedRun) -> dict[str, str]:
    """What is asked of the transformer, where that is less than exact sampling asks."""
    request, passes = run.request, run.plan.passes
    made, exact = count_passes(passes), exact_passes(request.steps, request.guide_scale)
    if made == exact:
        return {}
    kinds = [f"{passes.count(kind)} {words}" for kind, words in _KINDS.items() if kind in passes]
    if "merged" in passes:
        chosen = "evenly" if request.economy.levels is None else f"by {run.config.speed.calibration}"
        kinds.insert(0, f"{len(run.plan.taken)} of {request.steps} steps taken ({chosen})")
    return {"passes": f"{made} of {exact} a clip: {', '.join(kinds)}"}


def _processes(topology: Topology) -> dict[str, str]:
    """Who makes it, where that is more than one process."""
    if topology.processes == 1:
        return {}
    who = f"{topology.sequence} processes share its tokens"
    if topology.branches == 2:
        each = "one process" if topology.sequence == 1 else f"{topology.sequence} processes that share its tokens"
        who = f"each branch of guidance by {each}"
    names = {"the transformer": topology.dit_fsdp, "the text encoder": topology.t5_fsdp}
    shared = " and ".join(name for name, is_shared in names.items() if is_shared)
    return {"made by": who + (f"; the weights of {shared} shared out" if shared else "")}


def _seeds(run: PreparedRun) -> str:
    if run.config.base_seed == DRAWN_SEED and run.config.dry_run:
        return "drawn when the run starts, one more for each clip"
    seeds = run.plan.clip_seeds
    shown = ", ".join(map(str, seeds[:_LISTED_SEEDS]))
    drawn = "drawn: " if run.config.base_seed == DRAWN_SEED else ""
    return f"{drawn}{shown}{', …' if len(seeds) > _LISTED_SEEDS else ''}"


def _residence(placement: Placement) -> str:
    text = ", text encoder on the CPU" if placement.text_device != placement.device else ""
    return f"{placement.memory}: {_KEPT[placement.memory]}{text} ({placement.reason})"


def _matrices(placement: Placement) -> str:
    said = {"model": "", "float8": ", matrices in float8", "float8_weights": ", weights kept in float8"}
    return said[placement.matrices]


def _cost(placement: Placement, cost: Estimate | None) -> str:
    if cost is None:
        return "none: the checkpoint does not say how big it is"
    needed = cost.peak_bytes(placement.memory)
    return (
        f"{_bytes(needed)} of memory at the peak, {_bytes(cost.working_bytes)} of it to work in; "
        f"{_operations(cost.operations)} in the transformer"
    )


def _operations(count: float) -> str:
    for name, size in (("PFLOP", 1e15), ("TFLOP", 1e12)):
        if count >= size:
            return f"{count / size:.3g} {name}"
    return f"{count / 1e9:.3g} GFLOP"


def _bytes(count: int) -> str:
    for name, size in (("GiB", 2**30), ("MiB", 2**20)):
        if count >= size:
            return f"{count / size:.1f} {name}"
    return f"{count / 2**10:.0f} KiB"
