import pytest

from s2v_runner.inputs.speech.cosyvoice.sentences import split_text

# A third of a piece and more, so that three of them never share one.
FILLER = (
    "which goes on for quite a while, and then for a while more, over hills and through valleys and along the river"
)
LONG_CHINESE = "收到好友从远方寄来的生日礼物那份意外的惊喜与深深的祝福让我心中充满了甜蜜的快乐笑容如花儿般绽放"


def length(text: str) -> float:
    return sum(1 if ord(character) > 0x2E80 else 1 / 3 for character in text if not character.isspace())


def squeezed(text: str) -> str:
    return "".join(text.split())


@pytest.mark.parametrize("text", ["Hello.", "你好。", "¿Qué tal?", "no mark at all."])
def test_a_short_text_is_one_piece(text: str):
    assert split_text(text) == (text,)


def test_sentences_are_kept_whole_where_two_do_not_fit():
    sentences = [f"This is one sentence, {FILLER}, {FILLER}.", f"Is this another, {FILLER}, {FILLER}?"]
    assert split_text(" ".join(sentences)) == tuple(sentences)


@pytest.mark.parametrize("mark", ["。", "！", "？", "……", "?!", "!"])
def test_chinese_sentences_need_no_space_between(mark: str):
    assert split_text(f"{LONG_CHINESE}{mark}{LONG_CHINESE}。") == (f"{LONG_CHINESE}{mark}", f"{LONG_CHINESE}。")


@pytest.mark.parametrize(
    "quoted", ["他说：“{}。”", "「{}。」", "（{}。）", "《{}》。"], ids=["quotes", "corners", "brackets", "title"]
)
def test_closing_quotes_and_brackets_stay_with_their_sentence(quoted: str):
    first = quoted.format(LONG_CHINESE)
    assert split_text(f"{first}{LONG_CHINESE}。") == (first, f"{LONG_CHINESE}。")


@pytest.mark.parametrize(
    "inside",
    [
        "Dr. Smith and Mrs. Jones",
        "J. R. R. Tolkien",
        "at 5 p.m. Monday",
        "for 3.50 dollars",
        "No. 5",
        "e.g. Rome",
        "am 3. Oktober",
        "well... perhaps",
        "“Really?” she asked, and he",
        "www.example.org",
        "z. B. Berlin",
        "in the U.S. Senate",
    ],
)
def test_a_mark_inside_a_sentence_does_not_end_it(inside: str):
    # If the second sentence ended there, its beginning would go to the first, which is shorter.
    first = f"{FILLER.capitalize()}."
    second = f"Then we saw {inside} {FILLER}, {FILLER}."
    assert split_text(f"{first} {second}") == (first, second)


@pytest.mark.parametrize(("opened", "closed"), ["“”", "()", "«»", '""'])
def test_sentences_in_a_quote_or_a_bracket_stay_together(opened: str, closed: str):
    first = f"{FILLER.capitalize()}."
    second = f"Then we saw {opened}It is so. {FILLER.capitalize()}, {FILLER}.{closed}"
    assert split_text(f"{first} {second}") == (first, second)


def test_a_sentence_that_is_too_long_is_divided_at_commas():
    pieces = split_text(", ".join([FILLER] * 6) + ".")
    assert len(pieces) > 1
    assert all(piece.endswith((",", ".")) for piece in pieces)


def test_a_sentence_without_commas_is_divided_at_spaces():
    words = "word " * 200
    pieces = split_text(words)
    assert len(pieces) > 1
    assert {word.strip(".") for piece in pieces for word in piece.split()} == {"word"}


def test_a_word_that_is_too_long_is_divided_somewhere():
    assert all(length(piece) <= 81 for piece in split_text("声" * 500))
    assert "".join(split_text("声" * 500)) == "声" * 500 + "。"


def test_a_long_quotation_is_divided_at_its_own_sentences():
    sentence = f"{FILLER.capitalize()}."
    pieces = split_text(f"He said: “{' '.join([sentence] * 8)}” Then he left.")
    assert len(pieces) > 2
    assert all(piece.endswith(("river.", "left.")) for piece in pieces)


@pytest.mark.parametrize("opened", ["（", "“", '"', "("])
def test_a_quote_that_is_never_closed_does_not_keep_the_rest_together(opened: str):
    text = f"{opened}" + f"{LONG_CHINESE}。" * 6
    assert all(length(piece) <= 81 for piece in split_text(text))


@pytest.mark.parametrize(
    "text",
    [
        "Yes. No. Maybe. I do not know. Ask me tomorrow. " * 30,
        f"{LONG_CHINESE}，{LONG_CHINESE}！好。" * 5,
        "안녕하세요. 저는 로봇입니다! 반갑습니다? " * 25,
        "Mixed 中文 and English。再来 some more, please! " * 20,
        "( “ [ 「 unclosed everywhere. " * 30,
    ],
    ids=["short", "chinese", "korean", "mixed", "unclosed"],
)
def test_pieces_are_neither_long_nor_short_and_nothing_is_lost(text: str):
    pieces = split_text(text)
    assert squeezed("".join(pieces)) == squeezed(text)
    assert all(20 <= length(piece) <= 81 for piece in pieces)


def test_what_has_no_words_is_no_piece():
    assert split_text(" … ") == ()
    assert split_text("声" * 78 + "。\n\n" + "*" * 240) == ("声" * 78 + "。",)


def test_lines_are_joined_and_paragraphs_end_their_sentence():
    assert split_text("A title\n\nwith a text that\nwas wrapped.") == ("A title. with a text that was wrapped.",)
    assert split_text("标题\n\n一行\n两行。") == ("标题。 一行两行。",)
    assert split_text("한 줄\n두 줄") == ("한 줄 두 줄.",)


def test_an_accent_stays_with_its_letter():
    assert not any(piece.startswith("\u0301") for piece in split_text("e\u0301" * 400))
