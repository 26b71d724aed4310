"""What is written down of a run: the first state of its record, its settings as carried out, its video's metadata."""

import json
from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

from s2v_runner.config.compose import Composed
from s2v_runner.config.loras import LoraChoice, write_loras
from s2v_runner.config.resolve import as_path
from s2v_runner.config.schema import RunConfig
from s2v_runner.placement.choice import Placement, PlacementRequest
from s2v_runner.prepare import PreparedRun
from s2v_runner.tracking.destination import Destination, without_credentials
from s2v_runner.tracking.folder import RunFolder
from s2v_runner.tracking.record import FORMAT, Kind, Record
from s2v_runner.tracking.recorder import begin_attempt


def first_record(
    run: PreparedRun,
    folder: RunFolder,
    composed: Composed,
    command: tuple[str, ...],
    environment: Mapping[str, Any],
    kind: Kind,
    reproduces: str | None,
) -> Record:
    """The record of a run that begins."""
    return Record(
        format=FORMAT,
        kind=kind,
        status="RUNNING",
        identity=run.identity,
        command=tuple(map(without_credentials, command)),
        overrides=tuple(map(without_credentials, composed.overrides)),
        choices=composed.choices,
        requested=public_settings(run.config),
        resolved={},
        plan={},
        base_seed=run.request.base_seed,
        inputs=run.inputs,
        prepared={} if folder.previous is None else folder.previous.prepared,
        checkpoint={
            "path": str(run.checkpoint_path.absolute()),
            "digest": run.checkpoint_digest,
            "loras": _describe_loras(run),
        },
        environment=recorded_environment(environment),
        attempts=begin_attempt(folder.previous),
        frames=None,
        measures={},
        clip_measures={},
        files={},
        warnings=(),
        reproduces=reproduces,
    )


def _describe_loras(run: PreparedRun) -> list[dict[str, Any]]:
    return [{**asdict(lora), "path": str(lora.path)} for lora in run.loras]


def recorded_environment(environment: Mapping[str, Any]) -> dict[str, Any]:
    """The environment as a record has it: of the code's difference only that there is one."""
    code = {"commit": environment["code"]["commit"], "dirty": environment["code"]["diff"] is not None}
    return {**environment, "code": code}


def public_settings(config: RunConfig) -> dict[str, Any]:
    """The settings as they may be written down: without a password that the tracking server's address may hold."""
    settings = config.model_dump(mode="json")
    destination = destination_of(config)
    if destination is not None and destination.uri is not None:
        settings["tracking"]["uri"] = destination.address
    return settings


def destination_of(config: RunConfig) -> Destination | None:
    """Where the run is to be published, if anywhere."""
    tracking = config.tracking
    if tracking.backend == "none":
        return None
    return Destination(
        uri=tracking.uri,
        experiment=tracking.experiment,
        run_name=tracking.run_name,
        outputs=as_path(config.output.folder).absolute(),
        patience=tracking.patience,
    )


def placement_request(run: PreparedRun) -> PlacementRequest:
    """What was asked of memory and speed."""
    memory = run.config.memory
    return PlacementRequest(
        mode=memory.mode,
        offload_model=memory.offload_model,
        convert_model_dtype=memory.convert_model_dtype,
        t5_cpu=memory.t5_cpu,
        dit_fsdp=run.config.parallel.dit_fsdp,
        attention=run.config.speed.attention,
        kernels=run.config.speed.kernels,
        matrices=run.config.speed.matrices,
        autoencoder=run.config.speed.autoencoder,
    )


def resolve_settings(run: PreparedRun, placement: Placement) -> dict[str, Any]:
    """The settings as they are carried out: as a configuration, they make the same video.

    What was made of inputs may come out otherwise: `repetition.py` puts it in their place.
    """
    resolved = public_settings(run.config)
    resolved |= {"prompt": run.prompt, "prompt_file": None, "base_seed": run.request.base_seed}
    resolved["image"] = run.inputs["image"]["path"]
    if run.makers.synthesiser is None:
        resolved["audio"]["path"] = run.inputs.get("recording", run.inputs["audio"])["path"]
    if "voice" in run.inputs:
        resolved["tts"]["prompt_audio"] = run.inputs["voice"]["path"]
    if "pose" in run.inputs:
        resolved["pose"]["path"] = run.inputs.get("pose_source", run.inputs["pose"])["path"]
    if run.config.model.ckpt_dir is not None:
        resolved["model"]["ckpt_dir"] = str(run.checkpoint_path.absolute())
    if run.loras:
        resolved["model"]["loras"] = write_loras([LoraChoice(lora.path, lora.scale) for lora in run.loras])
    if "calibration" in run.inputs:
        resolved["speed"]["calibration"] = run.inputs["calibration"]["path"]
    resolved["sampler"]["shift"] = run.plan.shift
    resolved["parallel"]["ulysses_size"] = run.topology.sequence
    resolved["speed"] |= {
        "attention": placement.attention,
        "kernels": placement.kernels,
        "matrices": placement.matrices,
        "autoencoder": placement.autoencoder_dtype,
    }
    resolved["memory"]["mode"] = placement.memory
    resolved["memory"]["device"] = placement.device
    resolved["memory"]["offload_model"] = placement.memory != "resident"
    resolved["memory"]["convert_model_dtype"] = placement.dtype == "bfloat16"
    return resolved


def video_metadata(run: PreparedRun, record: Record) -> dict[str, str]:
    """What the video file says of itself."""
    return {
        "title": run.prompt,
        "comment": f"s2v_runner {run.identity[:12]}, seed {run.request.base_seed}",
        "s2v_runner_identity": run.identity,
        "s2v_runner_seed": str(run.request.base_seed),
        "s2v_runner_config": json.dumps(record.resolved, ensure_ascii=False),
    }
