"""The original's command line, `generate.py`, in the original's flags: each is translated to its setting.

    python -m s2v_runner.generate --task s2v-14B --ckpt_dir weights --image me.png --audio speech.wav --prompt "…"

Source of the flags and their defaults: `generate.py` of the original and `wan/configs/wan_s2v_14B.py`.
"""

import argparse
import re
import sys
from collections.abc import Sequence
from datetime import datetime

from s2v_runner.cli import guarded
from s2v_runner.config.nearest import suggest
from s2v_runner.errors import InputError
from s2v_runner.placement.processes import launched_processes

TASK = "s2v-14B"
_SIZE = re.compile(r"(\d+)\*(\d+)")
# The original's defaults where they are not the configuration's own.
_SIZE_DEFAULT = "1280*720"
_SHIFT_DEFAULT = 3.0
_LONGEST_PROMPT = 50
_LONGEST_NAME = 255
_SOLVERS = {"unipc": "unipc", "dpm++": "dpmpp"}

# Flag → setting, where a value goes through as it is.
SETTINGS = {
    "ckpt_dir": "model.ckpt_dir",
    "prompt": "prompt",
    "image": "image",
    "audio": "audio.path",
    "infer_frames": "infer_frames",
    "num_clip": "num_clip",
    "size": "resolution.size",
    "max_area": "resolution.max_area",
    "sample_steps": "sampler.steps",
    "sample_guide_scale": "sampler.guide_scale",
    "sample_shift": "sampler.shift",
    "sample_neg_prompt": "negative_prompt",
    "prompt_extend_model": "prompt_extend.model",
    "prompt_extend_target_lang": "prompt_extend.target_lang",
    "tts_text": "tts.text",
    "tts_prompt_audio": "tts.prompt_audio",
    "tts_prompt_text": "tts.prompt_text",
    "pose_video": "pose.path",
    "ulysses_size": "parallel.ulysses_size",
    "offload_model": "memory.offload_model",
    "base_seed": "base_seed",
    "save_file": "save_file",
}
SWITCHES = {
    "start_from_ref": "start_from_ref",
    "dit_fsdp": "parallel.dit_fsdp",
    "t5_fsdp": "parallel.t5_fsdp",
    "convert_model_dtype": "memory.convert_model_dtype",
    "t5_cpu": "memory.t5_cpu",
}
# Flags of the original's other models.
_OF_OTHER_TASKS = ("frame_num", "src_root_path", "refert_num", "replace_flag", "use_relighting_lora")


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the original's command line; exit statuses are those of `s2v_runner.cli`."""
    options, unknown = _make_parser().parse_known_args(arguments)
    return guarded(lambda: _generate(options, unknown))


def translate(options: argparse.Namespace, now: datetime, processes: int) -> list[str]:
    """The flags as overrides, where so many processes were launched. Raises InputError for a size that is none."""
    given = {name: value for name, value in vars(options).items() if value is not None}
    match = _SIZE.fullmatch(options.size)
    if match is None:
        raise InputError(f"--size {options.size}", "it is no width*height", "Give pixels, such as 1024*704")
    overrides = ["model=wan_s2v_14b", f"sampler={_SOLVERS[options.sample_solver]}", f"compat={options.compat}"]
    overrides += ["tts=cosyvoice"] if options.enable_tts else []
    overrides += ["pose=video"] if options.pose_video is not None else []
    overrides += [f"prompt_extend={options.prompt_extend_method}"] if options.use_prompt_extend else []
    if options.ulysses_size > 1 or processes > 1:
        overrides.append("parallel=ulysses")
    if options.ulysses_size == 1:
        # Which is its default: who was launched makes the video.
        del given["ulysses_size"]
    if options.base_seed is not None:
        # To the original every negative seed is any seed.
        given["base_seed"] = max(-1, options.base_seed)
    overrides += [f"{SETTINGS[name]}={value}" for name, value in given.items() if name in SETTINGS]
    overrides += [f"{SWITCHES[name]}=true" for name, value in given.items() if name in SWITCHES and value]
    if options.save_file is None:
        overrides.append(f"save_file={default_name(options, (int(match[1]), int(match[2])), now)}")
    return overrides


