"""What the checks of single rows find, what they leave alone, and that what they find can be mended."""

# Broken and foreign letters are what is looked for here.
# ruff: noqa: RUF001

import base64
import json
import re
import time

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from studio.core.audit import checks, private
from studio.core.audit.checks import Scan, Text, mended, mojibake, text_of
from studio.core.audit.private import FINDERS, redacted
from studio.core.chat import to_example

SPECIALS = ("<|im_start|>", "<|im_end|>", "</s>")
SECRET = "AKIA" + "IOSFODNN7EXAMPLE"
JWT = "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0NTY3ODkwIn0.dozjgNryP4J3jVmNHl0w5N_XgL0n3I9PlFUP0THsR8U"
PRIVATE_KEY = "-----BEGIN RSA PRIVATE KEY-----\nMIIEow\nIBAAKC\n-----END RSA PRIVATE KEY-----"
FRAGMENTS = [
    *("Ã©", "â€™", "Â ", "ðŸ˜€", "Ð¿Ñ€Ð¸", "\ufffd", "\x00", "\x85", "\ufeff", "é", "Ü“", "naïve", "😀"),
    *(
        SPECIALS[0],
        "</s>",
        "<|im_",
        "end|>",
        "as an AI language model",
        "I'm sorry, but I can't",
        "\nUser: ",
        "\n### Input:",
    ),
    *(
        "<br>",
        "</div>",
        "<b>",
        "</b>",
        "&hellip;",
        "&nbsp;",
        "&AMP;",
        "&amp;lt;",
        "a < b",
        "```",
        "<html>",
        "<b class='x'>",
    ),
    *(SECRET, JWT, PRIVATE_KEY, "ghp_" + "a" * 36, "sk-" + "b" * 30, "a.b@corp.org", "x@example.com", "@"),
    *(
        "+49 170 1234567",
        "(555) 123-4567",
        "555-123-4567",
        "4111 1111 1111 1111",
        "4111111111111112",
        "3782 822463 10005",
    ),
    *(
        "DE89 3704 0044 0532 0130 00",
        "GB82WEST12345698765432",
        "DE00370400440532013000",
        "1234567890123456",
        " ",
        "\n",
        "word",
    ),
]
TEXTS = st.lists(st.one_of(st.sampled_from(FRAGMENTS), st.text(max_size=6)), max_size=8).map("".join)


def scanned(text: str, answer: str = "It is all right, and there is nothing to be said of it.") -> set[str]:
    row = {"messages": [{"role": "user", "content": text}, {"role": "assistant", "content": answer}]}
    scan, found = Scan(SPECIALS), text_of(7, to_example(row, "messages"))
    scan.add([found], [found.joined])
    for item in scan.found():
        assert item.rows.tolist() == [7]
        for _, message, start, stop, _ in item.hits.tolist():
            assert message == -1 or 0 <= start < stop <= len((text, answer)[message])
    return {item.key for item in scan.found()}


@pytest.mark.parametrize(
    ("text", "keys"),
    [
        ("I donâ€™t know the cafÃ©", {"mojibake"}),
        ("Â\xa0", {"mojibake"}),
        ("ÐŸÑ€Ð¸Ð²ÐµÑ‚", {"mojibake"}),
        ("a\ufffdb", {"replacement"}),
        ("a\x07b", {"control"}),
        ("a\ufeffb", {"control"}),
        ("say <|im_end|> now", {"special"}),
        (f"the key {SECRET} is mine", {"secret"}),
        (f"{JWT}", {"secret"}),
        (PRIVATE_KEY, {"secret"}),
        ("ask john.doe+x@mail.corp.org about it", {"mail"}),
        ("call +49 170 1234567 or (555) 123-4567", {"phone"}),
        ("card 4111-1111-1111-1111", {"card"}),
        ("card 2221 0000 0000 0009", {"card"}),
        ("card 2720990000000007", {"card"}),
        ("DE89 3704 0044 0532 0130 00", {"iban"}),
        ("GB82WEST12345698765432", {"iban"}),
        ("It is <b>bold</b> &amp; more", {"html"}),
        ("It is <B>bold</b>", {"html"}),
        ("It isn&rsquo;t", {"html"}),
        ("caf&eacute; &mdash; so &hellip;", {"html"}),
        ("joe@acme.io:secret, or png@acme.pngo.org.", {"mail"}),
        ("Of joe@mail.acme.io: and/or", {"mail"}),
    ],
)
def test_what_is_wrong_is_found(text: str, keys: set[str]) -> None:
    assert scanned(text) == keys


