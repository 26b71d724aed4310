from s2v_runner.inputs.prompt.answer import Answer
from s2v_runner.inputs.prompt.outcome import accept
from s2v_runner.inputs.prompt.settings import ExtendedPrompt
from tests.inputs.prompt.asking import ENGLISH, settings_with


def accepted(prompt: str, text: str) -> ExtendedPrompt:
    answer = Answer(text=text, end="whole", input_tokens=1, output_tokens=2)
    return accept(
        prompt, answer, settings_with(), model="qwen", sees=True, tries=1, seconds=1.25, warnings=("Before.",)
    )


def test_a_report_is_one_line():
    report = accepted("a woman\nspeaks", ENGLISH).report
    assert report.words.isprintable()
    assert report.words.startswith("extended by qwen, with the picture: 3 → ")
    assert report.words.endswith(" words (en) in 1.2 s")


def test_what_is_quoted_and_stays_is_not_warned_of():
    assert accepted("a sign says “OPEN”", f'{ENGLISH} A sign says "OPEN".').report.warnings == ("Before.",)


def test_what_is_quoted_and_gets_lost_is_warned_of():
    warnings = accepted('a sign says "OPEN  24 hours"', f"{ENGLISH} A sign says “OPEN”.").report.warnings
    assert warnings == ("Before.", "the extended prompt no longer has the quoted 'OPEN 24 hours'")


def test_words_that_nobody_asked_for_are_warned_of():
    warnings = accepted("a woman speaks", f"{ENGLISH} She says “hello\nthere”.").report.warnings
    assert warnings == ("Before.", "the extended prompt quotes 'hello there', which the prompt does not have")
