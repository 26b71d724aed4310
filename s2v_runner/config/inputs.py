"""The configuration → the settings of what is made of inputs: speech, what is heard, a longer prompt, poses."""

import os

from s2v_runner.config.resolve import as_path
from s2v_runner.config.schema import RunConfig
from s2v_runner.errors import InputError
from s2v_runner.inputs.extraction.settings import ExtractionSettings
from s2v_runner.inputs.prompt.settings import KEY_VARIABLES, ExtensionSettings
from s2v_runner.inputs.recording import RecordingSettings
from s2v_runner.inputs.speech.settings import SpeechSettings


def recording_settings(config: RunConfig) -> RecordingSettings:
    """What is heard of a recording."""
    audio = config.audio
    return RecordingSettings(
        start=audio.start,
        duration=audio.duration,
        loudness=audio.loudness,
        fade=audio.fade,
        limit=audio.limit,
        too_long=audio.too_long,
    )


def speech_settings(config: RunConfig) -> SpeechSettings | None:
    """What is to be said; None where the speech is recorded. Raises InputError for settings that contradict it."""
    tts = config.tts
    if tts.method == "none":
        for key in ("text", "prompt_audio", "prompt_text"):
            if getattr(tts, key) is not None:
                problem, remedy = "it is given and tts=none", "Add tts=espeak or tts=cosyvoice"
                raise InputError(f"tts.{key}={getattr(tts, key)}", problem, remedy)
        return None
    return SpeechSettings(
        method=tts.method,
        text=tts.text or "",
        language=tts.language,
        voice=tts.voice,
        prompt_audio=None if tts.prompt_audio is None else as_path(tts.prompt_audio),
        prompt_text=tts.prompt_text,
        speed=tts.speed,
        seed=tts.seed,
        code=as_path(tts.code),
        weights=as_path(tts.weights),
        python=as_path(tts.python),
        patience=tts.patience,
    )


def extension_settings(config: RunConfig, device: str) -> ExtensionSettings | None:
    """How the prompt is to be extended, a local model on `device`; None where it is not."""
    extend = config.prompt_extend
    if extend.method == "none":
        return None
    keys = (os.environ.get(variable) for variable in KEY_VARIABLES)
    return ExtensionSettings(
        method=extend.method,
        model=extend.model,
        target_lang=extend.target_lang,
        picture=extend.picture,
        seed=extend.seed,
        max_tokens=extend.max_tokens,
        retries=extend.retries,
        patience=extend.patience,
        url=extend.url,
        key=next((key for key in keys if key), None),
        device=device,
    )


def extraction_settings(config: RunConfig, device: str) -> ExtractionSettings | None:
    """How poses are to be taken from a video; None where they are not. Raises InputError for what is not given."""
    pose = config.pose
    if pose.method != "extract":
        return None
    if pose.detector is None or pose.estimator is None:
        key, file = ("detector", "yolox_l.onnx") if pose.detector is None else ("estimator", "dw-ll_ucoco_384.onnx")
        raise InputError(
            f"pose.{key}", "pose=extract needs the models of DWPose", f"Give the path of {file}, pose.{key}=…"
        )
    return ExtractionSettings(
        detector=as_path(pose.detector),
        estimator=as_path(pose.estimator),
        device=device,
        person_threshold=pose.person_threshold,
        joint_threshold=pose.joint_threshold,
        person=pose.person,
    )