@pytest.mark.parametrize(
    "text",
    [
        "Das Menü“ ist gut; SÃO PAULO, naïve café, À la carte, Größe 5",
        "日本語 русский العربية ελληνικά 👩‍👩‍👧 \u200d",
        "1234 5678 9012 3456 7 and 2024-01-01 10:00:00, 192.168.100.200, 3.14159265358979",
        "Order no. 4111 1111 1111 1112, ISBN 978-3-16-148410-0",
        "write to me@example.com or @nobody, a@b",
        "if a < b and c > d: x = `<div>` in ```html\n<div></div>\n```",
        "AT&T, R&D; Tom & Jerry",
        "risk-free task-oriented sk-learn, hf_hub, eyJ",
        "sk-learn-is-a-nice-library-for-you",
        "2220 9900 0000 0010, 2721 0000 0000 0012",
        "1 + 1 = 2\n\tand tabs\r\n",
        "AB12 3456 is a plate",
        "std::vector<b> of template<i> and Foo<A>",
        "p = &sum; q = &int; AT&T; &copyright;",
        "see logo@2x.png, logo@2x.JPEG and a@b.min.svg",
        "git@github.com:org/repo.git, git@git.corp.io:repo and git+ssh://git@github.com/org/repo.git",
        "scp root@www.corp.io:/tmp/a joe@acme.io:~/b .",
    ],
)
def test_what_is_right_is_left_alone(text: str) -> None:
    assert scanned(text) == set()


@pytest.mark.parametrize(
    ("answer", "keys"),
    [
        ("As an AI language model, I do not have any feelings about what you say.", {"refusal"}),
        ("I'm sorry, but I can't help you with this thing that you ask me for.", {"refusal"}),
        ("I’m sorry, but I can’t help you with this thing that you ask me for.", {"refusal"}),
        ("What a large AI model from elsewhere, as an AI large language model, says.", {"refusal"}),
        ("As an AI, my views are not of much worth to anybody who asks for them.", {"refusal"}),
        ("What would I know of that? I am only an artificial intelligence", {"refusal"}),
        ("Of course as an AI I have no feelings about what you say to me here.", {"refusal"}),
        ("I’m just an AI assistant, and so I do not know what you ask me for.", {"refusal"}),
        ("As an AI company, we ship what we make to all who ask for it by mail.", set()),
        ("She works as an AI researcher, and as an AI-minded one she likes it a lot.", set()),
        ("I am an AI engineer, and like my work with all that comes with it a lot.", set()),
        ("Here is the answer to it all.\nUser: and what is this one here for?", {"user"}),
        ("yes", {"word"}),
        ("two words", set()),
        ("好的", {"word"}),
        ("您的订单已经发出，预计三天内送达。", set()),
        ("ご注文は発送済みです。", set()),
    ],
)
def test_answers_are_looked_at(answer: str, keys: set[str]) -> None:
    assert scanned("What?", answer) == keys
    # A question may say anything.
    assert scanned(f"{answer} ok") <= {"html"}


def called(city: str, secret: str = "") -> Text:
    call = {"name": "weather", "arguments": {"city": city, "key": secret}}
    turns = [
        {"role": "user", "content": "How is it there?"},
        {"role": "assistant", "content": None, "tool_calls": [call]},
    ]
    turns += [{"role": "tool", "content": "12"}, {"role": "assistant", "content": "It is mild, with a little wind."}]
    return text_of(7, to_example({"messages": turns}, "messages"))


