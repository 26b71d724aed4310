"""Who makes what of a run's inputs."""

from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path
from typing import Any

from PIL import Image

from s2v_runner.config.inputs import extension_settings, extraction_settings, recording_settings, speech_settings
from s2v_runner.config.schema import RunConfig
from s2v_runner.derivation.store import Derivation
from s2v_runner.inputs.extraction.extract import check_extraction, describe_extraction, extract_poses
from s2v_runner.inputs.extraction.settings import ExtractionSettings
from s2v_runner.inputs.picture import read_picture
from s2v_runner.inputs.pose import probe_pose
from s2v_runner.inputs.prompt.choice import choose_extender
from s2v_runner.inputs.prompt.settings import Extender
from s2v_runner.inputs.recording import RecordingSettings, prepare_recording
from s2v_runner.inputs.speech.choice import choose_synthesiser
from s2v_runner.inputs.speech.settings import Synthesiser
from s2v_runner.placement.gpus import likely_hardware
from s2v_runner.records import Compat, Report, Request
from s2v_runner.tracking.record import write_atomically

SPEECH, RECORDING, PROMPT, POSES = "speech", "recording", "prompt", "poses"
"""What can be made."""


@dataclass(frozen=True, kw_only=True)
class Makers:
    """Who makes what; None where an input is used as it is."""

    synthesiser: Synthesiser | None
    recording: RecordingSettings
    extender: Extender | None
    extraction: ExtractionSettings | None

    def describe(self) -> dict[str, Any]:
        """What is made, by content, as part of a run's identity."""
        return {
            "tts": None if self.synthesiser is None else dict(self.synthesiser.describe()),
            "prompt_extend": None if self.extender is None else dict(self.extender.describe()),
            "pose_extraction": None if self.extraction is None else dict(describe_extraction(self.extraction)),
        }


def choose_makers(config: RunConfig, request: Request) -> Makers:
    """Who is needed. Raises InputError for everything that can be known to be wrong before anything is made."""
    has_models = config.prompt_extend.method == "local_qwen" or config.pose.method == "extract"
    device = likely_hardware(config.memory.device).device if has_models else config.memory.device
    speech = speech_settings(config)
    synthesiser = None if speech is None else choose_synthesiser(speech)
    if synthesiser is not None:
        synthesiser.check()
    extension = extension_settings(config, device)
    extender = None if extension is None else choose_extender(extension)
    if extender is not None:
        extender.check()
    extraction = extraction_settings(config, device)
    if request.pose_video is not None:
        if extraction is None:
            probe_pose(request.pose_video, request.sample_fps)
        else:
            check_extraction(request.pose_video, extraction)
    return Makers(
        synthesiser=synthesiser, recording=recording_settings(config), extender=extender, extraction=extraction
    )


def derive_speech(synthesiser: Synthesiser) -> Derivation:
    """Text → speech."""
    return Derivation(name=SPEECH, suffix=".wav", asked=dict(synthesiser.describe()), make=synthesiser.synthesise)


def derive_recording(source: Path, sha256: str, settings: RecordingSettings) -> Derivation:
    """A recording → the part of it that is heard, as it is heard."""
    return Derivation(
        name=RECORDING,
        suffix=".wav",
        asked={"source": sha256, **asdict(settings)},
        make=partial(prepare_recording, source, settings),
    )


def derive_prompt(extender: Extender, prompt: str, picture: Path, sha256: str, compat: Compat) -> Derivation:
    """A prompt → a longer one, as a text file."""
    described = extender.describe()
    shown = {"picture": sha256, "orientation": compat.orientation} if described["picture"] else {}
    asked = {**described, **shown, "prompt": prompt}
    return Derivation(
        name=PROMPT, suffix=".txt", asked=asked, make=partial(_extend_prompt, extender, prompt, picture, compat)
    )


def derive_poses(video: Path, sha256: str, settings: ExtractionSettings, seconds: float) -> Derivation:
    """The first seconds of an ordinary video → a video of drawn poses."""
    return Derivation(
        name=POSES,
        suffix=".mp4",
        asked={"source": sha256, "seconds": seconds, **describe_extraction(settings)},
        make=partial(extract_poses, video, settings, seconds=seconds),
    )


def _extend_prompt(extender: Extender, prompt: str, picture: Path, compat: Compat, target: Path) -> Report:
    extended = extender.extend(prompt, Image.fromarray(read_picture(picture, compat).pixels))
    write_atomically(target, extended.text)
    return extended.report
