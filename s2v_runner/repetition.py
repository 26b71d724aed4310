"""The settings by which a recorded run is made once more, or looked at again."""

import copy
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from s2v_runner.digests import digest_file
from s2v_runner.errors import InputError
from s2v_runner.tracking.inputs import copy_path
from s2v_runner.tracking.record import Record

# What was heard is heard from beginning to end: what was to be done to it has been.
_WHOLE_RECORDING = {"start": 0.0, "duration": None, "loudness": None}
_NO_SPEECH = {"method": "none", "text": None, "prompt_audio": None, "prompt_text": None}
# What records say that have no `fit`: `pad` was what the original does, and no pose was seen past the end of a video.
_EARLY_FITS = {"cover": "cover", "pad": "reference"}
_EARLY_END = "black"
# Records that do not say how the model was computed are of when there was one way.
_EARLY_SPEED = {
    "kernels": "plain",
    "matrices": "model",
    "autoencoder": "float32",
    "guidance_from": 0.0,
    "guidance_to": 1.0,
    "guidance_every": 1,
    "step_share": 1.0,
    "calibration": None,
}


def repeated_settings(record: Record, outputs: Path) -> dict[str, Any]:
    """The settings as they were carried out, with the inputs wherever they are now, such as in an output folder.

    What was made of inputs, such as speech or a longer prompt, is an input itself: it is not made again.
    Raises InputError for an input that is not to be had any more.
    """
    settings: dict[str, Any] = copy.deepcopy(dict(record.resolved))
    if "fit" not in settings:
        settings["fit"] = _EARLY_FITS[settings["compat"]["picture_fit"]]
        settings["compat"] |= {"picture_fit": settings["fit"], "pose_end": _EARLY_END}
        settings["pose"]["end"] = _EARLY_END
    settings["speed"] = _EARLY_SPEED | settings["speed"]
    # One video is made, whoever made the points of its sweep.
    settings["parallel"] = {**settings["parallel"], "spread": "none"}
    settings["image"] = present_input(record.inputs["image"], "image", outputs)
    settings["audio"] = {**settings["audio"], "path": present_input(record.inputs["audio"], "audio", outputs)}
    if "key" in record.prepared.get("recording", {}):
        settings["audio"] |= _WHOLE_RECORDING
    if "speech" in record.prepared:
        settings["tts"] |= _NO_SPEECH
    if "prompt" in record.prepared:
        settings["prompt"] = record.prepared["prompt"]["text"]
        settings["prompt_extend"]["method"] = "none"
    if "calibration" in record.inputs:
        settings["speed"]["calibration"] = present_input(record.inputs["calibration"], "calibration", outputs)
    if "pose" in record.inputs:
        settings["pose"] |= {"method": "video", "path": present_input(record.inputs["pose"], "pose", outputs)}
    return settings


def present_input(given: Mapping[str, Any], name: str, outputs: Path) -> str:
    """The input's path, or its copy's when it has gone or changed; that may have moved with its output folder.

    Raises InputError.
    """
    copied = Path(given["copy"])
    for path in (Path(given["path"]), copied, copy_path(outputs, given["sha256"], copied.suffix)):
        if path.is_file() and digest_file(path) == given["sha256"]:
            return str(path)
    raise InputError(
        f"{name} '{given['path']}'",
        f"it has changed or gone, and so has its copy '{given['copy']}'",
        f"Put the file with SHA-256 {given['sha256'][:16]}… back",
    )
