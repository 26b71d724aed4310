"""The processes of a run, from its configuration and this machine."""

from s2v_runner.checkpoint.sizes import ModelSizes
from s2v_runner.config.schema import RunConfig
from s2v_runner.errors import InputError
from s2v_runner.estimate import count_tokens
from s2v_runner.parallel.topology import Asked, Machine, Topology, Video, choose_topology
from s2v_runner.placement.gpus import list_gpus
from s2v_runner.placement.processes import launched_processes
from s2v_runner.records import Request, RunPlan


def plan_topology(config: RunConfig, request: Request, plan: RunPlan, sizes: ModelSizes | None) -> Topology:
    """Who makes the video. Raises InputError as `choose_topology` does, and for a launcher's environment half set."""
    parallel = config.parallel
    _check_memory(config)
    asked = Asked(
        mode=parallel.mode,
        ulysses_size=parallel.ulysses_size,
        dit_fsdp=parallel.dit_fsdp,
        t5_fsdp=parallel.t5_fsdp,
        is_spread=parallel.spread != "none",
        device=config.memory.device,
    )
    processes = launched_processes()
    if asked.is_spread and processes.count > 1:
        raise InputError(
            f"{processes.count} processes",
            f"parallel.spread={parallel.spread} starts its own workers",
            "Start it once, without a launcher",
        )
    taken = [plan.passes[step] for step in plan.taken]
    video = Video(
        heads=None if sizes is None else sizes.num_heads,
        has_branches="guided" in taken,
        has_both_always=all(asked == "guided" for asked in taken),
        tokens=count_tokens(plan, 0, not request.start_from_ref),
    )
    machine = Machine(
        launched=processes.count,
        launched_here=processes.local_count,
        # Asked only where several of this machine may be used: it takes a moment.
        gpus=len(list_gpus()) if parallel.mode != "single" and parallel.spread in ("none", "gpus") else 0,
    )
    return choose_topology(asked, machine, video)


def _check_memory(config: RunConfig) -> None:
    """Weights are shared out, or wait in main memory, and not both."""
    parallel, memory = config.parallel, config.memory
    if parallel.dit_fsdp and memory.mode in ("stream", "tiny"):
        raise InputError(
            "parallel.dit_fsdp=true",
            f"memory={memory.mode} keeps the transformer's blocks in main memory, and there is nothing to share out",
            "Give one of the two",
        )
    if parallel.t5_fsdp and memory.t5_cpu:
        raise InputError(
            "parallel.t5_fsdp=true",
            "memory.t5_cpu=true keeps the text encoder on the CPU, and there is nothing to share out",
            "Give one of the two",
        )
