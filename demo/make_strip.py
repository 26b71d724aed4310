"""Lay frames of a video side by side, as in the README.

python -m demo.make_strip outputs/runs/.../video.mp4 --out docs/images/speaking.jpg
"""

import argparse
import sys
from pathlib import Path

import imageio.v3 as iio
import numpy as np
from PIL import Image


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("video", type=Path)
    parser.add_argument("--out", type=Path, required=True, help="the picture to write")
    parser.add_argument("--first", type=int, default=0, help="the first frame (%(default)s)")
    parser.add_argument("--every", type=int, default=2, help="frames from one to the next (%(default)s)")
    parser.add_argument("--columns", type=int, default=9, help="frames in a row (%(default)s)")
    parser.add_argument("--rows", type=int, default=2, help="rows (%(default)s)")
    given = parser.parse_args()
    if min(given.every, given.columns, given.rows) < 1 or given.first < 0:
        sys.exit("--every, --columns and --rows count from 1 on, and --first from 0 on")
    try:
        video_VHWC = iio.imread(given.video, plugin="pyav")
    except OSError as error:
        sys.exit(f"video '{given.video}' cannot be read ({error}): give the video of a run")
    chosen_NHWC = video_VHWC[given.first :: given.every][: given.rows * given.columns]
    if len(chosen_NHWC) < given.rows * given.columns:
        sys.exit(
            f"video '{given.video}' has {len(video_VHWC)} frames, too few for {given.rows} rows of {given.columns}: "
            "ask for fewer of them, or make --every smaller"
        )
    rows = np.split(chosen_NHWC, given.rows)
    strip = Image.fromarray(np.concatenate([np.concatenate(list(row), axis=1) for row in rows]))
    try:
        strip.save(given.out, quality=90)
    except (OSError, ValueError) as error:
        sys.exit(f"--out {given.out} cannot be written ({error}): give a .jpg or .png in a folder that is there")
    print(f"{given.out}: {given.rows} rows of {given.columns} frames")


if __name__ == "__main__":
    main()
