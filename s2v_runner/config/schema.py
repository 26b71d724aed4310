"""What a composed configuration must look like: one class for each group in `conf/`, which holds the values.

Types and choices are checked here, key by key; what a number may be is checked where it is used (`plan.py`).
"""

import dataclasses
from typing import Annotated, Any, Literal, get_args

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, create_model
from pydantic.config import JsonDict

from s2v_runner.records import Compat

AUTO = "auto"

Auto = Literal["auto"]
FREE_TEXT: JsonDict = {"free_text": True}
"""Marks a key whose value is taken as it was typed, commas, quotes and all."""
PATH: JsonDict = {"free_text": True, "is_path": True}
"""Marks a path, which is free text too, and relative to the current folder."""
SCALED_PATHS: JsonDict = {"free_text": True, "is_path": True, "has_scales": True}
"""Marks paths with scales, in the syntax of `loras.py`."""


class Group(BaseModel):
    """A part of the configuration. Unknown keys are refused; nothing has a default here."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True, protected_namespaces=())


class ModelConfig(Group):
    task: Literal["s2v-14B"]
    ckpt_dir: Annotated[str | None, Field(json_schema_extra=PATH)]
    random_seed: Annotated[int, Field(ge=0, le=2**63 - 1)] | None
    loras: Annotated[str | None, Field(json_schema_extra=SCALED_PATHS)]
    sample_fps: int
    motion_frames: int
    max_area: Annotated[int, Field(ge=1)] | None
    sampling_steps: int
    sampling_guide_scale: float
    step_share: float
    calibration: Annotated[str | None, Field(json_schema_extra=PATH)]


class SamplerConfig(Group):
    solver: Literal["unipc", "dpmpp", "euler"]
    steps: int
    guide_scale: float
    shift: float | Auto


class ResolutionConfig(Group):
    # A single number is a whole number to YAML; what is wrong with it is said where sizes are read.
    size: Annotated[str, BeforeValidator(lambda value: str(value) if type(value) is int else value)]
    fit: Literal["area", "exact"]
    max_area: Annotated[int, Field(ge=1)] | None


class AudioConfig(Group):
    path: Annotated[str, Field(json_schema_extra=PATH)]
    start: float
    duration: float | None
    loudness: float | None
    fade: float
    limit: float
    too_long: Literal["refuse", "cut"]


class TtsConfig(Group):
    method: Literal["none", "espeak", "cosyvoice"]
    text: Annotated[str | None, Field(json_schema_extra=FREE_TEXT)]
    language: str
    voice: str
    prompt_audio: Annotated[str | None, Field(json_schema_extra=PATH)]
    prompt_text: Annotated[str | None, Field(json_schema_extra=FREE_TEXT)]
    speed: Annotated[float, Field(gt=0)]
    seed: Annotated[int, Field(ge=0, le=2**31 - 1)]
    code: Annotated[str, Field(json_schema_extra=PATH)]
    weights: Annotated[str, Field(json_schema_extra=PATH)]
    python: Annotated[str, Field(json_schema_extra=PATH)]
    patience: Annotated[float, Field(gt=0)]


class PoseConfig(Group):
    method: Literal["none", "video", "extract"]
    path: Annotated[str | None, Field(json_schema_extra=PATH)]
    end: Literal["hold", "loop", "black"]
    detector: Annotated[str | None, Field(json_schema_extra=PATH)]
    estimator: Annotated[str | None, Field(json_schema_extra=PATH)]
    person: Literal["largest", "centre"]
    person_threshold: Annotated[float, Field(ge=0, le=1)]
    joint_threshold: Annotated[float, Field(ge=0, le=1)]


class PromptExtendConfig(Group):
    method: Literal["none", "dashscope", "local_qwen"]
    model: Annotated[str | None, Field(json_schema_extra=PATH)]
    target_lang: Literal["zh", "en"]
    picture: bool
    seed: Annotated[int, Field(ge=0, le=2**31 - 1)]
    max_tokens: Annotated[int, Field(ge=1)]
    on_error: Literal["fallback", "stop"]
    retries: Annotated[int, Field(ge=0)]
    patience: Annotated[float, Field(gt=0)]
    url: Annotated[str | None, Field(json_schema_extra=FREE_TEXT)]


_compat_fields: dict[str, Any] = {field.name: (field.type, ...) for field in dataclasses.fields(Compat)}
_CompatFields = create_model("_CompatFields", __base__=Group, **_compat_fields)


class CompatConfig(_CompatFields):
    """The choices of `Compat`, which is their home."""


class MemoryConfig(Group):
    mode: Literal["auto", "resident", "offload", "stream", "tiny"]
    device: str
    offload_model: bool | Auto
    convert_model_dtype: bool | Auto
    t5_cpu: bool


class SpeedConfig(Group):
    mode: Literal["exact", "fp8", "fast"]
    attention: str
    kernels: Literal["plain", "triton"] | Auto
    matrices: Literal["model", "float8", "float8_weights"] | Auto
    autoencoder: Literal["float32", "float16"] | Auto
    guidance_from: float
    guidance_to: float
    guidance_every: int
    step_share: float
    calibration: Annotated[str | None, Field(json_schema_extra=PATH)]


class ParallelConfig(Group):
    mode: Literal["single", "ulysses", "cfg"]
    ulysses_size: Annotated[int, Field(ge=1)] | Auto
    dit_fsdp: bool
    t5_fsdp: bool
    spread: Literal["none", "gpus", "ray", "slurm"]
    workers: Annotated[int, Field(ge=1)] | Auto
    address: Annotated[str | None, Field(json_schema_extra=FREE_TEXT)]
    points_per_job: Annotated[int, Field(ge=1)]
    slurm_minutes: Annotated[int, Field(ge=1)]
    slurm_partition: Annotated[str | None, Field(json_schema_extra=FREE_TEXT)]
    slurm_cpus: Annotated[int, Field(ge=1)] | None
    slurm_more: Annotated[str | None, Field(json_schema_extra=FREE_TEXT)]
    slurm_executor: Literal["slurm", "local"]
    patience: Annotated[float, Field(gt=0)]


class MetricsConfig(Group):
    method: Literal["none", "basic"]
    face: Annotated[str, Field(json_schema_extra=FREE_TEXT)]
    mouth: Annotated[str, Field(json_schema_extra=FREE_TEXT)]
    syncnet: Annotated[str | None, Field(json_schema_extra=PATH)]
    arcface: Annotated[str | None, Field(json_schema_extra=PATH)]
    clip: Annotated[str | None, Field(json_schema_extra=PATH)]
    lpips: Annotated[str | None, Field(json_schema_extra=PATH)]
    dino: Annotated[str | None, Field(json_schema_extra=PATH)]


class OutputConfig(Group):
    folder: Annotated[str, Field(json_schema_extra=PATH)]
    frames: Literal["none", "png", "lossless"]
    latents: bool
    crf: Annotated[int, Field(ge=0, le=51)]
    audio_kbps: Annotated[int, Field(ge=16, le=512)]


class TrackingConfig(Group):
    backend: Literal["mlflow", "none"]
    uri: Annotated[str | None, Field(json_schema_extra=FREE_TEXT)]
    experiment: Annotated[str, Field(json_schema_extra=FREE_TEXT, min_length=1)]
    run_name: Annotated[str | None, Field(json_schema_extra=FREE_TEXT)]
    patience: Annotated[float, Field(gt=0)]


class SearchConfig(Group):
    method: Literal["none", "optuna"]
    trials: Annotated[int, Field(ge=1)]
    objectives: Annotated[str, Field(json_schema_extra=FREE_TEXT)]
    sampler: Literal["tpe", "nsga2", "random"]
    startup_trials: Annotated[int, Field(ge=2)]
    seed: Annotated[int, Field(ge=0)]


class RunConfig(Group):
    """One run as it was asked for."""

    prompt: Annotated[str, Field(json_schema_extra=FREE_TEXT)]
    prompt_file: Annotated[str | None, Field(json_schema_extra=PATH)]
    negative_prompt: Annotated[str | None, Field(json_schema_extra=FREE_TEXT)]
    image: Annotated[str, Field(json_schema_extra=PATH)]
    fit: Literal["cover", "pad", "reference"]
    infer_frames: int
    num_clip: int | None
    base_seed: Annotated[int, Field(ge=-1)]
    start_from_ref: bool
    save_file: Annotated[str | None, Field(json_schema_extra=PATH)]
    dry_run: bool
    resume: Literal["retry", "skip", "force"]
    inputs: Annotated[str | None, Field(json_schema_extra=PATH)]
    title: Annotated[str | None, Field(json_schema_extra=FREE_TEXT)]
    baseline: Annotated[str | None, Field(json_schema_extra=FREE_TEXT)]
    fail_fast: bool
    max_points: Annotated[int, Field(ge=1)]
    model: ModelConfig
    sampler: SamplerConfig
    resolution: ResolutionConfig
    audio: AudioConfig
    tts: TtsConfig
    pose: PoseConfig
    prompt_extend: PromptExtendConfig
    compat: CompatConfig
    memory: MemoryConfig
    speed: SpeedConfig
    parallel: ParallelConfig
    metrics: MetricsConfig
    output: OutputConfig
    tracking: TrackingConfig
    search: SearchConfig


def all_keys() -> dict[str, dict[str, Any]]:
    """Every key with its dots, and what is marked on it."""
    return dict(_keys_of(RunConfig, ""))


def _keys_of(group: type[Group], prefix: str) -> list[tuple[str, dict[str, Any]]]:
    keys: list[tuple[str, dict[str, Any]]] = []
    for name, field in group.model_fields.items():
        kind = field.annotation
        if isinstance(kind, type) and issubclass(kind, Group):
            keys += _keys_of(kind, f"{prefix}{name}.")
        else:
            marks = field.json_schema_extra if isinstance(field.json_schema_extra, dict) else {}
            kinds = (kind, *get_args(kind))
            is_whole = int in kinds and float not in kinds
            keys.append((f"{prefix}{name}", {**marks, "nullable": type(None) in kinds, "is_whole": is_whole}))
    return keys


def free_text_keys() -> frozenset[str]:
    return frozenset(key for key, marks in all_keys().items() if marks.get("free_text"))


def nullable_keys() -> frozenset[str]:
    return frozenset(key for key, marks in all_keys().items() if marks["nullable"])


def path_keys() -> frozenset[str]:
    return frozenset(key for key, marks in all_keys().items() if marks.get("is_path"))


def scaled_path_keys() -> frozenset[str]:
    return frozenset(key for key, marks in all_keys().items() if marks.get("has_scales"))


def whole_number_keys() -> frozenset[str]:
    return frozenset(key for key, marks in all_keys().items() if marks["is_whole"])
