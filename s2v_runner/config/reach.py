"""What can be configured and is not there yet. Said at once and all together, before anything is done."""

from collections.abc import Callable
from dataclasses import dataclass

from s2v_runner.config.schema import RunConfig
from s2v_runner.errors import InputError


@dataclass(frozen=True)
class Unbuilt:
    """A setting whose machinery is still to come."""

    asked: Callable[[RunConfig], bool]
    setting: Callable[[RunConfig], str]
    instead: str


_UNBUILT = (
    Unbuilt(
        lambda config: config.parallel.mode != "single",
        lambda config: f"parallel={config.parallel.mode}",
        "use one process and parallel=single",
    ),
    Unbuilt(
        lambda config: config.parallel.mode == "single" and config.parallel.ulysses_size > 1,
        lambda config: f"parallel.ulysses_size={config.parallel.ulysses_size}",
        "use one process and ulysses_size=1",
    ),
    Unbuilt(lambda config: config.parallel.dit_fsdp, lambda _: "parallel.dit_fsdp", "leave it out"),
    Unbuilt(lambda config: config.parallel.t5_fsdp, lambda _: "parallel.t5_fsdp", "leave it out, or use t5_cpu"),
)


def refuse_unbuilt(config: RunConfig) -> None:
    """Raises InputError that names everything asked for which is not there yet."""
    asked = [unbuilt for unbuilt in _UNBUILT if unbuilt.asked(config)]
    if asked:
        remedies = "; ".join(dict.fromkeys(unbuilt.instead for unbuilt in asked))
        raise InputError(
            ", ".join(unbuilt.setting(config) for unbuilt in asked),
            "not there yet",
            f"For now, {remedies}",
        )