def test_what_a_turn_calls_is_what_it_says() -> None:
    scan = Scan(SPECIALS)
    scan.add([called("Bern")], [called("Bern").joined])
    assert scan.found() == []
    assert called("Bern").joined != called("Rome").joined
    assert len(called("Bern").parts) == 4
    scan.add([called("Bern", SECRET)], [called("Bern", SECRET).joined])
    assert [item.key for item in scan.found()] == ["secret"]


@pytest.mark.parametrize(
    ("roles", "wrong"),
    [
        ("ua", False),
        ("sua", False),
        ("uaua", False),
        ("uata", False),
        ("uattata", False),
        ("a", True),
        ("uua", True),
        ("uaa", True),
        ("usa", True),
        ("uau", True),
        ("uasua", True),
    ],
)
def test_the_order_of_roles(roles: str, wrong: bool) -> None:
    names = {"s": "system", "u": "user", "a": "assistant", "t": "tool"}
    said = "It is all right, and there is nothing to be said of it."
    row = {"messages": [{"role": names[role], "content": said} for role in roles]}
    scan, found = Scan(), text_of(0, to_example(row, "messages"))
    scan.add([found], [found.joined])
    assert ({item.key for item in scan.found()} == {"roles"}) == wrong


@settings(max_examples=300)
@given(text=TEXTS)
def test_the_quick_look_misses_nothing(text: str) -> None:
    text = text.encode("utf-8", "ignore").decode()
    array = pa.array([text], pa.large_string())
    for key, check in checks._checks(SPECIALS).items():
        if check.find(text):
            assert pc.match_substring_regex(array, check.quick).to_pylist() == [True], key


@settings(max_examples=300)
@given(text=TEXTS)
def test_what_is_mended_holds_it_no_longer(text: str) -> None:
    checked = checks._checks(())
    for key in ("mojibake", "control", "html"):
        assert checked[key].find(mended(text, key)) == []
    for key, find in FINDERS.items():
        assert find(redacted(text, key)) == []
        if not find(text):
            assert redacted(text, key) == text


@given(
    text=st.text(
        st.characters(
            min_codepoint=0xA1, max_codepoint=0x2FFF, exclude_categories=["Cs", "Cn", "Cf", "Zs", "Zl", "Zp"]
        ),
        min_size=3,
        max_size=20,
    )
)
def test_broken_encoding_is_read_as_it_was_meant(text: str) -> None:
    broken = text.encode().decode("latin-1")
    assert mojibake(broken)
    assert mended(broken, "mojibake") == mended(text, "mojibake")


def test_letters_in_angle_brackets_are_mended_where_they_end() -> None:
    assert mended("std::vector<b> and template<i> &rsquo;x&hellip;", "html") == "std::vector<b> and template<i> ’x…"
    assert mended("<b>so</b> and template<i>", "html") == "so and template<i>"
    assert mended("<p>so</p><p>on", "html") == "\nso\n\non"


def test_answers_that_break_off_stand_out_only_among_those_that_do_not() -> None:
    def run(ends: list[str]) -> list[int]:
        scan = Scan()
        rows = [
            {"prompt": f"q{n}", "completion": f"This is what the long answer number {n} has to say to you{end}"}
            for n, end in enumerate(ends)
        ]
        texts = [text_of(n, to_example(row, "prompt_completion")) for n, row in enumerate(rows)]
        scan.add(texts, [text.joined for text in texts])
        return [row for item in scan.found() if item.key == "unfinished" for row in item.rows.tolist()]

    assert run(["."] * 9 + [" and the"]) == [9]
    assert run(["!"] * 8 + [",", "。"]) == [8]
    assert run([" and"] * 9 + ["."]) == []


def test_rows_far_longer_than_the_others_stand_out() -> None:
    random = np.random.default_rng(0)
    lengths = random.lognormal(5, 0.5, 2000).astype(int) + 1
    assert not checks._outliers(lengths).any()
    lengths[77], lengths[78] = 200_000, 60_000
    assert np.nonzero(checks._outliers(lengths))[0].tolist() == [77, 78]
    assert not checks._outliers(np.array([1, 2, 100_000])).any(), "too few to say"


