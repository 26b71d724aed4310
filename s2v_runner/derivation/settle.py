"""A run as it was asked for → the run with what was made in the place of what it was made of."""

from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from s2v_runner.derivation.makers import (
    POSES,
    PROMPT,
    RECORDING,
    SPEECH,
    derive_poses,
    derive_prompt,
    derive_recording,
    derive_speech,
)
from s2v_runner.derivation.store import Derivation, Derived, DerivedStore, show
from s2v_runner.errors import GenerationError
from s2v_runner.inputs.picture import report_picture
from s2v_runner.inputs.pose import report_pose
from s2v_runner.inputs.probe import probe_sound
from s2v_runner.inputs.recording import probe_recording, report_recording
from s2v_runner.prepare import PreparedRun
from s2v_runner.records import Report
from s2v_runner.tracking.folder import RESUME_NAME

PICTURE, POSE = "picture", "pose"
_STAGES = {
    SPEECH: "synthesise speech",
    RECORDING: "prepare recording",
    PROMPT: "extend prompt",
    POSES: "extract poses",
}
# A recording is heard in the video; the others are of use by themselves.
_SHOWN = (SPEECH, PROMPT, POSES)


@dataclass(frozen=True, kw_only=True)
class Workbench:
    """Where inputs are made, and who is told."""

    store: DerivedStore
    folder: Path
    """Of the run."""
    before: Mapping[str, Mapping[str, Any]]
    """What an earlier attempt at the run made: its clips go with it."""
    stage: Callable[[str], AbstractContextManager[object]]
    """Entered around each making, by name."""

    @property
    def has_clips(self) -> bool:
        """Whether an earlier attempt has left clips, which go with what it made."""
        return any((self.folder / RESUME_NAME).glob("[!.]*"))


@dataclass(frozen=True, kw_only=True)
class Settled:
    """A run that nothing more has to be made for."""

    run: PreparedRun
    prepared: Mapping[str, Mapping[str, Any]]
    """By input what was done to it, or to make it, as the record has it."""
    files: Mapping[str, str]
    """What was made, by kind, in the folder of the run."""

    def differs_from(self, before: Mapping[str, Mapping[str, Any]]) -> bool:
        """Whether something came out otherwise than in an earlier attempt at the run."""
        return any(_content(self.prepared.get(name, {})) != _content(entry) for name, entry in before.items())


def settle_inputs(run: PreparedRun, bench: Workbench) -> Settled:
    """Make what is to be made, unless it is there already, and plan again with it.

    Raises InputError, GenerationError and OutputError.
    """
    inputs = {name: dict(given) for name, given in run.inputs.items()}
    prepared: dict[str, dict[str, Any]] = {}
    made: list[tuple[Derivation, Derived]] = []

    def obtain(derivation: Derivation) -> Derived:
        derived = _obtain(derivation, bench)
        made.append((derivation, derived))
        prepared[derivation.name] = derived.as_entry()
        return derived

    run = _settle_sound(run, inputs, prepared, obtain)
    run = _settle_prompt(run, bench, prepared, obtain)
    run = _settle_poses(run, inputs, prepared, obtain)
    prepared[PICTURE] = asdict(report_picture(run.request.image, run.request.compat, run.plan.height, run.plan.width))
    shown = [each for each in made if each[0].name in _SHOWN]
    files = {derivation.name: show(derivation, derived, bench.folder) for derivation, derived in shown}
    return Settled(run=replace(run, inputs=inputs, is_settled=True), prepared=prepared, files=files)


def _content(entry: Mapping[str, Any]) -> tuple[Any, Any]:
    return entry.get("sha256"), entry.get("text")


_Obtain = Callable[[Derivation], Derived]
_Inputs = dict[str, dict[str, Any]]


def _obtain(derivation: Derivation, bench: Workbench) -> Derived:
    """What an earlier attempt or another run has made, or what is made now."""
    entry = bench.before.get(derivation.name, {})
    derived = bench.store.recover(derivation, entry) or bench.store.find(derivation)
    try:
        if derived is None:
            with bench.stage(_STAGES[derivation.name]):
                derived = bench.store.make(derivation, bench.folder)
        return derived
    finally:
        if derivation.name not in _SHOWN:
            # That of this attempt, or of one that was killed.
            (bench.folder / derivation.file_name).unlink(missing_ok=True)


def _settle_sound(run: PreparedRun, inputs: _Inputs, prepared: _Inputs, obtain: _Obtain) -> PreparedRun:
    """The speech, and of it or of the recording what is heard."""
    synthesiser, settings = run.makers.synthesiser, run.makers.recording
    if synthesiser is not None:
        inputs["audio"] = obtain(derive_speech(synthesiser)).as_input()
    source = Path(inputs["audio"]["path"])
    recording = probe_recording(source, settings)
    if recording.is_as_it_is:
        prepared[RECORDING] = asdict(report_recording(source, settings))
        return run.with_sound(source, recording)
    if synthesiser is None:
        inputs["recording"] = inputs["audio"]
    derived = obtain(derive_recording(source, inputs["audio"]["sha256"], settings))
    inputs["audio"] = derived.as_input()
    return run.with_sound(derived.path, probe_sound(derived.path))


def _settle_prompt(run: PreparedRun, bench: Workbench, prepared: _Inputs, obtain: _Obtain) -> PreparedRun:
    extender, request = run.makers.extender, run.request
    if extender is None:
        return run
    derivation = derive_prompt(extender, request.prompt, request.image, run.inputs["image"]["sha256"], request.compat)
    earlier = bench.before.get(PROMPT, {})
    if earlier.get("key") == derivation.key and earlier.get("failed") and bench.has_clips:
        # They were made with the prompt as it is.
        prepared[PROMPT] = dict(earlier)
        return run
    try:
        text = obtain(derivation).path.read_text(encoding="utf-8")
    except GenerationError as error:
        if run.config.prompt_extend.on_error == "stop":
            raise
        warning = f"{error}. This video is made with the prompt as it is"
        report = asdict(Report({}, "used as it is", (warning,)))
        prepared[PROMPT] = {"key": derivation.key, "failed": str(error), "text": request.prompt, **report}
        return run
    prepared[PROMPT] |= {"asked": request.prompt, "text": text}
    return replace(run, request=replace(request, prompt=text))


def _settle_poses(run: PreparedRun, inputs: _Inputs, prepared: _Inputs, obtain: _Obtain) -> PreparedRun:
    request, plan, extraction = run.request, run.plan, run.makers.extraction
    video = request.pose_video
    if video is None:
        return run
    if extraction is not None:
        inputs["pose_source"] = inputs["pose"]
        seconds = plan.made_frames / request.sample_fps
        derived = obtain(derive_poses(video, inputs["pose"]["sha256"], extraction, seconds))
        inputs["pose"] = derived.as_input()
        video = derived.path
    prepared[POSE] = asdict(report_pose(video, plan, request.sample_fps, request.compat))
    return replace(run, request=replace(request, pose_video=video))
