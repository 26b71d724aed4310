"""Everything that is known of a run before anything is loaded: inputs looked into, numbers resolved, identity told.

Nothing heavy is imported, so a dry run takes no longer than this.
"""

import math
import secrets
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from s2v_runner.calibration.file import check_calibration
from s2v_runner.checkpoint.layout import CheckpointFolder, locate_checkpoint
from s2v_runner.checkpoint.loras import Lora, check_loras, count_left_out
from s2v_runner.checkpoint.sizes import RANDOM_MODEL, ModelSizes, random_checkpoint_folder, read_sizes
from s2v_runner.config.loras import LoraChoice, parse_loras
from s2v_runner.config.resolve import as_path, as_request, check_metrics
from s2v_runner.config.schema import RunConfig
from s2v_runner.derivation.makers import Makers, choose_makers, derive_speech
from s2v_runner.derivation.store import DerivedStore
from s2v_runner.digests import digest_checkpoint, digest_input, digest_of
from s2v_runner.errors import InputError
from s2v_runner.estimate import Estimate, Form, estimate
from s2v_runner.inputs.probe import SoundHeader, probe_picture
from s2v_runner.inputs.recording import RecordingSettings, probe_recording
from s2v_runner.parallel.planning import plan_topology
from s2v_runner.parallel.topology import Topology
from s2v_runner.passes import count_passes
from s2v_runner.placement.choice import check_device
from s2v_runner.plan import SPEECH_RATE, check_request, check_sampling, plan_run
from s2v_runner.records import EVERY_PASS, Request, RunPlan

CACHE = "cache"
DRAWN_SEED = -1
_DRAWN_SEEDS = 2**31
# Seconds. Whether a speech is too short is known once it is there.
_SHORTEST_GUESS = 0.1
# Groups and keys that do not change what is made: where it goes, who is told, and which machines do it.
_NOT_OF_THE_IDENTITY = (
    *("save_file", "dry_run", "resume", "output", "tracking", "parallel", "prompt_file", "metrics"),
    *("inputs", "title", "baseline", "fail_fast", "max_points", "search"),
)
# What a model advises. What is made of it stands among the sampler's settings.
_ADVICE = ("sampling_steps", "sampling_guide_scale", "step_share", "calibration")


@dataclass(frozen=True, kw_only=True)
class PreparedRun:
    """A run, ready to be carried out or to be shown."""

    config: RunConfig
    request: Request
    prompt: str
    """As it was asked for; the request's may be an extended one."""
    plan: RunPlan
    topology: Topology
    """The processes that make it."""
    picture_size: tuple[int, int]
    sound: SoundHeader
    """What is heard."""
    is_sound_known: bool
    """False where the speech is still to be made, and its length is estimated."""
    makers: Makers
    is_settled: bool
    """Whether all that had to be made of its inputs has been, and stands in their place."""
    checkpoint: CheckpointFolder | None
    """None for random weights that have not been made yet."""
    checkpoint_path: Path
    sizes: ModelSizes | None
    inputs: Mapping[str, Mapping[str, Any]]
    """For each input its path and its digest."""
    checkpoint_digest: str
    loras: tuple[Lora, ...]
    identity: str

    def with_seed(self, base_seed: int) -> "PreparedRun":
        """The same run from another seed."""
        request = replace(self.request, base_seed=base_seed)
        plan = plan_run(request, self.picture_size, self.sound.speech_samples, SPEECH_RATE)
        return replace(self, request=request, plan=plan)

    def with_sound(self, path: Path, sound: SoundHeader) -> "PreparedRun":
        """The same run with what is really heard."""
        request = replace(self.request, audio=path)
        plan = plan_run(request, self.picture_size, sound.speech_samples, SPEECH_RATE)
        return replace(self, request=request, plan=plan, sound=sound, is_sound_known=True)

    def estimate_cost(self, form: Form) -> Estimate | None:
        """What it will cost; None where the checkpoint does not say how big it is."""
        if self.sizes is None:
            return None
        passes, branches = count_passes(self.plan.passes), 2 if self.request.guide_scale > 1 else 1
        opens_from_nothing = not self.request.start_from_ref
        return estimate(self.plan, self.sizes, passes, branches, opens_from_nothing, form, self.topology)