def default_name(options: argparse.Namespace, size: tuple[int, int], now: datetime) -> str:
    """The original's name for a video that was given none, safe for any file system: at most 255 bytes."""
    shown = re.sub(r"[^\w.-]+", "_", (options.prompt or "")[:_LONGEST_PROMPT]).strip("_")
    head = f"{options.task}_{size[0]}x{size[1]}_{options.ulysses_size}_"
    tail = f"_{now:%Y%m%d_%H%M%S}.mp4"
    room = _LONGEST_NAME - len(head.encode()) - len(tail.encode())
    return head + shown.encode()[:room].decode(errors="ignore") + tail


def _generate(options: argparse.Namespace, unknown: list[str]) -> int:
    if unknown:
        flags = [f"--{name}" for name in vars(options)]
        raise InputError(f"'{unknown[0]}'", "the original has no such flag", f"{suggest(unknown[0], flags)} See --help")
    if options.task != TASK:
        raise InputError(f"--task {options.task}", "this project runs the speech-to-video model", f"Use --task {TASK}")
    others = [name for name in _OF_OTHER_TASKS if getattr(options, name) not in (None, False)]
    if others:
        raise InputError(f"--{others[0]}", f"it belongs to other models than {TASK}", "Leave it out")
    # Late, so that a mistyped flag is answered at once.
    from s2v_runner.commands.run import carry_out
    from s2v_runner.config.asked import read_asked
    from s2v_runner.config.compose import PROJECT

    words = translate(options, datetime.now().astimezone(), launched_processes().count)
    asked = read_asked(words, PROJECT, multirun=False)
    return carry_out(asked, tuple(sys.argv))


def _make_parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m s2v_runner.generate",
        description="Wan2.2-S2V in the original's flags. `python -m s2v_runner` has more settings.",
        allow_abbrev=False,
    )
    add = parser.add_argument
    add("--task", default=TASK, help="the model; here it is always s2v-14B")
    add("--ckpt_dir", help="the folder of the weights")
    add("--prompt", help="what is in the picture and what it does")
    add("--image", help="the picture that is to speak")
    add("--audio", help="the speech: WAV, FLAC, OGG, MP3, M4A and the like, or a video with sound")
    add("--size", default=_SIZE_DEFAULT, help="width*height, taken as an area; the picture gives the aspect")
    add("--max_area", type=int, help="pixels of a frame at most")
    add("--infer_frames", type=int, help="video frames of a clip, a multiple of 4")
    add("--num_clip", type=int, help="at most so many clips; else as many as the speech fills")
    add("--sample_solver", choices=list(_SOLVERS), default="unipc")
    add("--sample_steps", type=int)
    add("--sample_shift", type=float, default=_SHIFT_DEFAULT)
    add("--sample_guide_scale", type=float)
    add("--sample_neg_prompt", help="what the video should not show; left out, the model's own")
    add("--base_seed", type=int, help="-1 draws one")
    add("--save_file", help="where to put the video")
    add("--start_from_ref", action="store_true", help="begin with the picture itself")
    add("--pose_video", help="a video of drawn poses to follow")
    add("--offload_model", type=_as_bool, help="whether parts wait in main memory while others work")
    add("--convert_model_dtype", action="store_true", help="matrices in bfloat16")
    add("--t5_cpu", action="store_true", help="the text encoder stays on the CPU")
    add("--ulysses_size", type=int, default=1, help="GPUs that share the tokens of one video")
    add("--dit_fsdp", action="store_true", help="the transformer's weights shared out among GPUs")
    add("--t5_fsdp", action="store_true", help="the text encoder's weights shared out among GPUs")
    add("--use_prompt_extend", action="store_true")
    add("--prompt_extend_method", choices=["dashscope", "local_qwen"], default="local_qwen")
    add("--prompt_extend_model")
    add("--prompt_extend_target_lang", choices=["zh", "en"])
    add("--enable_tts", action="store_true", help="synthesise the speech from --tts_text")
    add("--tts_text")
    add("--tts_prompt_audio")
    add("--tts_prompt_text")
    add("--compat", choices=["fixed", "reference"], default="fixed", help="what is right, or what the original does")
    for name in _OF_OTHER_TASKS:
        add(f"--{name}", nargs="?", const=True, help=argparse.SUPPRESS)
    return parser


def _as_bool(text: str) -> str:
    words = {"true": "true", "yes": "true", "1": "true", "t": "true", "y": "true"}
    words |= {"false": "false", "no": "false", "0": "false", "f": "false", "n": "false"}
    if text.lower() not in words:
        raise argparse.ArgumentTypeError(f"'{text}' is neither true nor false")
    return words[text.lower()]


if __name__ == "__main__":
    raise SystemExit(main())
