"""Who is drawn: looks that tell people apart, and plain words for them."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, fields

import torch
from torch import Tensor

Colour = tuple[float, float, float]

PERSONS = ("person", "woman", "man")
HAIR_STYLES = ("bald", "short", "long", "bun", "curly", "bob", "quiff")
GLASSES = ("none", "round", "square")
FACIAL_HAIR = ("none", "moustache", "beard", "goatee")
SHIRTS = ("plain", "striped", "collar")
WALLS = ("plain", "gradient", "two-tone", "window", "stripes")

SKINS: tuple[Colour, ...] = (
    (0.98, 0.85, 0.74),
    (0.95, 0.77, 0.63),
    (0.87, 0.67, 0.49),
    (0.74, 0.53, 0.37),
    (0.58, 0.39, 0.27),
    (0.43, 0.28, 0.20),
)
HAIR_COLOURS: dict[str, Colour] = {
    "black": (0.10, 0.09, 0.11),
    "brown": (0.36, 0.20, 0.11),
    "blond": (0.93, 0.77, 0.37),
    "red": (0.75, 0.27, 0.11),
    "grey": (0.63, 0.64, 0.67),
    "blue": (0.18, 0.32, 0.72),
    "pink": (0.91, 0.42, 0.63),
}
EYES: tuple[Colour, ...] = ((0.30, 0.18, 0.10), (0.20, 0.45, 0.70), (0.22, 0.52, 0.32), (0.40, 0.42, 0.46))
LIPS: tuple[Colour, ...] = ((0.80, 0.40, 0.38), (0.85, 0.25, 0.32), (0.68, 0.30, 0.36), (0.90, 0.45, 0.50))
FRAMES: tuple[Colour, ...] = ((0.08, 0.08, 0.10), (0.68, 0.12, 0.16), (0.14, 0.30, 0.66), (0.84, 0.66, 0.28))
SHIRT_COLOURS: dict[str, Colour] = {
    "white": (0.94, 0.94, 0.92),
    "black": (0.13, 0.13, 0.16),
    "red": (0.78, 0.15, 0.18),
    "orange": (0.94, 0.50, 0.13),
    "yellow": (0.95, 0.80, 0.20),
    "green": (0.16, 0.52, 0.30),
    "blue": (0.16, 0.34, 0.72),
    "purple": (0.46, 0.22, 0.60),
    "pink": (0.93, 0.53, 0.67),
}
WALL_COLOURS: dict[str, Colour] = {
    "white": (0.93, 0.93, 0.91),
    "grey": (0.62, 0.64, 0.67),
    "blue": (0.50, 0.70, 0.90),
    "green": (0.53, 0.77, 0.58),
    "yellow": (0.96, 0.86, 0.52),
    "orange": (0.96, 0.70, 0.46),
    "pink": (0.95, 0.70, 0.76),
    "purple": (0.67, 0.58, 0.85),
    "turquoise": (0.35, 0.72, 0.72),
}

# How often each is drawn, by the person (a person, a woman, a man).
_HAIR_STYLE_WEIGHTS = ((1, 3, 2, 1, 2, 2, 1), (0, 1, 4, 2, 2, 3, 0), (3, 5, 1, 0, 2, 0, 3))
_FACIAL_HAIR_WEIGHTS = ((8, 1, 1, 0), (1, 0, 0, 0), (4, 2, 3, 2))
_HAIR_COLOUR_WEIGHTS = (4, 5, 4, 4, 2, 1, 1)
_GLASSES_WEIGHTS = (3, 1, 1)


@dataclass(frozen=True)
class Identities:
    """The looks of B people: colours [B, 3] from 0 to 1, choices [B] int64, measures [B] float32.

    Measures are in half frame sides, except where a comment says otherwise.
    """

    person: Tensor
    hair_style: Tensor
    hair_shade: Tensor
    glasses: Tensor
    facial_hair: Tensor
    shirt: Tensor
    shirt_shade: Tensor
    wall: Tensor
    wall_shade: Tensor

    skin_colour: Tensor
    hair_colour: Tensor
    eye_colour: Tensor
    lip_colour: Tensor
    frame_colour: Tensor
    shirt_colour: Tensor
    second_shirt_colour: Tensor
    wall_colour: Tensor
    second_wall_colour: Tensor

    face_width: Tensor
    face_height: Tensor
    jaw: Tensor  # 0 pointed ... 1 square
    eye_distance: Tensor
    eye_size: Tensor
    brow_thickness: Tensor
    brow_height: Tensor
    nose_width: Tensor
    nose_length: Tensor
    mouth_scale: Tensor  # of all widths of the mouth
    lip_thickness: Tensor
    hairline: Tensor
    parting: Tensor  # -1 left ... 1 right
    shoulder_width: Tensor

    def __len__(self) -> int:
        return len(self.person)

    def to(self, device: torch.device | str) -> "Identities":
        """The same on a device."""
        return self.map(lambda value: value.to(device))

    def select(self, indices: Tensor | slice) -> "Identities":
        """Some of them, by number."""
        return self.map(lambda value: value[indices])

    def map(self, change: Callable[[Tensor], Tensor]) -> "Identities":
        """Every field changed in the same way."""
        return Identities(**{field.name: change(getattr(self, field.name)) for field in fields(self)})


@dataclass(frozen=True)
class Description:
    """Plain words for what is seen of a person, '' where there is nothing to say."""

    person: str  # "a woman"
    hair: str  # "long red hair"
    glasses: str  # "round glasses"
    facial_hair: str  # "a beard"
    shirt: str  # "a blue striped shirt"
    background: str  # "a green wall"


def draw_identities(count: int, generator: torch.Generator) -> Identities:
    """Random people, the same on every machine: the generator is one of the CPU, and so is the result."""

    def choose(weights: Sequence[float]) -> Tensor:
        return _choose(torch.tensor(weights).expand(count, -1), generator)

    def choose_by_person(weights: Sequence[Sequence[float]]) -> Tensor:
        return _choose(torch.tensor(weights)[person], generator)

    def between(low: float, high: float) -> Tensor:
        return low + (high - low) * torch.rand(count, generator=generator)

    def tint(palette: Sequence[Colour], choice: Tensor, spread: float) -> Tensor:
        light = between(-spread, spread)[:, None]
        hue = spread / 2 * (2 * torch.rand(count, 3, generator=generator) - 1)
        return (torch.tensor(palette)[choice] + light + hue).clamp(0, 1)

    def differ(choice: Tensor, kinds: int) -> Tensor:
        return (choice + torch.randint(1, kinds, (count,), generator=generator)) % kinds

    person = choose((1, 2, 2))
    skin = choose((1,) * len(SKINS))
    skin_colour = tint(SKINS, skin, 0.03)
    hair_shade, shirt_shade = choose(_HAIR_COLOUR_WEIGHTS), choose((1,) * len(SHIRT_COLOURS))
    wall_shade = choose((1,) * len(WALL_COLOURS))
    shirts, walls = tuple(SHIRT_COLOURS.values()), tuple(WALL_COLOURS.values())
    redness = torch.where(person == 1, between(0.75, 1.0), between(0.45, 0.65))[:, None]
    lips = tint(LIPS, choose((1,) * len(LIPS)), 0.03)
    return Identities(
        person=person,
        hair_style=choose_by_person(_HAIR_STYLE_WEIGHTS),
        hair_shade=hair_shade,
        glasses=choose(_GLASSES_WEIGHTS),
        facial_hair=choose_by_person(_FACIAL_HAIR_WEIGHTS),
        shirt=choose((1,) * len(SHIRTS)),
        shirt_shade=shirt_shade,
        wall=choose((1,) * len(WALLS)),
        wall_shade=wall_shade,
        skin_colour=skin_colour,
        hair_colour=tint(tuple(HAIR_COLOURS.values()), hair_shade, 0.04),
        eye_colour=tint(EYES, choose((1,) * len(EYES)), 0.03),
        lip_colour=torch.lerp(skin_colour * torch.tensor([0.82, 0.60, 0.58]), lips, redness),
        frame_colour=tint(FRAMES, choose((1,) * len(FRAMES)), 0.02),
        shirt_colour=tint(shirts, shirt_shade, 0.05),
        second_shirt_colour=tint(shirts, differ(shirt_shade, len(shirts)), 0.05),
        wall_colour=tint(walls, wall_shade, 0.05),
        second_wall_colour=tint(walls, differ(wall_shade, len(walls)), 0.05),
        face_width=between(0.38, 0.44),
        face_height=between(0.51, 0.57),
        jaw=torch.where(person == 1, between(0.0, 0.5), between(0.3, 1.0)),
        eye_distance=between(0.145, 0.180),
        eye_size=between(0.070, 0.088),
        brow_thickness=torch.where(person == 1, between(0.014, 0.022), between(0.018, 0.032)),
        brow_height=between(0.130, 0.165),
        nose_width=between(0.045, 0.075),
        nose_length=between(0.09, 0.13),
        mouth_scale=between(0.92, 1.08),
        lip_thickness=torch.where(person == 1, between(0.034, 0.044), between(0.024, 0.036)),
        hairline=between(-0.36, -0.28),
        parting=between(-1.0, 1.0),
        shoulder_width=torch.where(person == 2, between(0.76, 0.90), between(0.64, 0.78)),
    )


def _choose(weights: Tensor, generator: torch.Generator) -> Tensor:
    """One number for each row of weights [B, kinds]."""
    shares = weights.double().cumsum(1)
    draw = torch.rand(len(weights), 1, generator=generator, dtype=torch.float64) * shares[:, -1:]
    return (draw >= shares).sum(1)


def words(identities: Identities) -> list[Description]:
    """What is seen of each of them."""
    names = (
        "person",
        "hair_style",
        "hair_shade",
        "glasses",
        "facial_hair",
        "shirt",
        "shirt_shade",
        "wall",
        "wall_shade",
    )
    rows = zip(*(getattr(identities, name).tolist() for name in names), strict=True)
    hair_colours, shirt_colours, wall_colours = (tuple(table) for table in (HAIR_COLOURS, SHIRT_COLOURS, WALL_COLOURS))
    return [
        Description(
            person=f"a {PERSONS[person]}",
            hair=_hair_words(HAIR_STYLES[style], hair_colours[hair]),
            glasses="" if GLASSES[glasses] == "none" else f"{GLASSES[glasses]} glasses",
            facial_hair="" if FACIAL_HAIR[beard] == "none" else f"a {FACIAL_HAIR[beard]}",
            shirt=_shirt_words(SHIRTS[shirt], shirt_colours[cloth]),
            background=_wall_words(WALLS[wall], wall_colours[paint]),
        )
        for person, style, hair, glasses, beard, shirt, cloth, wall, paint in rows
    ]


def _hair_words(style: str, colour: str) -> str:
    if style == "bald":
        return "a bald head"
    if style in ("bun", "bob", "quiff"):
        return f"{colour} hair in a {style}"
    return f"{style} {colour} hair"


def _shirt_words(kind: str, colour: str) -> str:
    article = "an" if colour == "orange" else "a"
    if kind == "striped":
        return f"{article} {colour} striped shirt"
    if kind == "collar":
        return f"{article} {colour} shirt with a collar"
    return f"{article} {colour} shirt"


def _wall_words(kind: str, colour: str) -> str:
    article = "an" if colour == "orange" else "a"
    return {
        "plain": f"{article} {colour} wall",
        "gradient": f"a softly lit {colour} wall",
        "two-tone": f"a two-tone {colour} wall",
        "window": f"{article} {colour} wall with a window",
        "stripes": f"{article} {colour} striped wall",
    }[kind]
