"""What a search seeks: metrics that say which way is better, known of each point by itself."""

from s2v_runner.comparison.measures import COST_METRICS, LIKENESS_METRICS, METRICS
from s2v_runner.config.nearest import suggest
from s2v_runner.config.schema import RunConfig
from s2v_runner.errors import InputError
from s2v_runner.metrics.catalogue import VIDEO_METRICS
from s2v_runner.metrics.measures import Metric

_OFFERED = {metric.key: metric for metric in (*VIDEO_METRICS, *COST_METRICS) if metric.better is not None}
_KNOWN = {metric.key: metric for metric in METRICS}
_NEEDS_BASELINE = frozenset(metric.key for metric in LIKENESS_METRICS)
_WEIGHTS = {
    "sync_c": "syncnet",
    "sync_d": "syncnet",
    "face_similarity": "arcface",
    "clip_score": "clip",
    "lpips": "lpips",
    "dino_similarity": "dino",
}
"""For metrics of networks the key in `metrics` that their weights are given by."""


def read_objectives(config: RunConfig) -> tuple[Metric, ...]:
    """The metrics that `search.objectives` names. Raises InputError for those that cannot be sought."""
    words = config.search.objectives.strip().removeprefix("[").removesuffix("]")
    keys = list(dict.fromkeys(word.strip() for word in words.split(",") if word.strip()))
    if not keys:
        raise _refusal(config, "it names no metric", "For example: search.objectives=mouth_r,seconds")
    return tuple(_read_objective(key, config) for key in keys)


def _read_objective(key: str, config: RunConfig) -> Metric:
    if key not in _KNOWN:
        raise _refusal(config, f"there is no metric '{key}'", suggest(key, list(_OFFERED)))
    if key in _NEEDS_BASELINE:
        problem = f"{key} compares a point with a baseline, which the points of a search have not in common"
        raise _refusal(config, problem, f"Give a metric of a video by itself: {', '.join(_OFFERED)}")
    if key not in _OFFERED:
        raise _refusal(config, f"of {key} neither more nor less is better", f"There is {', '.join(_OFFERED)}")
    if _KNOWN[key] in VIDEO_METRICS and config.metrics.method == "none":
        raise _refusal(config, f"{key} is not measured with metrics=none", "Add metrics=basic")
    weights = _WEIGHTS.get(key)
    if weights is not None and getattr(config.metrics, weights) is None:
        problem = f"{key} is not measured without the network that judges it"
        raise _refusal(
            config, problem, f"Give its weights with metrics.{weights}; docs/metrics.md says which are meant"
        )
    return _OFFERED[key]


def _refusal(config: RunConfig, problem: str, remedy: str) -> InputError:
    return InputError(f"search.objectives={config.search.objectives}", problem, remedy)
