"""Make the picture and the spoken sentence that the project ships.

    python -m demo.make_inputs

Both are this project's own: the face is drawn, and the voice is espeak-ng's.
"""

import argparse
from pathlib import Path

import soundfile
from PIL import Image, ImageDraw, ImageFilter

from demo.speech import synthesise

ASSETS = Path(__file__).parent.parent / "s2v_runner" / "assets"
SENTENCE = "Hello. I am a picture, and with a little help I can speak to you."
VOICE, WORDS_A_MINUTE, PITCH = "en-us", 150, 60

SIDE = 512
# Drawn this many times larger and scaled down, which smooths the edges.
OVERSAMPLING = 4


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=Path, default=ASSETS, help="the folder to write to")
    folder = parser.parse_args().out
    draw_picture().save(folder / "picture.png", optimize=True)
    samples, rate = synthesise(SENTENCE, VOICE, WORDS_A_MINUTE, PITCH)
    soundfile.write(folder / "speech.wav", samples, rate, subtype="PCM_16")
    print(f"{folder}: picture.png {SIDE}x{SIDE}, speech.wav {len(samples) / rate:.2f} s at {rate} Hz")


def draw_picture() -> Image.Image:
    """A drawn person before a wall, looking into the camera, the mouth closed."""
    size = SIDE * OVERSAMPLING
    image = Image.new("RGB", (size, size))
    draw = ImageDraw.Draw(image)

    def at(*values: float) -> tuple[float, ...]:
        return tuple(value * size for value in values)

    for row in range(size):
        share = row / size
        draw.line((0, row, size, row), fill=(int(150 + 60 * share), int(180 + 30 * share), int(205 - 20 * share)))
    hair, skin, shade, shirt = (74, 47, 34), (236, 196, 168), (214, 165, 136), (52, 92, 128)
    draw.ellipse(at(0.24, 0.10, 0.76, 0.74), fill=hair)
    draw.rectangle(at(0.24, 0.42, 0.76, 0.70), fill=hair)
    draw.ellipse(at(0.12, 0.76, 0.88, 1.40), fill=shirt)
    draw.polygon((at(0.42, 0.66), at(0.58, 0.66), at(0.62, 0.84), at(0.50, 0.93), at(0.38, 0.84)), fill=shade)
    draw.ellipse(at(0.29, 0.18, 0.71, 0.75), fill=skin)
    draw.pieslice(at(0.27, 0.11, 0.73, 0.56), 180, 360, fill=hair)
    draw.ellipse(at(0.30, 0.27, 0.70, 0.52), fill=skin)
    for centre in (0.405, 0.595):
        draw.ellipse(at(centre - 0.05, 0.40, centre + 0.05, 0.46), fill=(250, 250, 248))
        draw.ellipse(at(centre - 0.026, 0.402, centre + 0.026, 0.458), fill=(70, 110, 90))
        draw.ellipse(at(centre - 0.013, 0.415, centre + 0.013, 0.445), fill=(15, 15, 18))
        draw.ellipse(at(centre - 0.012, 0.410, centre - 0.002, 0.422), fill=(255, 255, 255))
        draw.arc(at(centre - 0.06, 0.345, centre + 0.06, 0.43), 205, 335, fill=hair, width=int(0.012 * size))
        draw.arc(at(centre - 0.052, 0.395, centre + 0.052, 0.46), 190, 350, fill=hair, width=int(0.006 * size))
        draw.ellipse(at(centre * 1.2 - 0.1 - 0.04, 0.52, centre * 1.2 - 0.1 + 0.04, 0.57), fill=(240, 184, 160))
    draw.arc(at(0.46, 0.44, 0.54, 0.555), 30, 150, fill=shade, width=int(0.010 * size))
    draw.chord(at(0.425, 0.605, 0.575, 0.675), 0, 180, fill=(196, 96, 92))
    draw.chord(at(0.425, 0.615, 0.505, 0.655), 180, 360, fill=(180, 82, 80))
    draw.chord(at(0.495, 0.615, 0.575, 0.655), 180, 360, fill=(180, 82, 80))
    draw.line((*at(0.427, 0.637), *at(0.573, 0.637)), fill=(120, 48, 48), width=int(0.005 * size))
    smooth = image.filter(ImageFilter.GaussianBlur(OVERSAMPLING))
    return smooth.resize((SIDE, SIDE), Image.Resampling.LANCZOS)


if __name__ == "__main__":
    main()
