"""An accepted answer → the extended prompt and what is reported of it."""

import re
from collections.abc import Sequence

from s2v_runner.inputs.prompt.answer import Answer, count_words, take_prompt
from s2v_runner.inputs.prompt.settings import ExtendedPrompt, ExtensionSettings
from s2v_runner.records import Report

_QUOTATION = re.compile(r"“([^“”]+)”|\"([^\"]+)\"|「([^「」]+)」|『([^『』]+)』")


def accept(
    prompt: str,
    answer: Answer,
    settings: ExtensionSettings,
    *,
    model: str,
    sees: bool,
    tries: int,
    seconds: float,
    warnings: Sequence[str],
) -> ExtendedPrompt:
    """Raises ExtensionError for an answer that is of no use."""
    text = take_prompt(answer, settings.target_lang)
    shown = "with the picture" if sees else "without the picture"
    words = (
        f"extended by {model}, {shown}: {count_words(prompt)} → {count_words(text)} words "
        f"({settings.target_lang}) in {seconds:.1f} s"
    )
    facts = {
        "method": settings.method,
        "model": model,
        "target_lang": settings.target_lang,
        "picture": sees,
        "seed": settings.seed,
        "tries": tries,
        "seconds": round(seconds, 3),
        "input_tokens": answer.input_tokens,
        "output_tokens": answer.output_tokens,
    }
    return ExtendedPrompt(text, Report(facts, words, (*warnings, *_compare_quotations(prompt, text))))


def _compare_quotations(prompt: str, text: str) -> list[str]:
    """What is in quotation marks is spoken or written, and must neither change nor appear."""
    asked, written = _quotations(prompt), _quotations(text)
    folded = " ".join(text.split())
    lost = [quotation for quotation in asked if quotation not in folded]
    new = [quotation for quotation in written if quotation not in " ".join(prompt.split())]
    return [f"the extended prompt no longer has the quoted '{quotation}'" for quotation in lost] + [
        f"the extended prompt quotes '{quotation}', which the prompt does not have" for quotation in new
    ]


def _quotations(text: str) -> list[str]:
    return [" ".join(next(filter(None, groups)).split()) for groups in _QUOTATION.findall(text)]
