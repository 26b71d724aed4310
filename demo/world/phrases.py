"""The ways in which a prompt may say what is seen and what a head does.

`{her}` stands for the pronoun. Each act has clauses with a verb ("nods"), participles ("nodding") and what follows
"with" ("a nod"), so that each fits into every sentence.
"""

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True)
class Phrases:
    """Of one act."""

    clauses: tuple[str, ...]
    """After "a woman …"."""
    participles: tuple[str, ...]
    """After "a woman, …" or "speaks while …"."""
    nouns: tuple[str, ...]
    """After "with …"."""


def _each(lines: str) -> tuple[str, ...]:
    return tuple(" ".join(phrase.split()) for phrase in lines.split(";"))


SPEAKING = Phrases(
    clauses=_each(
        """
        speaks; talks; is speaking; is talking; says something; is saying something; tells a story; gives a talk;
        tells us something; reads a sentence aloud; chats; explains something
        """
    ),
    participles=_each(
        """
        speaking; talking; saying something; telling a story; chatting; explaining something
        """
    ),
    nouns=_each(
        """
        a moving mouth; moving lips; words on {her} lips
        """
    ),
)
MANNERS = (
    "clearly",
    "calmly",
    "calmly and clearly",
    "slowly",
    "quickly",
    "loudly",
    "softly",
    "quietly",
    "naturally",
    "fluently",
    "in a clear voice",
    "in a calm voice",
)

_NODDING = Phrases(
    clauses=_each(
        """
        nods; is nodding; keeps nodding; nods {her} head; is nodding {her} head; gives a nod; gives nods; nods
        along; nods gently; nods again and again; nods in agreement; nods yes; nods clearly; agrees with a nod;
        agrees by nodding; agrees; moves {her} head up and down; shakes {her} head up and down; bobs {her} head
        """
    ),
    participles=_each(
        """
        nodding; nodding {her} head; nodding along; nodding in agreement; nodding again and again; nodding
        repeatedly; nodding slightly; agreeing with a nod; agreeing; moving {her} head up and down; bobbing {her}
        head
        """
    ),
    nouns=_each(
        """
        a nod; nods; a nod of the head; nods of {her} head; a nodding head; many nods; {her} head nodding; {her}
        head moving up and down; {her} head bobbing
        """
    ),
)
_NOT_NODDING = Phrases(
    clauses=_each(
        """
        does not nod; doesn't nod; never nods; is not nodding
        """
    ),
    participles=_each(
        """
        not nodding; never nodding; without nodding
        """
    ),
    nouns=_each(
        """
        no nods; no nodding; no nod
        """
    ),
)
_SMILING = Phrases(
    clauses=_each(
        """
        smiles; is smiling; keeps smiling; smiles happily; smiles warmly; smiles broadly; smiles a little; gives a
        smile; has a smile on {her} face; grins; is grinning; beams; is happy; looks happy; is cheerful; looks
        cheerful; seems glad; is in a good mood
        """
    ),
    participles=_each(
        """
        smiling; smiling happily; smiling warmly; smiling broadly; grinning; beaming; looking happy; looking
        cheerful; being cheerful; happy; cheerful; happily; cheerfully
        """
    ),
    nouns=_each(
        """
        a smile; a big smile; a warm smile; a friendly smile; a wide smile; a grin; a smile on {her} face; a smiling
        face; a smiling mouth; a happy face; a happy expression; a cheerful look; a cheerful face; joy
        """
    ),
)
_NOT_SMILING = Phrases(
    clauses=_each(
        """
        does not smile; doesn't smile; never smiles; is not smiling; is serious; looks serious; keeps a straight
        face
        """
    ),
    participles=_each(
        """
        not smiling; never smiling; without smiling; without a smile; looking serious; serious
        """
    ),
    nouns=_each(
        """
        no smile; a serious face; a neutral face; a neutral expression; a serious look; a straight face
        """
    ),
)
_KEEPING_STILL = Phrases(
    clauses=_each(
        """
        keeps still; stays still; holds still; sits still; is still; keeps {her} head still; holds {her} head still;
        keeps quite still; hardly moves; barely moves; does not move; doesn't move; does not move {her} head; never
        moves; is calm; stays calm; keeps calm; remains calm and still; stays motionless; is motionless; stands
        still
        """
    ),
    participles=_each(
        """
        keeping still; staying still; holding still; sitting still; keeping {her} head still; hardly moving; barely
        moving; not moving; without moving; without moving {her} head; without any movement; without movement;
        staying calm; calm; calm and still; motionless; perfectly still; still
        """
    ),
    nouns=_each(
        """
        a still head; a calm head; a motionless head; no movement; hardly any movement; no movement of the head;
        {her} head still; {her} head kept still; {her} head not moving
        """
    ),
)
_LOOKING_AHEAD = Phrases(
    clauses=_each(
        """
        looks into the camera; looks at the camera; is looking into the camera; looks straight ahead; looks ahead;
        looks straight into the camera; faces the camera; is facing the camera; faces the viewer; faces us; looks at
        us; looks at the viewer; does not turn {her} head; doesn't turn
        """
    ),
    participles=_each(
        """
        looking into the camera; looking at the camera; looking straight ahead; looking ahead; facing the camera;
        facing the viewer; facing forward; looking at us; without turning {her} head; without turning; not turning
        """
    ),
    nouns=_each(
        """
        {her} eyes on the camera; {her} face to the camera; a look into the camera; {her} head straight; {her} gaze
        straight ahead
        """
    ),
)
_SIDEWAYS = Phrases(
    clauses=_each(
        """
        turns SIDE; turns to the SIDE; turns {her} head to the SIDE; turns {her} head SIDE; turns {her} face to the
        SIDE; is turning to the SIDE; is turned to the SIDE; is turned SIDE; looks SIDE; looks to the SIDE; looks to
        {her} SIDE; is looking to the SIDE; looks over to the SIDE; looks away to the SIDE; faces SIDE; faces the
        SIDE; faces the SIDE side; glances to the SIDE; gazes to the SIDE; rotates {her} head to the SIDE; moves
        {her} head to the SIDE
        """
    ),
    participles=_each(
        """
        turning SIDE; turning to the SIDE; turning {her} head to the SIDE; turned to the SIDE; turned SIDE; looking
        SIDE; looking to the SIDE; looking to the SIDE side; looking to {her} SIDE; facing SIDE; facing to the SIDE;
        glancing to the SIDE; gazing SIDE
        """
    ),
    nouns=_each(
        """
        {her} head turned to the SIDE; {her} head turned SIDE; {her} head to the SIDE; {her} face turned to the
        SIDE; {her} face to the SIDE; a turn to the SIDE; a look to the SIDE; {her} eyes to the SIDE; {her} gaze to
        the SIDE
        """
    ),
)


