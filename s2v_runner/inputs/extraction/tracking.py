"""Which of the people in a video is the one who is followed.

Everyone who is seen is tracked, so that who passes in front takes their own box and not that of the one behind. Boxes
of a frame are given to the people of the frames before by how much they overlap and how near they are.
"""

import math
from collections.abc import Sequence
from typing import Literal

from s2v_runner.inputs.extraction.boxes import Box, distance, overlap

# Of a person's own height: how far they may be from where they were, at once and for each second unseen.
_REACH, _REACH_A_SECOND = 0.25, 1.0
_LARGEST_REACH = 1.5
_SIZE_RATIO = 1.6
"""Nobody becomes so many times taller or shorter from one sight to the next."""
_FORGOTTEN_AFTER = 2.0
"""Seconds after which someone who is not followed is new when seen again."""
_NEWCOMER_AFTER, _OTHER_AFTER = 0.5, 2.0
"""Seconds unseen after which a newcomer is taken for the one who is followed, and after which anyone is."""
_LASTING = 3
"""Sights that make a person: fewer are mistakes of the detector."""


class _Track:
    """A person who was seen."""

    def __init__(self, box: Box, time: float) -> None:
        self.box = box
        self.began = self.seen = time
        self.sights = 1
        self._speed = (0.0, 0.0)

    def expected(self, time: float) -> Box:
        """Where the person is now, if they went on."""
        # Who is unseen for long may be anywhere: the speed is that of a moment.
        ahead = min(time - self.seen, _NEWCOMER_AFTER)
        return self.box.moved(self._speed[0] * ahead, self._speed[1] * ahead)

    def go_on(self, box: Box, time: float) -> None:
        passed = time - self.seen
        if 0 < passed <= _NEWCOMER_AFTER:
            old, new = self.box.centre, box.centre
            now = ((new[0] - old[0]) / passed, (new[1] - old[1]) / passed)
            self._speed = ((self._speed[0] + now[0]) / 2, (self._speed[1] + now[1]) / 2)
        else:
            self._speed = (0.0, 0.0)
        self.box, self.seen = box, time
        self.sights += 1

    def likeness(self, box: Box, time: float) -> float:
        """How much a box seems to be this person's, 0 … 2; 0 is somebody else's."""
        if not 1 / _SIZE_RATIO <= (box.height + 1) / (self.box.height + 1) <= _SIZE_RATIO:
            return 0.0
        expected = self.expected(time)
        reach = min(_REACH + _REACH_A_SECOND * (time - self.seen), _LARGEST_REACH) * max(self.box.height, 1.0)
        nearness = max(0.0, 1 - distance(expected, box) / reach)
        return overlap(expected, box) + nearness if nearness > 0 else 0.0


class Tracker:
    """Follows one person from frame to frame."""

    def __init__(self, person: Literal["largest", "centre"]) -> None:
        """`person` says whom, of those in the first frame that has any."""
        self._person = person
        self._tracks: list[_Track] = []
        self._followed: _Track | None = None
        self._forgotten = 0
        self.jumps = 0
        """How often somebody was taken for the one who is followed without being where they were."""

    @property
    def people(self) -> int:
        """How many were seen, each more than fleetingly; who comes back after seconds counts again."""
        return self._forgotten + sum(track.sights >= _LASTING for track in self._tracks)

    def follow(self, boxes: Sequence[Box], time: float, size: tuple[int, int]) -> Box | None:
        """Where the person is who is followed; None where they are not to be seen.

        `time` is in seconds and grows from call to call; `size` is the picture's height and width.
        """
        self._give(boxes, time)
        self._forget(time)
        if self._followed is None:
            self._followed = self._choose(size)
        elif self._followed.seen < time:
            self._look_elsewhere(time)
        followed = self._followed
        return followed.box if followed is not None and followed.seen == time else None

    def _give(self, boxes: Sequence[Box], time: float) -> None:
        """Give each box to the person whose it most seems to be, or to a new one."""
        pairs = [
            (track.likeness(box, time), number, index)
            for number, track in enumerate(self._tracks)
            for index, box in enumerate(boxes)
        ]
        met: set[int] = set()
        given: set[int] = set()
        for likeness, number, index in sorted(pairs, key=lambda pair: -pair[0]):
            if likeness > 0 and number not in met and index not in given:
                self._tracks[number].go_on(boxes[index], time)
                met.add(number)
                given.add(index)
        self._tracks += [_Track(box, time) for index, box in enumerate(boxes) if index not in given]

    def _forget(self, time: float) -> None:
        kept = [track for track in self._tracks if track is self._followed or time - track.seen <= _FORGOTTEN_AFTER]
        self._forgotten += sum(track.sights >= _LASTING for track in self._tracks if track not in kept)
        self._tracks = kept

    def _choose(self, size: tuple[int, int]) -> _Track | None:
        if not self._tracks:
            return None
        if self._person == "largest":
            return max(self._tracks, key=lambda track: track.box.area)
        middle = size[1] / 2, size[0] / 2
        return min(self._tracks, key=lambda track: math.dist(track.box.centre, middle))

    def _look_elsewhere(self, time: float) -> None:
        """Take somebody else for the one who is followed, once that one was unseen for long enough."""
        lost = self._followed
        assert lost is not None
        here = [track for track in self._tracks if track.seen == time]
        unseen = time - lost.seen
        newcomers = [track for track in here if track.began > lost.seen]
        candidates = here if unseen >= _OTHER_AFTER else newcomers if unseen >= _NEWCOMER_AFTER else []
        if not candidates:
            return
        self._followed = min(candidates, key=lambda track: _difference(lost.box, track.box))
        self.jumps += 1


def _difference(one: Box, other: Box) -> float:
    """In place and size, in heights of the first."""
    return distance(one, other) / max(one.height, 1.0) + abs(math.log((other.height + 1) / (one.height + 1)))
