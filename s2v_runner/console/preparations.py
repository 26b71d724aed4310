"""What is, or was, done to the inputs of a run, a line each."""

from collections.abc import Mapping
from typing import Any

from s2v_runner.console.outline import fact_line
from s2v_runner.prepare import PreparedRun

_NAMES = {
    "speech": "speech",
    "recording": "sound",
    "picture": "picture",
    "poses": "poses",
    "pose": "pose",
    "prompt": "prompt",
}
"""What each is called, in the order in which they are told."""
_LONGEST_TEXT = 200


def preparation_lines(prepared: Mapping[str, Mapping[str, Any]]) -> list[str]:
    """What was done to each input, or to make it."""
    lines = [fact_line(shown, prepared[name]["words"]) for name, shown in _NAMES.items() if name in prepared]
    text = prepared.get("prompt", {}).get("text")
    return lines if text is None else [*lines, fact_line("", f"“{_shortened(text)}”")]


def intention_lines(run: PreparedRun) -> list[str]:
    """What would be made of the inputs."""
    config, lines = run.config, []
    if run.makers.synthesiser is not None:
        known = "spoken already" if run.is_sound_known else "to be spoken"
        lines.append(fact_line("speech", f"{known} by {config.tts.method}: “{_shortened(config.tts.text or '')}”"))
    if run.makers.extender is not None:
        model = config.prompt_extend.model or "the model of its choice"
        lines.append(fact_line("prompt", f"to be extended by {config.prompt_extend.method}, {model}"))
    if run.makers.extraction is not None:
        lines.append(fact_line("poses", f"to be taken from {run.request.pose_video}"))
    return lines


def _shortened(text: str) -> str:
    folded = " ".join(text.split())
    return folded if len(folded) <= _LONGEST_TEXT else f"{folded[:_LONGEST_TEXT]}…"
