"""What is said, and by whom."""

import re
import string
from collections.abc import Sequence

import numpy as np

from demo.world.speech import Voice

# Words a second at 150 words a minute, pauses included.
_WORDS_A_SECOND = 2.8
_ATTEMPTS = 40

# Only variants without an echo: it would sound on while the mouth is shut.
_ACCENTS = ("en", "en-us", "en-gb-x-rp", "en-gb-scotland", "en-029", "en-gb-x-gbclan", "en-gb-x-gbcwmd", "en-us-nyc")
_TRAINING_VARIANTS = ("f1", "m1", "m3", "m4", "m5", "m7", "steph", "linda", "Michael", "max", "Andy", "Lee", "ed")
_HELD_OUT_VARIANTS = ("m6", "steph2", "belinda", "Annie", "robert", "victor")
TRAINING_VOICES = tuple(f"{accent}+{variant}" for accent in _ACCENTS for variant in _TRAINING_VARIANTS)
HELD_OUT_VOICES = tuple(f"{accent}+{variant}" for accent in _ACCENTS for variant in _HELD_OUT_VARIANTS)

_SLOWEST, _FASTEST = 110, 210
_LOWEST, _HIGHEST = 20, 85

_BEFORE_A_VOWEL = re.compile(r"\b([Aa]) (?=[aeio])")

# A part in braces stands for one of its choices.
_SENTENCES = """
{person} {did} {thing} {place}.|{person} {did} {thing} {time}.|{person} and {person} {did} {thing}.|
{thing} and {thing} were {state}, but {thing} was {state}.|{person} was {state} {time}, so {pronoun} {did} {thing}.|
{wh} {did_ask} {person} {do} {thing} {place}?|{wh} is {thing} so {state}?|Do you {do} {thing}?|
Can {person} {do} {thing}?|May I {do} {thing}, please?|Will you {do} it {time}?|Is it {state}, or is it {state}?|
Who are you?|How are you?|I {do} {thing} {time}.|We {do} {thing} and {thing}.|You and I {do} {thing} {place}.|
They never {do} {thing}.|{number} {things} are {place}.|There are {number} {things} and {number} {things}.|
{person} has {number} {things}.|My number is {number}, {number}, {number}.|
It costs {number} pounds and {number} pence.|At {hour} o'clock, {person} {did} {thing}.|{hail}, {person}!|{hail}.|
{hail}, {hail}.|Oh, {hail}!|Ah, I see {thing}.|Oops, {thing} fell {place}.|Please {do} {thing}.|
Move {thing} {place}, and {do} {thing}.|Bring me {number} {things}.|Open {thing}, {person}.|
Maybe {person} {did} {thing}, or maybe {person} {did} it.|If you {do} {thing}, I {do} {thing}.|
When {thing} is {state}, we {do} {thing} {place}.|{thing} is {state}.|{person} is {state}.|
It was {state} and {state}.|My {family} {did} {thing} {time}.|Your {family} and my {family} are {state}.|
{person}'s {family} {did} {thing}, too.|First {do} {thing}, then {do} {thing}.|
The {adjective} {animal} and the {adjective} {animal} ran {place}.|
The {animal} {did} {thing}, while the {animal} {did} {thing}.|What a {adjective} {animal}!|Look, a {adjective} {item}!
"""

