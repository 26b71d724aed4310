"""What gauges say of specimens, without and with each defect."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence, Set
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from multiprocessing import get_context

import cv2
import numpy as np

from demo.validation.defects import Defect
from demo.validation.material import Specimen
from demo.world.performance import FRAMES_PER_SECOND
from s2v_runner.metrics.defects import DefectGauge
from s2v_runner.metrics.detail import DetailGauge
from s2v_runner.metrics.faces import FixedFace, FoundFace
from s2v_runner.metrics.light import LightGauge, PictureGauge
from s2v_runner.metrics.motion import FlickerGauge, MotionGauge, SeamGauge
from s2v_runner.metrics.mouth import MouthGauge
from s2v_runner.metrics.observer import PROXY_SIDE, Observer, shrink, to_lab
from s2v_runner.metrics.views import Box, Gauge, View
from s2v_runner.plan import SPEECH_RATE


@dataclass(frozen=True)
class Measured:
    """The values of one defect's metric, NaN where it has none."""

    clean_CD: np.ndarray
    """Of each case and draw."""
    spoiled_SCD: np.ndarray
    """For each size."""
    told_CD: np.ndarray
    """The videos that the metric can say anything of: those in which a face is found, where it needs one."""


def _open_mouth_gauge(specimen: Specimen) -> Gauge:
    return MouthGauge(specimen.samples, SPEECH_RATE, FRAMES_PER_SECOND, None)


_GAUGES: Mapping[str, Callable[[Specimen], Gauge]] = {
    **dict.fromkeys(("mouth_r", "mouth_lag", "mouth_motion", "mouth_stillness"), _open_mouth_gauge),
    **dict.fromkeys(("picture_ssim", "colour_drift"), lambda specimen: PictureGauge(specimen.picture)),
    "seam_jump": lambda _: SeamGauge(),
    **dict.fromkeys(("motion", "warp_error"), lambda _: MotionGauge()),
    "flicker": lambda _: FlickerGauge(),
    **dict.fromkeys(("sharpness", "noise"), lambda _: DetailGauge()),
    **dict.fromkeys(("exposure", "clipped", "saturation"), lambda _: LightGauge()),
    "dead_frames": lambda _: DefectGauge(),
}
_NOBODY = Box(0.0, 0.0, 1.0, 1.0)
"""Where no metric wants a face."""
_OF_MOTION = frozenset(("motion", "warp_error", "flicker"))


def measure(asked: Sequence[tuple[Specimen, str]]) -> list[float]:
    """A metric of each specimen, all of which have the same frames and the same picture; NaN where there is none."""
    gauges = [_GAUGES[metric](one) for one, metric in asked]
    for view in _view(asked[0][0], {metric for _, metric in asked}):
        for gauge in gauges:
            gauge.take(view)
    values = [gauge.read()[metric].value for gauge, (_, metric) in zip(gauges, asked, strict=True)]
    return [np.nan if value is None else value for value in values]


def _view(specimen: Specimen, metrics: Set[str]) -> Iterator[View]:
    """Its frames, as gauges are shown them; without optical flow and faces where none of the metrics wants any."""
    watchful = any(_wants_face(metric) or metric in _OF_MOTION for metric in metrics)
    picture_luma = cv2.cvtColor(specimen.picture, cv2.COLOR_RGB2GRAY)
    face = FoundFace(picture_luma) if any(map(_wants_face, metrics)) else FixedFace(_NOBODY)
    observer = Observer(face) if watchful else None
    for index, frame in enumerate(specimen.frames):
        clip = int(np.searchsorted(specimen.clip_starts, index, side="right")) - 1
        yield _glance(index, clip, frame) if observer is None else observer.see(frame, clip, True)


def _glance(index: int, clip: int, rgb: np.ndarray) -> View:
    luma = cv2.cvtColor(rgb, cv2.COLOR_RGB2GRAY)
    small = shrink(rgb, PROXY_SIDE)
    return View(
        index=index,
        clip=clip,
        finite=True,
        rgb=rgb,
        luma=luma,
        small_rgb=small,
        small_luma=shrink(luma, PROXY_SIDE),
        small_lab=to_lab(small),
        flow=None,
        visible=None,
        face=None,
    )


def measure_all(
    cases: Sequence[tuple[Specimen, ...]], defects: Sequence[Defect], jobs: int, say: Callable[[str], None]
) -> list[Measured]:
    """For each defect, what its metric says of all draws of all cases. `jobs` processes share the cases."""
    others = [cases[(number + 1) % len(cases)][0] for number in range(len(cases))]
    one_case = partial(_measure_case, defects=defects)
    measured = []
    with _workers(jobs) as mapped:
        for case, values in zip(cases, mapped(one_case, cases, others), strict=True):
            measured.append(values)
            say(f"{len(measured)} of {len(cases)}: {case[0].name.rsplit(maxsplit=1)[0]}")
    return [_gather([values[place] for values in measured]) for place in range(len(defects))]


@contextmanager
def _workers(jobs: int) -> Iterator[Callable[..., Iterable[list[Measured]]]]:
    """A map whose results come in order, over so many processes."""
    if jobs == 1:
        yield map
    else:
        # Threads of OpenCV do not live on in a fork.
        with ProcessPoolExecutor(jobs, get_context("spawn"), initializer=cv2.setNumThreads, initargs=(1,)) as pool:
            yield pool.map


def _measure_case(draws: Sequence[Specimen], other: Specimen, defects: Sequence[Defect]) -> list[Measured]:
    """For each defect the values of one case."""
    by_draw = [_measure_draw(draw, other, defects) for draw in draws]
    return [
        Measured(
            clean_CD=np.array([[values[place][0] for values, _ in by_draw]]),
            spoiled_SCD=np.array([values[place][1:] for values, _ in by_draw]).T[:, None],
            told_CD=np.array([[faces or not _wants_face(defect.metric) for _, faces in by_draw]]),
        )
        for place, defect in enumerate(defects)
    ]


def _measure_draw(draw: Specimen, other: Specimen, defects: Sequence[Defect]) -> tuple[list[list[float]], bool]:
    """For each defect the metric without it and with each size of it; and whether a face is found, if one is wanted."""
    values = [[np.nan] * (1 + len(defect.sizes)) for defect in defects]
    # What has the same frames is watched together.
    asked = {(place, 0): (draw, defect.metric) for place, defect in enumerate(defects)}
    for place, defect in enumerate(defects):
        for number, size in enumerate(defect.sizes, start=1):
            spoiled = defect.spoil(draw, size, other)
            if spoiled.frames is draw.frames:
                asked[place, number] = (spoiled, defect.metric)
            else:
                values[place][number] = measure([(spoiled, defect.metric)])[0]
    wants_face = any(_wants_face(defect.metric) for defect in defects)
    probe = [(draw, "mouth_r")] if wants_face else []
    found = measure([*asked.values(), *probe])
    for (place, number), value in zip(asked, found, strict=False):
        values[place][number] = value
    return values, wants_face and np.isfinite(found[-1])


def _wants_face(metric: str) -> bool:
    return metric.startswith("mouth_")


def _gather(cases: Sequence[Measured]) -> Measured:
    return Measured(
        clean_CD=np.concatenate([case.clean_CD for case in cases]),
        spoiled_SCD=np.concatenate([case.spoiled_SCD for case in cases], axis=1),
        told_CD=np.concatenate([case.told_CD for case in cases]),
    )
