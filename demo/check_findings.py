"""Hold what the page of a sweep says against what is true of its videos.

    python -m demo.check_findings outputs/sweeps/0123456789ab

For sweeps of the demo model that speak the shipped sentence. The page reads mouths without knowing what they ought to
do; here the reader of drawn faces reads them, and the phonemes tell the truth. Both go through the same statistics.
Where the page says that a setting changes how the mouth goes with the speech, the truth must not say the opposite.
"""

import argparse
import json
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch

from demo.evaluation.measures import correlate
from demo.make_inputs import SENTENCE, VOICE
from demo.reading import READER_FILE, Reader, load_reader, read_faces
from demo.world.mouth import MouthTrack, follow_phonemes
from demo.world.performance import FRAMES_PER_SECOND
from demo.world.speech import speak
from s2v_runner.comparison.reading import ComparedPoint, read_sweep
from s2v_runner.errors import InputError, OutputError
from s2v_runner.findings.analysis import find
from s2v_runner.findings.finding import Finding, Findings, Subject
from s2v_runner.findings.observations import Observation
from s2v_runner.metrics.catalogue import VIDEO_METRICS
from s2v_runner.metrics.measures import Metric
from s2v_runner.tracking.record import write_atomically
from s2v_runner.tracking.sweep_translation import short_names
from s2v_runner.video.reading import open_video

SEEN, TRUE = "mouth_r", "true_mouth_r"
_SAID = ("raises", "lowers")


@dataclass(frozen=True)
class Agreement:
    """How what is seen without knowledge compares with the truth."""

    videos: int
    correlation: float
    """Of the two metrics over the videos."""
    claims: Sequence[Mapping[str, Any]]
    """For each change that is said of either its sentences, and whether they agree."""

    @property
    def opposites(self) -> int:
        return sum(claim["agreement"] == "opposite" for claim in self.claims)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("sweep", type=Path, help="the folder of the sweep")
    parser.add_argument("--reader", type=Path, default=READER_FILE, help="the weights of the reader (%(default)s)")
    parser.add_argument("--out", type=Path, default=None, help="a JSON file to write")
    arguments = parser.parse_args()
    try:
        agreement = check(arguments.sweep, load_reader(arguments.reader))
        if arguments.out is not None:
            write_atomically(arguments.out, json.dumps(vars(agreement), indent=1))
    except (InputError, OutputError) as error:
        sys.exit(str(error))
    print(f"{agreement.videos} videos; r of {SEEN} with the truth over them {agreement.correlation:.2f}")
    for claim in agreement.claims:
        print(f"{claim['agreement']:<9} page:  {claim['page']}\n          truth: {claim['truth']}")
    print(f"{len(agreement.claims)} changes are said of one or the other, {agreement.opposites} of them opposite")


def check(folder: Path, reader: Reader) -> Agreement:
    """Read every video of a sweep, and compare what is said. Raises InputError."""
    sweep = read_sweep(folder)
    observations = list(_observe(sweep.points, reader))
    if not observations:
        raise InputError(f"sweep '{folder}'", "it has no video whose mouth was measured", "Make it with metrics=basic")
    return agree(sweep.definition.swept, observations)


def agree(swept: Sequence[str], observations: Sequence[Observation]) -> Agreement:
    """What is said of points that have both metrics, SEEN and TRUE, and where one contradicts the other."""
    seen, true = (
        _find(swept, [_only(each, metric.key) for each in observations], metric)
        for metric in (_metric(), _true_metric())
    )
    numbers = np.array([[each.metrics[SEEN], each.metrics[TRUE]] for each in observations])
    return Agreement(len(observations), correlate(numbers[:, 0], numbers[:, 1]), list(_compare(seen, true)))


def _observe(points: Sequence[ComparedPoint], reader: Reader) -> Iterator[Observation]:
    truth: dict[int, MouthTrack] = {}
    spoken = speak(SENTENCE, VOICE)
    for point in points:
        if point.footage is None or point.record is None:
            continue
        seen = point.record.measures.get(SEEN, {}).get("value")
        if seen is None:
            continue
        with open_video(point.footage.measured) as frames:
            video = np.stack([frame.rgb for frame in frames])
        count = len(video)
        if count not in truth:
            truth[count] = follow_phonemes(spoken.phonemes, count, FRAMES_PER_SECOND)
        video_BCVHW = torch.from_numpy(video).permute(3, 0, 1, 2).unsqueeze(0).float() / 127.5 - 1
        opening = read_faces(reader, video_BCVHW).opening[0].double().numpy()
        true = correlate(opening, truth[count].opening_V.astype(np.float64))
        yield Observation(point.number, point.definition.values, {SEEN: seen, TRUE: true})


def _find(swept: Sequence[str], observations: Sequence[Observation], metric: Metric) -> Findings:
    subject = Subject(metrics=(metric,), closeness=frozenset(), names=short_names(swept), is_search=False)
    return find(swept, observations, subject)


def _compare(page: Findings, truth: Findings) -> Iterator[dict[str, Any]]:
    """Every change that either says, with what the other says of the same values."""
    said, true = ({_place(finding): finding for finding in found.findings} for found in (page, truth))
    for place in said.keys() | true.keys():
        one, other = said.get(place), true.get(place)
        verdicts = {finding.verdict for finding in (one, other) if finding is not None} & set(_SAID)
        if not verdicts:
            continue
        both = one is not None and other is not None and {one.verdict, other.verdict} <= set(_SAID)
        agreement = "opposite" if len(verdicts) == 2 else "same" if both else "one only"
        yield {"agreement": agreement, "page": _text(one), "truth": _text(other)}


def _place(finding: Finding) -> tuple[Any, ...]:
    return finding.kind, finding.setting, finding.values, finding.other, finding.other_values


def _text(finding: Finding | None) -> str:
    return "nothing is said of it" if finding is None else finding.text


def _only(observation: Observation, key: str) -> Observation:
    return replace(observation, metrics={key: observation.metrics[key]})


def _metric() -> Metric:
    return next(metric for metric in VIDEO_METRICS if metric.key == SEEN)


def _true_metric() -> Metric:
    return replace(_metric(), key=TRUE, name="True agreement of the mouth")


if __name__ == "__main__":
    main()