_PARTS = {
    "person": """Emma|Bob|Mabel|Pam|Tom|Amy|Phoebe|Victor|Wanda|Hugo|Lucy|Joe|Ruth|Sam|Paul|Eve|Mama|Papa|Bobby|Fay|Moe|
        Maeve|Jean|Owen|Sue|Billy|Poppy|Abe|Fiona|Winnie|my friend|the baker|the farmer|the woman|the man|the pupil|
        nobody|somebody|the piper|the vet|a member of the band|the bishop""",
    "pronoun": "he|she|we|they|I|you",
    "family": "mother|father|brother|sister|uncle|aunt|baby|family|wife|puppy",
    "thing": """the {adjective} {item}|a {adjective} {item}|the {item}|my {item}|the {item} and the {item}|the {animal}|
        our {adjective} {things}|all the {things}|a bowl of {food}|some {food}|a piece of {food}|more {food}|
        a cup of {drink}|the {color} {item}""",
    "item": """pipe|boat|bowl|pump|lamp|map|mop|van|vase|wheel|wagon|window|spoon|moon|shoe|tube|book|boot|box|pot|cup|
        bell|ball|bottle|bubble|button|pepper|ribbon|rope|umbrella|violin|fiddle|fork|knife|leaf|loaf|glove|coat|clock|
        garden|car|star|arm|palm|bath|path|father's hat|mirror|carpet|jar|harp|door|board|ship|fish|bush|chair|watch|
        bridge|cage|jam jar|television|garage|key|wheelbarrow|tree|sheet|bead|bag|stamp|thumb|thimble|feather|cloth|
        mouth|tooth|oil can|toy|coin|house|cloud|ear|piano|flower""",
    "things": """apples|pears|plums|beans|peas|peaches|pumps|bees|leaves|moons|wheels|wolves|shoes|movies|pups|bubbles|
        bananas|bombs of foam|thumbs|maps|mice|knives|waves|wings|foxes|fireflies|bamboo poles|vowels|babies|
        oboes|judges""",
    "animal": """bee|fox|wolf|bear|puppy|pup|hippo|beaver|bat|lamb|mouse|mole|moose|whale|worm|fish|fowl|dove|viper|
        baboon|buffalo|panda|zebra|goose|poodle|owl|camel|chimp|thrush|jackal|yak""",
    "food": """bread|butter|beef|ham|jam|pie|soup|fruit|food|beans|popcorn|plum pudding|fish|veal|oatmeal|fudge|
        waffles|figs|yam""",
    "drink": "tea|coffee|water|wine|milk|apple juice|beer|warm broth|cocoa",
    "adjective": """big|small|blue|brown|purple|pink|beautiful|warm|soft|fair|far away|empty|full|brave|very old|new|
        happy|gloomy|wooden|weak|foolish|amber|smooth|deep|cheap|round|loud|loose|fabulous|green|pure|furry|
        fine|vivid|lovely|yellow|mad|bad|fat|calm|heavy|measured|thick|thin|queer|poor|annoyed|golden|woolly""",
    "color": "blue|green|pale purple|brown|amber|ivory|pink|white|olive|mauve",
    "state": """warm|wet|broken|empty|full|far away|above us|behind me|very good|bad|happy|asleep|awake|open|shut|
        blue|ready|too heavy|too small|boiling|alive|remarkable|over|impossible|here|in bloom|visible|enough|unusual|
        calm|smooth|clean|mouldy|amazing|fair|poor|annoying|a treasure|a pleasure|all right""",
    "do": """move|make|buy|bring|paint|push|pull|fill|wave|wash|keep|open|improve|find|follow|value|weigh|empty|bury|
        remember|prove|approve of|throw|choose|feed|hear|see|leave|bathe|join|use|enjoy|help|shove|mix|measure|imagine|
        jump over|think of|ask for|sing about|look for""",
    "did": """moved|made|bought|brought|painted|pushed|pulled|filled|waved at|washed|kept|opened|improved|found|
        followed|valued|weighed|emptied|buried|remembered|proved|threw|chose|fed|heard|saw|left|bathed|joined|used|
        enjoyed|helped|shoved|mixed|measured|imagined|jumped over|thought of|asked for|sang about|looked for|
        wrapped|dropped|rubbed|robbed|bumped into""",
    "did_ask": "did|will|would|does|could|may",
    "wh": "Why|When|How|Where",
    "place": """above the farm|behind the barn|in the room|by the pool|on the roof|below the bridge|at the zoo|
        from the village|in the park|by the river|under the table|over the wall|near the pub|in Rome|in Bombay|
        up the path|in the web|on a beam|before the shop|along the beach|out of the bush|in my palm|far from home|
        into the fog|through the window|with a thump|for the film|around the house|up the chimney|up here|with me""",
    "time": """today|now|in May|before noon|every evening|all week|at five|tomorrow|by half past four|one morning|
        when the moon is up|in February|in the afternoon|on a warm evening|for a moment|from time to time|
        in November|on Wednesday|before you came|once more|usually|after the farm show""",
    "hour": "one|two|three|four|five|six|seven|eight|nine|ten|eleven|twelve",
    "number": """two|three|four|five|six|seven|eight|nine|ten|eleven|twelve|fifteen|twenty|thirty five|
        forty four|fifty five|seventy|a hundred|a thousand|a million|{digit}{digit}|{digit}{digit}{digit}""",
    "digit": "1|2|3|4|5|6|7|8|9",
    "hail": """hello|good morning|welcome home|well, well|bye bye|wow|hooray|oh no|aha|ooh|my, oh my|oh boy|yes, please|
        of course|no, no, no|wonderful|maybe|perhaps|sure|thank you|goodbye|boom, boom, boom|ho, ho|
        ma, ma, ma|you too""",
}


