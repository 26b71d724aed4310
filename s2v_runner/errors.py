"""The errors a user can cause, each worded so that the next step is plain."""

from pathlib import Path


class InputError(ValueError):
    """Something the user gave cannot be used.

    The message names the setting or file, the value that was found, and what to do about it. Command lines
    print the message alone and exit with 2; everything else that escapes is a defect of this project.
    """

    def __init__(self, subject: str, problem: str, remedy: str) -> None:
        self.subject = subject
        self.problem = problem
        self.remedy = remedy
        super().__init__(f"{subject}: {problem}. {remedy}")

    def __reduce__(self) -> tuple[type["InputError"], tuple[str, str, str]]:
        return InputError, (self.subject, self.problem, self.remedy)


class GenerationError(RuntimeError):
    """A run that started well and cannot go on, such as latents that stopped being finite."""


class DeviceMemoryError(GenerationError):
    """The device has too little memory for a run in the way it was placed."""


class OutputError(RuntimeError):
    """A file of a run could not be written, such as for want of space. What was finished before is kept."""

    def __init__(self, path: Path, error: Exception) -> None:
        self.path = path
        self.reason = getattr(error, "strerror", None) or str(error) or type(error).__name__
        super().__init__(
            f"'{path}' cannot be written: {self.reason}. Free some space or give another folder, and start the same "
            "command again: it goes on after the last finished clip"
        )

    def __reduce__(self) -> tuple[type["OutputError"], tuple[Path, OSError]]:
        # By what it is made of, since it is not made of its message.
        return OutputError, (self.path, OSError(self.reason))