def prepare_run(config: RunConfig) -> PreparedRun:
    """Look into everything that was given. A seed of −1 is left for `draw_seed`; the plan is made with 0.

    Raises InputError.
    """
    check_device(config.memory.device)
    request = as_request(config, max(0, config.base_seed))
    check_request(request)
    check_sampling(request)
    check_metrics(config)
    path, checkpoint = _locate(config)
    picture_size = probe_picture(request.image, request.compat)
    makers = choose_makers(config, request)
    sound, is_sound_known = _look_at_sound(config, request, makers)
    plan = plan_run(request, picture_size, sound.speech_samples, SPEECH_RATE)
    inputs = _digest_inputs(config, request)
    digest = _digest_checkpoint(config, checkpoint)
    loras = _look_at_loras(config, checkpoint)
    if config.speed.calibration is not None:
        check_calibration(as_path(config.speed.calibration), digest, request)
    sizes = RANDOM_MODEL if config.model.random_seed is not None else read_sizes(_present(checkpoint))
    return PreparedRun(
        config=config,
        request=request,
        prompt=request.prompt,
        plan=plan,
        topology=plan_topology(config, request, plan, sizes),
        picture_size=picture_size,
        sound=sound,
        is_sound_known=is_sound_known,
        makers=makers,
        is_settled=False,
        checkpoint=checkpoint,
        checkpoint_path=path,
        sizes=sizes,
        inputs=inputs,
        checkpoint_digest=digest,
        loras=loras,
        identity=_identify(config, request, makers, inputs, digest, loras),
    )


def draw_seed() -> int:
    """Any seed."""
    return secrets.randbelow(_DRAWN_SEEDS)


def cache_folder(config: RunConfig) -> Path:
    return as_path(config.output.folder) / CACHE


def derived_store(config: RunConfig) -> DerivedStore:
    """Where things that were made of inputs are kept."""
    return DerivedStore(as_path(config.output.folder).absolute(), cache_folder(config).absolute())


def _look_at_sound(config: RunConfig, request: Request, makers: Makers) -> tuple[SoundHeader, bool]:
    """What will be heard, and whether that is known already."""
    source = request.audio
    if makers.synthesiser is not None:
        made = derived_store(config).find(derive_speech(makers.synthesiser))
        if made is None:
            return _guess_sound(makers.recording, makers.synthesiser.estimate_seconds()), False
        source = made.path
    return probe_recording(source, makers.recording), True


def _guess_sound(settings: RecordingSettings, seconds: float) -> SoundHeader:
    """What will be heard of a speech that is about so long."""
    ends = (seconds, *(settings.start + part for part in (settings.duration, settings.limit) if part is not None))
    seconds = max(_SHORTEST_GUESS, min(ends) - settings.start)
    return SoundHeader(math.ceil(seconds * SPEECH_RATE), SPEECH_RATE, 1)


def _locate(config: RunConfig) -> tuple[Path, CheckpointFolder | None]:
    model = config.model
    if model.random_seed is not None:
        if model.ckpt_dir is not None:
            raise InputError(
                f"model.ckpt_dir={model.ckpt_dir}",
                f"model.random_seed={model.random_seed} makes weights of its own",
                "Add model=wan_s2v_14b to run weights from a folder",
            )
        path = random_checkpoint_folder(cache_folder(config), model.random_seed)
        try:
            return path, locate_checkpoint(path) if path.is_dir() else None
        except OSError as error:
            raise InputError(
                f"output.folder={config.output.folder}", f"it cannot be looked into ({error})", "Give another folder"
            ) from error
    if model.ckpt_dir is None:
        raise InputError(
            "model.ckpt_dir",
            "the folder of the weights is not given",
            "Give it; `hf download Wan-AI/Wan2.2-S2V-14B --local-dir weights` fetches them (58 GB)",
        )
    path = as_path(model.ckpt_dir)
    return path, locate_checkpoint(path)


