"""Prompts are extended by a Qwen model on this machine."""

import time
from collections.abc import Mapping

from PIL import Image

from s2v_runner.inputs.prompt.folder import QwenFolder, find_qwen
from s2v_runner.inputs.prompt.outcome import accept
from s2v_runner.inputs.prompt.settings import ExtendedPrompt, ExtensionSettings
from s2v_runner.inputs.prompt.system_prompts import digest_instructions, system_prompt, user_message
from s2v_runner.inputs.prompt.views import shrink_picture
from s2v_runner.records import Value


class LocalExtender:
    """Loads the model for each prompt, and leaves nothing of it behind."""

    def __init__(self, settings: ExtensionSettings) -> None:
        self._settings = settings

    def check(self) -> None:
        """Raises InputError where the folder is missing, is none of Qwen's models, or is not whole."""
        self._find()

    def describe(self) -> Mapping[str, Value]:
        """Raises InputError like `check`."""
        folder = self._find()
        sees = folder.sees and self._settings.picture
        return {
            "method": self._settings.method,
            "model": folder.digest(),
            "instructions": digest_instructions(self._settings.target_lang, sees),
            "target_lang": self._settings.target_lang,
            "picture": sees,
            "seed": self._settings.seed,
            "max_tokens": self._settings.max_tokens,
        }

    def extend(self, prompt: str, picture: Image.Image | None) -> ExtendedPrompt:
        """Raises InputError where there is nothing to describe, and ExtensionError."""
        folder, settings = self._find(), self._settings
        began = time.monotonic()
        is_shown = picture is not None and folder.sees and settings.picture
        shown = shrink_picture(picture) if picture is not None and is_shown else None
        instructions = system_prompt(settings.target_lang, is_shown)
        material = user_message(prompt, settings.target_lang, is_shown)
        # Loads torch and transformers.
        from s2v_runner.inputs.prompt.writing import Sampling, write

        sampling = Sampling(settings.seed, settings.max_tokens, settings.patience, settings.device)
        answer = write(folder, instructions, material, shown, sampling)
        return accept(
            prompt,
            answer,
            settings,
            model=folder.name,
            sees=is_shown,
            tries=1,
            seconds=time.monotonic() - began,
            warnings=self._warn_of_blindness(folder, picture),
        )

    def _find(self) -> QwenFolder:
        return find_qwen(self._settings.model, self._settings.picture)

    def _warn_of_blindness(self, folder: QwenFolder, picture: Image.Image | None) -> tuple[str, ...]:
        if picture is None or folder.sees or not self._settings.picture:
            return ()
        return (f"the model '{folder.name}' reads text alone, and was not shown the picture",)