def _towards(side: str) -> Phrases:
    parts = (_SIDEWAYS.clauses, _SIDEWAYS.participles, _SIDEWAYS.nouns)
    return Phrases(*(tuple(phrase.replace("SIDE", side) for phrase in part) for part in parts))


MOVEMENTS: Mapping[tuple[str, str], Phrases] = {
    ("nod", "yes"): _NODDING,
    ("nod", "no"): _NOT_NODDING,
    ("smile", "yes"): _SMILING,
    ("smile", "no"): _NOT_SMILING,
    ("still", "yes"): _KEEPING_STILL,
    ("turn", "ahead"): _LOOKING_AHEAD,
    ("turn", "left"): _towards("left"),
    ("turn", "right"): _towards("right"),
}
"""By the act and what is said of it."""

SAYINGS: Mapping[str, tuple[str, ...]] = {
    "a woman": ("a lady", "a young woman", "a girl", "the woman", "a female speaker"),
    "a man": ("a guy", "a gentleman", "a young man", "the man", "a male speaker"),
    "a bald head": ("no hair",),
    "red hair": ("ginger hair",),
    "blond": ("blonde", "fair", "golden"),
    "glasses": ("spectacles", "eyeglasses"),
    "moustache": ("mustache",),
    "shirt": ("top", "t-shirt", "sweater", "jumper"),
    "wall": ("background", "backdrop"),
    "striped": ("stripy",),
    "grey": ("gray",),
    "purple": ("violet",),
    "turquoise": ("teal", "cyan"),
}
"""Other words for the same."""
ANYONE = ("a person", "someone", "somebody", "the speaker", "a head", "a face", "a cartoon character", "the person")
FRAMINGS = ("a video of", "a cartoon of", "a portrait of", "a close-up of", "a clip of", "we see", "there is")
REMARKS = (
    "high quality",
    "in a cartoon style",
    "in soft light",
    "sharp and detailed",
    "in a studio",
    "at home",
    "simple and clean",
    "cinematic",
    "in a video call",
)
DENIALS = ("no", "not", "never", "without", "hardly", "barely", "doesn't")
