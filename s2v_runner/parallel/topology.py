"""How many processes make one video, and what each of them is for: from what was asked and what is there.

Nothing heavy is imported, so that what cannot be is refused before anything is loaded.
"""

from dataclasses import dataclass
from typing import Literal

from s2v_runner.errors import InputError

Mode = Literal["single", "ulysses", "cfg"]
AUTO = "auto"
ALONE = {"mode": "single", "ulysses_size": AUTO, "dit_fsdp": False, "t5_fsdp": False, "spread": "none"}
"""The settings by which one process makes everything, whatever was asked."""
_FEWEST_ON_A_CPU = 2
"""Where there is no GPU, several processes are for trying things out."""


@dataclass(frozen=True, kw_only=True)
class Asked:
    """What the user asked for."""

    mode: Mode
    ulysses_size: int | Literal["auto"]
    dit_fsdp: bool
    t5_fsdp: bool
    is_spread: bool
    """Whether there are workers for a sweep, each of which makes one video at a time."""
    device: str
    """What memory.device says."""


@dataclass(frozen=True, kw_only=True)
class Machine:
    """What there is to make it on."""

    launched: int
    """Processes that a launcher started; 1 where none did."""
    launched_here: int
    """Of these, on this machine."""
    gpus: int
    """That PyTorch may use here."""


@dataclass(frozen=True, kw_only=True)
class Video:
    """What a video lends itself to."""

    heads: int | None
    """Attention heads of the model; None where the checkpoint does not say."""
    has_branches: bool
    """Whether any of its passes has both branches of guidance."""
    has_both_always: bool
    """Whether all of them have."""
    tokens: int
    """Of its shortest pass."""


@dataclass(frozen=True, kw_only=True)
class Topology:
    """The processes of one video. Rank r is at place r mod `sequence` of branch r div `sequence`."""

    branches: int
    """1, or 2 where each branch of guidance has processes of its own."""
    sequence: int
    """Processes that share the tokens of a pass."""
    dit_fsdp: bool
    t5_fsdp: bool

    @property
    def processes(self) -> int:
        return self.branches * self.sequence

    @property
    def shares_weights(self) -> bool:
        return self.dit_fsdp or self.t5_fsdp


ONE_PROCESS = Topology(branches=1, sequence=1, dit_fsdp=False, t5_fsdp=False)


def choose_topology(asked: Asked, machine: Machine, video: Video) -> Topology:
    """Raises InputError for what cannot be, with what can."""
    branches = 2 if asked.mode == "cfg" else 1
    if asked.mode == "single":
        _check_single(asked, machine)
        return ONE_PROCESS
    _check_device(asked)
    if branches == 2:
        _check_branches(asked, video)
    sequence = _choose_sequence(asked, machine, video, branches)
    topology = Topology(branches=branches, sequence=sequence, dit_fsdp=asked.dit_fsdp, t5_fsdp=asked.t5_fsdp)
    _check_fit(asked, topology, machine, video)
    return topology


def _check_single(asked: Asked, machine: Machine) -> None:
    if machine.launched > 1:
        remedy = "Add parallel=ulysses or parallel=cfg, or launch one"
        raise InputError(f"{machine.launched} processes", "parallel.mode=single makes a video with one", remedy)
    if asked.ulysses_size not in (AUTO, 1):
        raise InputError(
            f"parallel.ulysses_size={asked.ulysses_size}",
            "parallel.mode=single makes a video with one process",
            f"Add parallel=ulysses, which starts {asked.ulysses_size} here, or launch so many with torchrun",
        )
    for name, given in (("dit_fsdp", asked.dit_fsdp), ("t5_fsdp", asked.t5_fsdp)):
        if given:
            raise InputError(
                f"parallel.{name}=true",
                "there is one process, and nobody to share weights with",
                "Add parallel=ulysses or parallel=cfg; memory=stream needs less of one GPU",
            )


