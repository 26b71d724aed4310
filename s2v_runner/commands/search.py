"""A search, as `s2v-runner run` carries it out."""

import sys

from s2v_runner.commands.sweep import FAILED, confirm, say, tell_finished
from s2v_runner.config.asked import Asked
from s2v_runner.console.search import SearchWords, search_lines, tell_front
from s2v_runner.errors import InputError
from s2v_runner.execution import Session
from s2v_runner.search.performance import perform_search
from s2v_runner.search.preparation import PreparedSearch, prepare_search
from s2v_runner.search.results import TrialResult, read_results
from s2v_runner.tracking.definition import DEFINITION_NAME, read_definition
from s2v_runner.tracking.progress import read_progress


def carry_out_search(asked: Asked, command: tuple[str, ...]) -> int:
    """Print the plan of a search and make its trials; the exit status. Raises as `perform_search` does."""
    trials = asked.common.search.trials
    confirm(trials * asked.count, f"{trials} trials of {asked.count}", asked.common.max_points, "trials")
    search = prepare_search(asked)
    _check_processes(search)
    results = _show_plan(search)
    if search.sweep.shared_noise is not None:
        print(f"warning: {search.sweep.shared_noise}", file=sys.stderr, flush=True)
    if asked.common.dry_run:
        print("nothing is loaded or written (dry_run=true)")
        return 0
    words = SearchWords(search, results)
    finished = perform_search(search, command, Session(), words, words.trials, say)
    folder = search.sweep.folder
    tell_front(read_results(folder, read_definition(folder), search.objectives), search.objectives)
    tell_finished(finished)
    return 0 if finished.is_whole else FAILED


def _check_processes(search: PreparedSearch) -> None:
    """Raises InputError for workers, and for videos made by several processes: a search makes one point at a time."""
    parallel = search.sweep.common.parallel
    remedy = "Leave it out, and start the same command once on each GPU (CUDA_VISIBLE_DEVICES): they share the search"
    if parallel.spread != "none":
        raise InputError(f"parallel.spread={parallel.spread}", "a search makes its points in this process", remedy)
    if search.samples[0].topology.processes > 1:
        raise InputError(f"parallel.mode={parallel.mode}", "a search makes its points in this process", remedy)


def _show_plan(search: PreparedSearch) -> list[TrialResult]:
    """Print what is to be done; the trials that are there."""
    folder = search.sweep.folder
    results, points, seed = [], [], None
    if (folder / DEFINITION_NAME).is_file():
        definition = read_definition(folder)
        results = read_results(folder, definition, search.objectives)
        points, seed = read_progress(folder, definition), definition.base_seed
    print(f"search {folder}")
    print("\n".join(search_lines(search, results, points, seed)), flush=True)
    return results
