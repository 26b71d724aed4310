"""Make the picture and the spoken sentence that the project ships.

    python -m demo.make_inputs

Both are of the world that the demo model was trained on, and neither was in its training: the person is drawn from a
seed of its own, and the sentence is spoken by a voice that the training does not use.
"""

import argparse
from pathlib import Path

import soundfile
import torch
from PIL import Image

from demo.world.head import render
from demo.world.identity import draw_identities
from demo.world.performance import Performances
from demo.world.speech import Voice, speak
from s2v_runner.records import FIXED
from s2v_runner.video.pixels import to_eight_bit

ASSETS = Path(__file__).parent.parent / "s2v_runner" / "assets"
SENTENCE = "Hello! I was only a picture, but now my lips move, and I speak to you."
VOICE = Voice("en-us", words_a_minute=160, pitch=60)

SIDE = 512
_SEED, _PERSON = 20, 8
_SMILE = 0.25


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=Path, default=ASSETS, help="the folder to write to")
    folder = parser.parse_args().out
    draw_picture().save(folder / "picture.png", optimize=True)
    spoken = speak(SENTENCE, VOICE)
    soundfile.write(folder / "speech.wav", spoken.samples, spoken.rate, subtype="PCM_16")
    seconds = len(spoken.samples) / spoken.rate
    print(f"{folder}: picture.png {SIDE}x{SIDE}, speech.wav {seconds:.2f} s at {spoken.rate} Hz")


def draw_picture() -> Image.Image:
    """Somebody who looks into the camera, with the mouth closed and the hint of a smile."""
    identities = draw_identities(_PERSON + 1, torch.Generator().manual_seed(_SEED)).select(slice(_PERSON, None))
    moments = torch.zeros(1, 1)
    still = dict.fromkeys(Performances.__dataclass_fields__, moments)
    calm = Performances(**{**still, "width": moments + 0.5, "smile": moments + _SMILE})
    return Image.fromarray(to_eight_bit(render(identities, calm, SIDE), FIXED)[0])


if __name__ == "__main__":
    main()
