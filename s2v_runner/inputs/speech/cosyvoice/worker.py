"""One speech by CosyVoice, in the environment that CosyVoice is installed in: `python worker.py REQUEST.json`.

This file is run by its path and imports nothing of the package that it lies in; it keeps to Python 3.8. The request
is a JSON object: `paths` (folders to import from), `weights`, `model` (the class), `mode` (`zero_shot` or
`cross_lingual`), `pieces`, `prompt_text`, `prompt_audio` (a WAV file), `text_frontend`, `speed`, `seed`, and `speech`
and `answer`, the files to write. The answer is a JSON object as well, with `rate` and the `samples` of each piece, or
with an `error` of a `kind` (import, load, version, memory, inference, sound) and a `message`. What CosyVoice prints is
no part of it.

When whoever began it has gone, which shows in the end of standard input, it removes the request's folder and ends.
"""

import importlib
import inspect
import json
import os
import pathlib
import random
import shutil
import signal
import sys
import threading
import traceback
import wave

# Each is an engine that has to be built or a lower precision; early versions ask for some of them by themselves.
_OPTIONS = ("load_jit", "load_onnx", "load_trt", "load_vllm", "fp16")
_ENCODER_RATE = 16000


class Failure(Exception):
    """What is answered in place of the speech."""

    def __init__(self, kind, message):
        super().__init__(message)
        self.kind = kind


class ThreadFailures:
    """CosyVoice's language model runs in a thread, and what it raises there would only be printed."""

    def __init__(self):
        self.raised = []
        threading.excepthook = self.note

    def note(self, arguments):
        traceback.print_exception(arguments.exc_type, arguments.exc_value, arguments.exc_traceback)
        self.raised.append(arguments.exc_value)


def main(request_path):
    request = json.loads(request_path.read_text(encoding="utf-8"))
    threading.Thread(target=end_with_parent, args=(request_path.parent,), daemon=True).start()
    failures = ThreadFailures()
    try:
        answer = speak(request, failures)
    # Theirs may raise anything, SystemExit included.
    except BaseException as error:
        traceback.print_exc()
        cause = failures.raised[0] if failures.raised else error
        answer = {"error": {"kind": kind_of(cause), "message": describe(cause)}}
    unfinished = pathlib.Path(request["answer"] + ".unfinished")
    unfinished.write_text(json.dumps(answer), encoding="utf-8")
    unfinished.replace(request["answer"])


def end_with_parent(folder):
    while os.read(0, 1):
        pass
    shutil.rmtree(folder, ignore_errors=True)
    if os.getpgrp() == os.getpid():
        os.killpg(0, signal.SIGKILL)
    os.kill(os.getpid(), signal.SIGKILL)


def speak(request, failures):
    # In place of the folder that this file is in.
    sys.path[:1] = request["paths"]
    make, load_wav = import_cosyvoice(request["model"])
    model = load(make, request["weights"])
    method = getattr(model, "inference_" + request["mode"])
    arguments = arguments_of(method, request, load_wav)
    samples = []
    for piece in request["pieces"]:
        seed_all(request["seed"])
        samples.append(join(method(piece, **arguments)))
        if failures.raised:
            raise failures.raised[0]
    write_speech(request["speech"], samples, int(model.sample_rate))
    return {"rate": int(model.sample_rate), "samples": [len(part) for part in samples]}


def import_cosyvoice(name):
    try:
        make = getattr(importlib.import_module("cosyvoice.cli.cosyvoice"), name)
        load_wav = importlib.import_module("cosyvoice.utils.file_utils").load_wav
        for library in ("numpy", "torch"):
            importlib.import_module(library)
    except Exception as error:
        traceback.print_exc()
        raise Failure("import", describe(error)) from error
    return make, load_wav


def load(make, weights):
    known = inspect.signature(make).parameters
    try:
        return make(weights, **{name: False for name in _OPTIONS if name in known})
    except Exception as error:
        traceback.print_exc()
        # The setup names classes by their paths, so some modules are only imported here.
        missing = next((step for step in chain(error) if isinstance(step, ImportError)), None)
        if missing is not None:
            raise Failure("import", describe(missing)) from error
        raise Failure("memory" if kind_of(error) == "memory" else "load", describe(error)) from error


def chain(error):
    while error is not None:
        yield error
        error = error.__cause__ or error.__context__


def arguments_of(method, request, load_wav):
    """What the method is called with beside the text, by the names that this version has."""
    known = inspect.signature(method).parameters
    arguments = {}
    if request["mode"] == "zero_shot":
        arguments["prompt_text"] = request["prompt_text"]
    if "prompt_wav" in known:
        arguments["prompt_wav"] = request["prompt_audio"]
    elif "prompt_speech_16k" in known:
        arguments["prompt_speech_16k"] = load_wav(request["prompt_audio"], _ENCODER_RATE)
    else:
        raise Failure("version", "it takes the recording neither as prompt_wav nor as prompt_speech_16k")
    offered = {"stream": False, "speed": request["speed"], "text_frontend": request["text_frontend"]}
    arguments.update((name, value) for name, value in offered.items() if name in known)
    if request["speed"] != 1 and "speed" not in known:
        raise Failure("version", "it cannot change the speed")
    return arguments


def seed_all(seed):
    """Before each piece, so that it sounds the same whatever is said before it."""
    import numpy
    import torch

    random.seed(seed)
    numpy.random.seed(seed)
    torch.manual_seed(seed)
    torch.cuda.manual_seed_all(seed)


def join(chunks):
    """One array of all samples of a piece."""
    import numpy

    parts = [chunk["tts_speech"].detach().cpu().float().numpy().reshape(-1) for chunk in chunks]
    samples = numpy.concatenate(parts) if parts else numpy.zeros(0, dtype="float32")
    if not len(samples):
        raise Failure("sound", "no samples")
    if not numpy.isfinite(samples).all():
        raise Failure("sound", "samples that are not finite")
    if not samples.any():
        raise Failure("sound", "nothing but silence")
    return samples


def write_speech(path, parts, rate):
    import numpy

    samples = numpy.rint(numpy.clip(numpy.concatenate(parts), -1, 1) * 32767).astype("<i2")
    with wave.open(path, "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(rate)
        file.writeframes(samples.tobytes())


def kind_of(error):
    if isinstance(error, Failure):
        return error.kind
    if isinstance(error, MemoryError) or "out of memory" in str(error).lower():
        return "memory"
    return "inference"


def describe(error):
    if isinstance(error, Failure):
        return str(error)
    words = " ".join(str(error).split())
    return type(error).__name__ + (": " + words if words else "")


if __name__ == "__main__":
    main(pathlib.Path(sys.argv[1]).absolute())
    sys.stdout.flush()
    sys.stderr.flush()
    # The answer is there; what their libraries do when the interpreter ends could only spoil it.
    os._exit(0)