def _check_device(asked: Asked) -> None:
    if asked.device not in (AUTO, "cpu"):
        raise InputError(
            f"memory.device={asked.device}",
            f"with parallel.mode={asked.mode} each process has a GPU of its own",
            "Leave it out, and say in CUDA_VISIBLE_DEVICES which GPUs there are",
        )


def _check_branches(asked: Asked, video: Video) -> None:
    if not video.has_branches:
        raise InputError(
            "parallel.mode=cfg",
            "without guidance there is one branch, and nothing for a second half to do",
            "Choose parallel=ulysses, or a sampler.guide_scale above 1",
        )
    if asked.dit_fsdp and not video.has_both_always:
        raise InputError(
            "parallel.dit_fsdp=true",
            "with parallel.mode=cfg the halves share out weights, and where guidance is left out (speed.guidance_*) "
            "one of them would not be there to give its part",
            "Choose parallel=ulysses, or leave dit_fsdp out",
        )


def _choose_sequence(asked: Asked, machine: Machine, video: Video, branches: int) -> int:
    size = asked.ulysses_size
    if machine.launched > 1 and not asked.is_spread:
        _check_launched(asked, machine, branches)
        return machine.launched // branches
    if size != AUTO:
        return size
    if asked.is_spread:
        # The smallest group there is: the more workers, the more points at a time.
        return 1 if branches == 2 else 2
    if machine.gpus == 0 or asked.device == "cpu":
        return max(1, _FEWEST_ON_A_CPU // branches)
    if machine.gpus < 2:
        raise InputError(
            f"parallel={asked.mode}", "there is one GPU here, and nobody to share with", "Leave it out, or add GPUs"
        )
    return max(_divisors(video.heads or machine.gpus, machine.gpus // branches))


def _check_launched(asked: Asked, machine: Machine, branches: int) -> None:
    if machine.launched % branches:
        raise InputError(
            f"{machine.launched} processes", "parallel.mode=cfg divides them into two halves", "Launch an even number"
        )
    size = asked.ulysses_size
    if size != AUTO and size * branches != machine.launched:
        halves = " in each of two halves" if branches == 2 else ""
        raise InputError(
            f"parallel.ulysses_size={size}{halves}",
            f"{machine.launched} processes were launched",
            f"Launch {size * branches}, or leave ulysses_size out",
        )


def _check_fit(asked: Asked, topology: Topology, machine: Machine, video: Video) -> None:
    sequence, processes = topology.sequence, topology.processes
    subject = f"parallel.ulysses_size={sequence}"
    if processes == 1:
        raise InputError(subject, f"parallel.mode={asked.mode} needs two processes at least", "Leave parallel out")
    if video.heads is not None and video.heads % sequence:
        fitting = ", ".join(map(str, _divisors(video.heads, video.heads)))
        problem = f"the model's {video.heads} heads do not divide among {sequence} processes"
        raise InputError(subject, problem, f"Choose one of {fitting}")
    here = machine.launched_here if machine.launched > 1 and not asked.is_spread else processes
    if machine.gpus and asked.device != "cpu" and here > machine.gpus:
        raise InputError(
            f"{here} processes on this machine",
            f"it has {machine.gpus} GPU{'s' if machine.gpus > 1 else ''}, and each process needs its own",
            _fewer(video.heads, topology.branches, machine.gpus),
        )
    if sequence > video.tokens:
        raise InputError(
            subject,
            f"at this size the model has {video.tokens} tokens, less than one for each process",
            f"Choose a larger size, or {max(_divisors(video.heads or video.tokens, video.tokens))} processes",
        )


def _fewer(heads: int | None, branches: int, gpus: int) -> str:
    if gpus < 2:
        return "Leave parallel out, or take a machine with more"
    most = max(_divisors(heads or gpus, gpus // branches))
    return f"Give parallel.ulysses_size={most}, or launch it on several machines"


def _divisors(number: int, most: int) -> list[int]:
    return [divisor for divisor in range(1, most + 1) if number % divisor == 0]