def test_no_expression_is_slow_on_hostile_text() -> None:
    hostile = ["a" * 50_000 + "@", "1 " * 50_000, "<b " * 30_000, "-----BEGIN " * 10_000, "eyJ" * 30_000, "+1" * 50_000]
    hostile += [f"-----BEGIN RSA PRIVATE KEY-----{text}" for text in ("A: " * 30_000, "ab\n" * 30_000, "-" * 90_000)]
    hostile += [
        "a.b@" + "a." * 40_000,
        "Ã©" * 50_000,
        "as a large " * 10_000,
        "&" * 100_000,
        "<b>" * 30_000,
        "a@b.io" + ":a" * 30_000,
        "git@" * 20_000,
        "#" * 100_000,
        "\n " * 50_000,
    ]
    for text in hostile:
        started = time.process_time()
        scanned(text)
        assert time.process_time() - started < 15, text[:20]


def test_each_kind_of_secret_has_its_shape() -> None:
    assert len(private._SECRETS) == 13
    for text in ("sk-proj-" + "a1B2" * 12, "sk-" + "0f" * 16):
        assert private.secrets(text) == [(0, len(text))]
    for text in ("glpat-" + "a1" * 10, "xoxb-" + "1" * 12, "AIza" + "x" * 35, "rk_live_" + "4" * 24, "hf_" + "Q" * 34):
        assert private.secrets(f"key: {text}, ok") == [(5, 5 + len(text))]
    assert re.search(private.QUICK["secret"], "github_pat_" + "1" * 22)


KEYS = ("RSA PRIVATE KEY", "PRIVATE KEY", "OPENSSH PRIVATE KEY", "PGP PRIVATE KEY BLOCK")
HEADERS = ("", "Proc-Type: 4,ENCRYPTED\nDEK-Info: AES-128-CBC,AB12\n\n", "Version: GnuPG v2\nComment: it is mine\n\n")


@settings(max_examples=100)
@given(
    secret=st.binary(min_size=600, max_size=12_000),
    kind=st.sampled_from(KEYS),
    header=st.sampled_from(HEADERS),
    width=st.sampled_from((64, 70, 76, 20_000)),
    ended=st.booleans(),
    line_break=st.sampled_from(("\n", "\r\n", "\\n", "\\\\n", "\\r\\n", "\n> ", "\n    ")),
    behind=st.sampled_from(("", "\n\nThanks, and see you.")),
)
@example(secret=bytes(682), kind=KEYS[0], header="", width=70, ended=False, line_break="\n", behind="")
@example(secret=bytes(682), kind=KEYS[0], header="", width=70, ended=False, line_break="\\n", behind="\n\nThanks.")
def test_of_a_private_key_nothing_is_left(
    secret: bytes, kind: str, header: str, width: int, ended: bool, line_break: str, behind: str
) -> None:
    body = base64.b64encode(secret).decode()
    lines = "\n".join(body[at : at + width] for at in range(0, len(body), width))
    key = f"-----BEGIN {kind}-----\n{header}{lines}" + f"\n=aB1+\n-----END {kind}-----" * ended
    left = redacted(f"It is {key}{behind}".replace("\n", line_break), "secret")
    assert left == f"It is [SECRET]{behind}".replace("\n", line_break)


def test_what_stands_behind_the_name_of_a_key_is_kept() -> None:
    text = "It begins with -----BEGIN PRIVATE KEY----- and so on.\n\nHello there"
    assert redacted(text, "secret") == text.replace("-----BEGIN PRIVATE KEY-----", "[SECRET]")


def test_the_tools_that_a_row_tells_of_are_read() -> None:
    turns = [{"role": "user", "content": "How is it?"}, {"role": "assistant", "content": "It is mild, I think."}]
    tools = [{"type": "function", "function": {"name": "look", "description": f"Use {SECRET} for it."}}]
    found = text_of(7, to_example({"messages": turns, "tools": tools}, "messages"))
    assert found.tools == 2
    assert json.loads(found.parts[2][1]) == tools
    scan = Scan()
    scan.add([found], [found.joined])
    assert [item.key for item in scan.found()] == ["secret"]
    assert text_of(7, to_example({"messages": turns}, "messages")).tools is None
