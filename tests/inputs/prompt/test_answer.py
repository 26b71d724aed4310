import pytest

from s2v_runner.inputs.prompt.answer import Answer, clean, count_words, judge, take_prompt
from s2v_runner.inputs.prompt.settings import ExtensionError
from tests.inputs.prompt.asking import CHINESE, ENGLISH


def answer(text: str, end: str = "whole") -> Answer:
    return Answer(text=text, end=end, input_tokens=None, output_tokens=None)  # pyright: ignore[reportArgumentType]


@pytest.mark.parametrize("text", [ENGLISH, CHINESE])
def test_a_good_answer_stays_as_it_is(text: str):
    assert clean(text) == text
    judge(text, "zh" if text is CHINESE else "en")


@pytest.mark.parametrize(
    "before",
    [
        "  \n",
        "Prompt: ",
        "**Prompt:** ",
        "Rewritten prompt:\n\n",
        "The extended video prompt: ",
        "Here is the rewritten prompt:\n\n",
        "Sure! Here's your prompt in English:\n",
        "## The prompt\n\nPrompt: ",
        "# ",
        "> ",
        "- ",
        "<think>\nThe user wants …\n</think>\n\n",
        "The user wants …\n</think>\n\n",
        "<think></think>",
    ],
)
def test_what_stands_before_an_english_prompt_is_taken_away(before: str):
    assert clean(f"{before}{ENGLISH}") == ENGLISH


@pytest.mark.parametrize(
    "before",
    [
        "提示词：",
        "改写后的提示词：",
        "**改写后的提示词：**\n",
        "好的，以下是改写后的提示词：\n",
        "改写后：",
        "Prompt：",
    ],
)
def test_what_stands_before_a_chinese_prompt_is_taken_away(before: str):
    assert clean(f"{before}{CHINESE}") == CHINESE


@pytest.mark.parametrize("pair", ['""', "''", "“”", "‘’", "「」", "『』", "``"])
def test_quotation_marks_around_all_of_it_are_taken_away(pair: str):
    assert clean(f" {pair[0]}{CHINESE}{pair[1]}\n") == CHINESE
    assert clean(f"Prompt: {pair[0]} {CHINESE} {pair[1]}") == CHINESE


def test_quotation_marks_that_belong_to_it_stay():
    for text in (
        '"Hello" is on the wall, and the woman says "goodbye"',
        "“你好”两个字写在墙上，她说“再见”",
        "she says 'no'",
    ):
        assert clean(text) == text


def test_markdown_is_taken_away():
    assert clean(f"```text\n{ENGLISH}\n```") == ENGLISH
    assert clean("**A woman** speaks, __calmly__, 2 ** 3") == "A woman speaks, calmly, 2 ** 3"


def test_lines_become_one():
    assert clean("A woman\n  speaks.\r\n\nShe nods.\t") == "A woman speaks. She nods."
    assert clean("一位女性，\n面对镜头\n\n说话。\nHello 你好") == "一位女性，面对镜头说话。 Hello 你好"


def test_a_thought_without_an_end_is_no_answer():
    assert clean(f"<think>{ENGLISH}") == ""


def test_a_colon_in_the_text_is_no_label():
    for text in ("Here is a woman. She speaks: calmly", "A woman holds a card with the prompt: a line of text"):
        assert clean(text) == text


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", "is empty"),
        ("I'm sorry, but I can't help with that request.", "refused"),
        ("I’m sorry, I cannot.", "refused"),
        ("I cannot rewrite this prompt because it is improper.", "refused"),
        ("As an AI language model, I do not make prompts.", "refused"),
        ("Sorry, this is nothing that I may do.", "refused"),
        (f"<p>{ENGLISH}</p>", "no plain text"),
        ("<!DOCTYPE html> a page of words that goes on for quite a while", "no plain text"),
        (f"{ENGLISH}<|im_start|>", "no plain text"),
        (f"{ENGLISH}\x00", "characters in it that are none"),
        (f"{ENGLISH}\x1b[31m", "characters in it that are none"),
        (f"{ENGLISH}\ufffd", "characters in it that are none"),
        (f"{ENGLISH}\ue000", "characters in it that are none"),
        (ENGLISH * 20, "far more than were asked for"),
        (CHINESE, "not in English"),
        ("Женщина говорит в камеру и слегка кивает головой", "not in English"),
        ("A woman speaks.", "too short"),
        ("… — 12 34", "not in English"),
    ],
)
def test_what_is_no_english_prompt_is_refused_in_a_line(text: str, reason: str):
    with pytest.raises(ExtensionError, match=reason) as caught:
        judge(text, "en")
    assert str(caught.value).isprintable()


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("抱歉，我无法完成这个请求。", "refused"),
        ("很抱歉，这个内容不合适。", "refused"),
        ("作为一个人工智能助手，我不能这样做。", "refused"),
        ("对不起，我不能改写。", "refused"),
        (ENGLISH, "not in Chinese"),
        (f"{ENGLISH} She says “你好”.", "not in Chinese"),
        ("カメラにはなします", "not in Chinese"),
        ("她在说话。", "too short"),
        (CHINESE * 20, "far more than were asked for"),
    ],
)
def test_what_is_no_chinese_prompt_is_refused_in_a_line(text: str, reason: str):
    with pytest.raises(ExtensionError, match=reason) as caught:
        judge(text, "zh")
    assert str(caught.value).isprintable()


def test_a_quotation_may_be_in_the_other_language():
    judge(f"{CHINESE} 她说：“Welcome to the annual meeting of our company, dear friends”。", "zh")
    judge(f"{ENGLISH} She says “大家好，欢迎来到我们公司的年会”.", "en")


def test_a_woman_who_is_sorry_is_no_refusal():
    judge(f"A woman says that she is sorry. {ENGLISH}", "en")


@pytest.mark.parametrize(
    ("end", "remedy"), [("tokens", "prompt_extend.max_tokens"), ("time", "prompt_extend.patience")]
)
def test_an_answer_that_was_cut_short_is_refused_however_good_it_is(end: str, remedy: str):
    with pytest.raises(ExtensionError, match=remedy):
        take_prompt(answer(ENGLISH, end), "en")


def test_an_answer_is_cleaned_before_it_is_judged():
    assert take_prompt(answer(f"<think>…</think>\n\n**Prompt:** “{ENGLISH}”\n"), "en") == ENGLISH


def test_words_are_counted_in_both_languages():
    assert count_words("A woman doesn't speak 你好") == 6