def _choices(text: str) -> list[str]:
    return [" ".join(choice.split()) for choice in text.split("|")]


_TEMPLATES = _choices(_SENTENCES)
_CHOICES = {name: _choices(text) for name, text in _PARTS.items()}

HELD_OUT_SENTENCES = (
    "Every autumn the swallows gather on telephone wires and head south.",
    "Could somebody lend her twelve dollars until Friday?",
    "The museum shuts early because its guards dislike rainy Mondays.",
    "Peppermint always tastes better after supper.",
    "His grandfather repaired bicycles behind a tiny chapel.",
    "Which platform does our express train depart from?",
    "Between both mountains lies a valley nobody has mapped.",
    "She whispered something funny, and everybody laughed.",
    "Please remind Barbara about Thursday's appointment.",
    "Computers cannot taste chocolate.",
    "A sudden breeze scattered autumn petals across marble steps.",
    "Robots that speak politely make marvellous waiters.",
    "Have you ever climbed an active volcano?",
    "Physics explains how rainbows appear during summer showers.",
    "They waited almost forty minutes, then went elsewhere.",
    "Nothing beats swimming outdoors in August.",
    "Our neighbours built seven birdhouses last spring.",
    "Maybe the committee should vote again, since few members attended.",
    "Sailors fear sharp rocks more than violent storms.",
    "Why won't that stubborn donkey budge?",
    "Mushrooms sprout overnight beneath damp autumn bark.",
    "The orchestra tuned up, paused, and began a slow waltz.",
    "Does this blouse match those velvet trousers?",
    "Fresh paint smells strange, yet children love it.",
    "Somewhere upstairs, an alarm beeped twice.",
    "Twenty brave firemen climbed ladders to rescue kittens.",
    "Honestly, I'd rather walk than drive.",
    "Pumpkin seeds, olives, and crispy bacon improve any salad.",
    "Astronauts float because gravity pulls their spaceship equally.",
    "Tell Simon his parcel arrived.",
    "Whoever borrowed this hammer must return it.",
    "Half an orange, squeezed over salmon, works wonders.",
    "The professor wrote formulas until chalk covered both sleeves.",
    "Good posture prevents back problems.",
    "My cousin speaks Portuguese, Arabic, and a bit of Welsh.",
    "Few visitors notice that statue's missing finger.",
    "Bring sunscreen, sandals, and plenty of patience.",
    "What happened to yesterday's newspaper?",
    "Without practice, even gifted pianists lose their touch.",
    "Farewell, dear audience, and sweet dreams.",
)


def draw_sentences(rng: np.random.Generator, seconds: float) -> str:
    """Random sentences that take about so long at 150 words a minute."""
    wanted = max(1, round(seconds * _WORDS_A_SECOND))
    best: list[str] = []
    for _ in range(_ATTEMPTS):
        sentences = _fill(rng, wanted)
        if not best or abs(_words(sentences) - wanted) < abs(_words(best) - wanted):
            best = sentences
        if _words(best) == wanted:
            break
    return " ".join(best)


def draw_voice(rng: np.random.Generator, names: Sequence[str]) -> Voice:
    """One of these espeak-ng voices at a random rate and pitch."""
    name = names[int(rng.integers(len(names)))]
    words_a_minute = int(rng.integers(_SLOWEST, _FASTEST + 1))
    return Voice(name, words_a_minute, int(rng.integers(_LOWEST, _HIGHEST + 1)))


def _fill(rng: np.random.Generator, words: int) -> list[str]:
    sentences = [_expand(rng, "{sentence}")]
    while _words(sentences) < words - 1:
        sentences.append(_expand(rng, "{sentence}"))
    return sentences


def _words(sentences: Sequence[str]) -> int:
    return len(" ".join(sentences).split())


def _expand(rng: np.random.Generator, text: str) -> str:
    """Every part in braces replaced by one of its choices, and theirs. A sentence begins with a capital."""
    pieces: list[str] = []
    for literal, part, _, _ in string.Formatter().parse(text):
        pieces.append(literal)
        if part == "sentence":
            sentence = _expand(rng, _TEMPLATES[rng.integers(len(_TEMPLATES))])
            sentence = _BEFORE_A_VOWEL.sub(r"\1n ", sentence)
            pieces.append(sentence[0].upper() + sentence[1:])
        elif part:
            choices = _CHOICES[part]
            pieces.append(_expand(rng, choices[rng.integers(len(choices))]))
    return "".join(pieces)
