"""What a language model answered → a prompt, or why it is none."""

import re
import unicodedata
from dataclasses import dataclass
from typing import Literal

from s2v_runner.inputs.prompt.settings import ExtensionError

_ANYWAY = (
    "Another prompt_extend.seed may help, or another prompt_extend.model; prompt_extend=none takes the prompt as it is"
)


@dataclass(frozen=True, kw_only=True)
class Answer:
    """What a model wrote, as it wrote it."""

    text: str
    end: Literal["whole", "tokens", "time"]
    """Whether the model came to its end, or what it ran out of."""
    input_tokens: int | None
    output_tokens: int | None
    """As the service counts them; None where it does not say."""


_EAST_ASIAN = "\u3000-\u303f\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\uff00-\uffef"
_HAN = re.compile(r"[\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\U00020000-\U0003ffff]")
_LATIN_WORD = re.compile(r"[A-Za-zÀ-ɏ]+(?:['’-][A-Za-zÀ-ɏ]+)*")

_THOUGHT = re.compile(r"<think>.*?</think>", re.DOTALL)
_FENCE = re.compile(r"^```\w*\s*\n?(.*?)\n?```$", re.DOTALL)
_BREAK_WITHIN_CHINESE = re.compile(rf"(?<=[{_EAST_ASIAN}])\s*\n\s*(?=[{_EAST_ASIAN}])")
_EMPHASIS = re.compile(r"(\*\*|__)(?=\S)(.+?)(?<=\S)\1")
_HEADING = re.compile(r"^#{1,6}\s[^\n]*\n\s*(?=\S)")
_LINE_MARK = re.compile(r"^(?:#{1,6}|>|[-*•])\s+")
_LABEL = re.compile(
    r"^(?:"
    r"(?:(?:sure|certainly|of course|okay|ok)[,.!:]?\s*)?here(?:'s|’s| is)\b[^:\n.]{0,80}:"
    r"|(?:(?:the|your|my)\s+)?(?:(?:rewritten|extended|expanded|enhanced|improved|new|final|revised|video)\s+){0,3}prompt"
    r"(?:\s*\((?:english|en)\))?\s*:"
    r"|(?:好的[，,。！!]?)?\s*(?:以下|下面|这)是[^：:\n。]{0,40}[：:]"
    r"|(?:(?:改写|扩写|优化|润色|扩展)(?:后|之后)?的?)?(?:提示词|视频描述|prompt)\s*[：:]"
    r"|(?:改写|扩写|优化|润色|扩展)(?:后|结果)[：:]"
    r")\s*",
    re.IGNORECASE,
)
_QUOTATION_PAIRS = ('""', "''", "“”", "‘’", "「」", "『』", "``")

_MARKUP = re.compile(r"<[/!]?[a-z][^<>]*>|<\|[^<>]*\|>", re.IGNORECASE)
_REFUSAL = re.compile(
    r"^(?:i['’]?m (?:really |very |so )?sorry|i am (?:really |very )?sorry|sorry,|(?:i )?apologi[sz]e"
    r"|i (?:can(?:['’]t|not)|am unable|am not able|won['’]t)|i['’]m (?:unable|not able)|unfortunately, i"
    r"|as an? (?:ai|language model|assistant)"
    r"|(?:非常|很|十分)?(?:抱歉|对不起|遗憾)|我(?:无法|不能|没法|没有办法)"
    r"|作为(?:一个|一名)?(?:人工智能|AI|语言模型|助手))",
    re.IGNORECASE,
)

# About three times what is asked for; the text encoder reads 512 tokens.
_MOST_CHARACTERS = {"en": 2400, "zh": 800}
# Less than this is no description.
_FEWEST_WORDS = 8
_NAMES = {"en": "English", "zh": "Chinese"}


def take_prompt(answer: Answer, language: str) -> str:
    """The prompt that is in an answer, one paragraph in `language`.

    Raises ExtensionError for an answer that was cut short, is empty, a refusal or rubbish, or in another language.
    """
    if answer.end == "tokens":
        raise ExtensionError(
            "the model's answer was cut short at prompt_extend.max_tokens", "Give more prompt_extend.max_tokens"
        )
    if answer.end == "time":
        raise ExtensionError("the model was not done in time", "Give more prompt_extend.patience")
    text = clean(answer.text)
    judge(text, language)
    return text


def clean(text: str) -> str:
    """An answer without what stands around a prompt: thoughts, fences, labels, emphasis, quotation marks, breaks."""
    text = _THOUGHT.sub(" ", text)
    # Where the template opened the thought, the answer has only its end; what never ends is no answer.
    text = text.rpartition("</think>")[2].partition("<think>")[0].strip()
    fenced = _FENCE.match(text)
    text = fenced.group(1) if fenced else text
    text = _HEADING.sub("", text)
    text = _EMPHASIS.sub(r"\2", _BREAK_WITHIN_CHINESE.sub("", text))
    text = re.sub(r"\s+", " ", text).strip()
    before = None
    while text != before:
        before = text
        text = _without_quotation_marks(_LABEL.sub("", _LINE_MARK.sub("", text)).strip())
    return text


def _without_quotation_marks(text: str) -> str:
    for opening, closing in _QUOTATION_PAIRS:
        inside = text[1:-1]
        if len(text) > 1 and text[0] == opening and text[-1] == closing and not {opening, closing} & set(inside):
            return inside.strip()
    return text


def judge(text: str, language: str) -> None:
    """Raises ExtensionError for a text that is no prompt in `language`."""
    if not text:
        raise ExtensionError("the model's answer is empty", _ANYWAY)
    if _REFUSAL.match(text):
        raise ExtensionError(f"the model refused ('{_beginning(text)}')", "Word the prompt differently")
    if any(unicodedata.category(letter) in ("Cc", "Cs", "Co", "Cn") for letter in text) or "\ufffd" in text:
        raise ExtensionError("the model's answer has characters in it that are none", _ANYWAY)
    if _MARKUP.search(text):
        raise ExtensionError(f"the model's answer is no plain text ('{_beginning(text)}')", _ANYWAY)
    if len(text) > _MOST_CHARACTERS[language]:
        raise ExtensionError(f"the model's answer has {len(text):,} characters, far more than were asked for", _ANYWAY)
    _judge_language(text, language)


def _judge_language(text: str, language: str) -> None:
    han, latin = len(_HAN.findall(text)), len(_LATIN_WORD.findall(text))
    # A quotation or a name may be in the other language, so that the more frequent one decides.
    own, other = (han, latin) if language == "zh" else (latin, han)
    if own <= other:
        raise ExtensionError(
            f"the model's answer is not in {_NAMES[language]} ('{_beginning(text)}')",
            "Give another prompt_extend.target_lang, or a model that knows the language",
        )
    if own < _FEWEST_WORDS:
        raise ExtensionError(f"the model's answer is too short to describe anything ('{text}')", _ANYWAY)


def count_words(text: str) -> int:
    """Words, and every Chinese character as one."""
    return len(_HAN.findall(text)) + len(_LATIN_WORD.findall(text))


def _beginning(text: str) -> str:
    """For an error message: printable, and on one line."""
    shown = "".join(letter if letter.isprintable() else "·" for letter in text[:60])
    return shown + ("…" if len(text) > 60 else "")