def _present(checkpoint: CheckpointFolder | None) -> CheckpointFolder:
    assert checkpoint is not None
    return checkpoint


def _digest_inputs(config: RunConfig, request: Request) -> dict[str, dict[str, Any]]:
    voice = config.tts.prompt_audio
    is_spoken = config.tts.method != "none"
    paths = {
        "image": request.image,
        "audio": None if is_spoken else request.audio,
        "voice": as_path(voice) if is_spoken and voice is not None else None,
        "pose": request.pose_video,
        "calibration": None if config.speed.calibration is None else as_path(config.speed.calibration),
    }
    digested: dict[str, dict[str, Any]] = {}
    for name, path in paths.items():
        if path is None:
            continue
        try:
            if not path.is_file():
                raise InputError(f"{name}.path '{path}'", "there is no such file", "Give the path of a video")
            digested[name] = {"path": str(path.absolute()), "sha256": digest_input(path), "bytes": path.stat().st_size}
        except OSError as error:
            raise InputError(f"{name} '{path}'", f"it cannot be read ({error})", "Give a file you may read") from error
    return digested


def _digest_checkpoint(config: RunConfig, checkpoint: CheckpointFolder | None) -> str:
    if config.model.random_seed is not None:
        # Known by how it is made, so that it is the same before it is made and after.
        name = random_checkpoint_folder(Path(), config.model.random_seed).name
        return digest_of({"random": name})
    try:
        return digest_checkpoint(_present(checkpoint))
    except OSError as error:
        raise InputError(
            f"model.ckpt_dir={config.model.ckpt_dir}", f"it cannot be read ({error})", "Give a folder you may read"
        ) from error


def look_at_lora(choice: LoraChoice) -> Lora:
    """What a LoRA file is known by. Raises InputError where it cannot be read."""
    path = choice.path.absolute()
    left_out = count_left_out(path)
    return Lora(path, choice.scale, digest_input(path), left_out)


def _look_at_loras(config: RunConfig, checkpoint: CheckpointFolder | None) -> tuple[Lora, ...]:
    """The LoRAs that are asked for, held against the checkpoint where it is there already."""
    if config.model.loras is None:
        return ()
    loras = tuple(map(look_at_lora, parse_loras(config.model.loras)))
    if checkpoint is not None:
        check_loras(loras, checkpoint)
    return loras


def _identify(
    config: RunConfig,
    request: Request,
    makers: Makers,
    inputs: Mapping[str, Mapping[str, Any]],
    checkpoint_digest: str,
    loras: Sequence[Lora],
) -> str:
    """The hash of what was asked and of the content of what was given, wherever it lies."""
    asked = config.model_dump(mode="json", exclude={**dict.fromkeys(_NOT_OF_THE_IDENTITY, True), "model": set(_ADVICE)})
    # In their place stands what they come to.
    del asked["tts"], asked["prompt_extend"], asked["pose"], asked["fit"]
    asked |= makers.describe()
    asked["prompt"] = request.prompt
    asked["compat"] = asdict(request.compat)
    asked["speed"] = {"mode": config.speed.mode, "attention": config.speed.attention}
    if request.economy != EVERY_PASS:
        asked["speed"] |= asdict(request.economy)
    for name in ("image", "audio", "pose"):
        asked[name] = {"sha256": inputs[name]["sha256"] if name in inputs else None}
    asked["recording"] = asdict(makers.recording)
    asked["model"]["ckpt_dir"] = checkpoint_digest
    del asked["model"]["loras"]
    if loras:
        asked["loras"] = [{"sha256": lora.sha256, "scale": lora.scale} for lora in loras]
    return digest_of(asked)
