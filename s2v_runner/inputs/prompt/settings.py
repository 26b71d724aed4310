"""How a prompt is to be extended, and what comes of it."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Protocol

from PIL import Image

from s2v_runner.errors import GenerationError
from s2v_runner.records import Report, Value

KEY_VARIABLES = ("DASHSCOPE_API_KEY", "DASH_API_KEY")
"""Where the key of DashScope is looked for: under the service's own name, and under the original's."""


@dataclass(frozen=True, kw_only=True)
class ExtensionSettings:
    """The settings of `conf/prompt_extend`, which has their defaults."""

    method: str
    """`dashscope` or `local_qwen`."""
    model: str | None
    """The service's name of a model, or the folder of a local one; None is the method's own."""
    target_lang: str
    """The language of the result, `zh` or `en`."""
    picture: bool
    """Whether a model that can see is shown the picture."""
    seed: int
    max_tokens: int
    """New tokens at most."""
    retries: int
    """Further tries after one that the service failed."""
    patience: float
    """Seconds for one try."""
    url: str | None
    """Where the service is; None is its own address."""
    key: str | None = field(repr=False)
    """Of the service, from the environment. It is never shown or recorded."""
    device: str
    """`cpu` or `cuda:0`, for a local model."""


@dataclass(frozen=True)
class ExtendedPrompt:
    """A prompt that shows the same as the one that was given, in more words."""

    text: str
    """One paragraph, without line breaks."""
    report: Report


class ExtensionError(GenerationError):
    """A prompt could not be extended: the service, or the model, failed or wrote something that is of no use."""

    def __init__(self, cause: str, remedy: str) -> None:
        self.cause = cause
        self.remedy = remedy
        super().__init__(f"the prompt could not be extended: {cause}. {remedy}")


class Extender(Protocol):
    """Something that extends prompts."""

    def check(self) -> None:
        """Raises InputError for everything that can be known to be wrong before it begins. Loads nothing heavy."""

    def describe(self) -> Mapping[str, Value]:
        """All that the text depends on beside prompt and picture, by content and not by place.

        `picture` is whether it is looked at.
        """
        ...

    def extend(self, prompt: str, picture: Image.Image | None) -> ExtendedPrompt:
        """Describe better what `prompt` and `picture` show.

        Raises InputError where there is neither, and ExtensionError for what fails at the service or in the model.
        """
        ...
