"""Whether there is a file at all where one was given."""

from pathlib import Path

from s2v_runner.errors import InputError


def check_file(subject: str, path: Path, remedy: str) -> None:
    """Refuse what is not there, a folder, and what would be waited for for ever, such as a pipe. Raises InputError."""
    try:
        if path.is_file():
            # Asked of the system rather than read off the permissions, which are not all there is to it.
            with path.open("rb"):
                return
        is_folder, is_there = path.is_dir(), path.exists()
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        raise InputError(subject, f"it cannot be read as a file ({reason})", remedy) from error
    if is_folder:
        raise InputError(subject, "it is a folder", remedy)
    raise InputError(subject, "it is a pipe or a device" if is_there else "there is no such file", remedy)
