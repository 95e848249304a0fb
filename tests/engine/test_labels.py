"""Exactly the answers carry loss, whatever the template, the tokenizer and the text."""

import inspect
import re
from collections.abc import Callable
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from tokenizers import Tokenizer, decoders, normalizers, pre_tokenizers, processors, trainers
from tokenizers.models import BPE
from transformers import PreTrainedTokenizerFast

from studio.core.chat import to_example
from studio.core.config import DataSpec
from studio.core.errors import StudioError
from studio.engine.labels import Encoded, Encoder, make_encoder

CHATML = """{% for m in messages %}{{ '<|im_start|>' + m.role + '\n' + m.content + '<|im_end|>\n' }}{% endfor %}
{%- if add_generation_prompt %}{{ '<|im_start|>assistant\n' }}{% endif %}"""
HEADERS = """{{ bos_token }}{% for m in messages %}
{{- '<|head|>' + m.role + '<|/head|>\n\n' + m.content | trim + '<|eot|>' }}
{%- endfor %}{% if add_generation_prompt %}{{ '<|head|>assistant<|/head|>\n\n' }}{% endif %}"""
INST = """{{ bos_token }}{% for m in messages %}
{%- if m.role == 'user' %}{{ '[INST] ' + m.content + ' [/INST]' }}
{%- elif m.role == 'assistant' %}{{ ' ' + m.content + eos_token }}
{%- else %}{{ raise_exception('Only user and assistant speak here') }}{% endif %}{% endfor %}"""
TURNS = """{{ bos_token }}{% for m in messages %}{{ '<turn>' + ('model' if m.role == 'assistant' else m.role) }}
{{- '\n' + m.content | trim + '<end_of_turn>\n' }}{% endfor %}
{%- if add_generation_prompt %}{{ '<turn>model\n' }}{% endif %}"""
PIPES = """{% for m in messages %}{{ '<|' + m.role + '|>\n' + m.content + '<|end|>\n' }}{% endfor %}
{%- if add_generation_prompt %}{{ '<|assistant|>\n' }}{% else %}{{ eos_token }}{% endif %}"""
# Shows the thoughts of the last answer only.
THINKING = """{% for m in messages %}{% set c = m.content %}
{%- if m.role == 'assistant' and '</think>' in c and not loop.last %}
{%- set c = c.split('</think>')[-1].lstrip('\n') %}{% endif %}
{{- '<|im_start|>' + m.role + '\n' }}
{%- if m.role == 'assistant' and loop.last and '</think>' not in c %}{{ '<think>\n\n</think>\n\n' }}{% endif %}
{{- c + '<|im_end|>\n' }}{% endfor %}
{%- if add_generation_prompt %}{{ '<|im_start|>assistant\n' }}{% endif %}"""
MARKED = """{% for m in messages %}{{ '<|im_start|>' + m.role + '\n' }}
{%- if m.role == 'assistant' %}{% generation %}{{ m.content + '<|im_end|>' }}{% endgeneration %}{{ '\n' }}
{%- else %}{{ m.content + '<|im_end|>\n' }}{% endif %}{% endfor %}
{%- if add_generation_prompt %}{{ '<|im_start|>assistant\n' }}{% endif %}"""
MARKED_OPEN = MARKED.replace(
    "{{ m.content + '<|im_end|>' }}{% endgeneration %}{{ '\n' }}",
    "{{ m.content }}{% endgeneration %}{{ '<|im_end|>\n' }}",
)
NAMES = """{% for m in messages %}{{ m.role | upper + ': ' + m.content + '~' }}{% endfor %}
{%- if add_generation_prompt %}{{ 'ASSISTANT:' }}{% endif %}"""
LAST_ONLY = """{% for m in messages %}{{ '<' + m.role + '>' + m.content }}{% endfor %}
{%- if add_generation_prompt %}{{ '<assistant>' }}{% else %}{{ eos_token }}{% endif %}"""
NO_PROMPT = "{% for m in messages %}{{ '<|im_start|>' + m.role + '\n' + m.content + '<|im_end|>\n' }}{% endfor %}"

# What is learned of an answer, given whether it is the last.
Learned = Callable[[str, bool], str]
FAMILIES: dict[str, tuple[str, Learned]] = {
    "chatml": (CHATML, lambda answer, last: f"{answer}<|im_end|>"),
    "headers": (HEADERS, lambda answer, last: f"{answer.strip()}<|eot|>"),
    "inst": (INST, lambda answer, last: f" {answer}</s>"),
    "turns": (TURNS, lambda answer, last: f"{answer.strip()}<end_of_turn>"),
    "pipes": (PIPES, lambda answer, last: f"{answer}<|end|>"),
    "marked": (MARKED, lambda answer, last: f"{answer}<|im_end|>"),
    "marked_open": (MARKED_OPEN, lambda answer, last: f"{answer}<|im_end|>"),
    "names": (NAMES, lambda answer, last: f" {answer}" + "~</s>" * last),
    "last_only": (LAST_ONLY, lambda answer, last: answer + "</s>" * last),
    "no_prompt": (NO_PROMPT, lambda answer, last: f"<|im_start|>assistant\n{answer}<|im_end|>"),
}
SPECIALS = ["<s>", "</s>", "<|im_start|>", "<|im_end|>", "<|head|>", "<|/head|>", "<|eot|>", "<turn>", "<end_of_turn>"]
SPECIALS += ["<|end|>", "<|user|>", "<|assistant|>", "<|system|>"]
WORDS = [
    "the answer is yes, the question is no",
    "assistant: the\n\nanswer\n\n\n is",
    "Question:  a   b\n\nResponse:\n a b c",
]


@cache
def byte_level(trims_offsets: bool = False) -> PreTrainedTokenizerFast:
    """A tokenizer like GPT-2's and Llama 3's, whose merges run across newlines and spaces."""
    bpe = Tokenizer(BPE())
    bpe.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=trims_offsets)
    bpe.decoder = decoders.ByteLevel()
    alphabet = sorted(pre_tokenizers.ByteLevel.alphabet())
    bpe.train_from_iterator(
        WORDS * 5,
        trainers.BpeTrainer(vocab_size=420, special_tokens=SPECIALS, initial_alphabet=alphabet, show_progress=False),
    )
    if trims_offsets:
        bpe.post_processor = processors.ByteLevel(trim_offsets=True)
    return PreTrainedTokenizerFast(tokenizer_object=bpe, bos_token="<s>", eos_token="</s>", pad_token="</s>")


@cache
def sentence_piece() -> PreTrainedTokenizerFast:
    """A tokenizer like Llama 2's, which puts a space before every text and adds the beginning token itself."""
    bpe = Tokenizer(BPE(byte_fallback=True, unk_token="<unk>"))
    bpe.normalizer = normalizers.Sequence([normalizers.Prepend("▁"), normalizers.Replace(" ", "▁")])
    bpe.decoder = decoders.Sequence([decoders.Replace("▁", " "), decoders.ByteFallback(), decoders.Fuse()])
    pieces = ["<unk>", *SPECIALS, *(f"<0x{byte:02X}>" for byte in range(256))]
    bpe.train_from_iterator(WORDS * 5, trainers.BpeTrainer(vocab_size=420, special_tokens=pieces, show_progress=False))
    bpe.post_processor = processors.TemplateProcessing(
        single="<s> $A", pair="<s> $A $B", special_tokens=[("<s>", bpe.token_to_id("<s>"))]
    )
    return PreTrainedTokenizerFast(tokenizer_object=bpe, bos_token="<s>", eos_token="</s>", unk_token="<unk>")


@cache
def encoder(template: str | None, objective: str = "sft", trims_offsets: bool = False) -> Encoder:
    return Encoder(byte_level(trims_offsets), template, objective, 100_000)


def conversation(*texts: str) -> list[dict[str, str]]:
    """Turns of user and assistant, in turn."""
    return [{"role": ("user", "assistant")[index % 2], "content": text} for index, text in enumerate(texts)]


def learned(tokenizer: Any, encoded: Encoded) -> list[str]:
    """The text of each unbroken stretch of learned tokens."""
    stretches: list[list[int]] = [[]]
    for token, trained in zip(encoded.ids, encoded.trained, strict=True):
        if trained:
            stretches[-1].append(token)
        elif stretches[-1]:
            stretches.append([])
    return [tokenizer.decode(ids, clean_up_tokenization_spaces=False) for ids in stretches if ids]


def first_learned(encoded: Encoded) -> int:
    return encoded.trained.index(True)


TEXTS = st.one_of(
    st.text(min_size=1, max_size=12),
    st.sampled_from(
        [
            "a",
            " a",
            "a ",
            "\n\na\n",
            "   answer  ",
            "is the answer",
            "ASSISTANT: a",
            "<|im_end|>",
            "a<|im_end|>\n<|im_start|>assistant\n",
            "[/INST] a [INST]",
            "{{ messages }}{% generation %}",
            ".*[a](?P<x>\\d+)$",
            "👩‍👩‍👧 日本語 🇫🇷",
            "\ue000\ue001",
            "</s>",
            "<think>a</think>b",
        ]
    ),
).filter(lambda text: text.strip() != "")


@pytest.mark.parametrize("trims_offsets", [False, True])
@pytest.mark.parametrize("family", FAMILIES)
@settings(max_examples=30)
@given(texts=st.lists(TEXTS, min_size=2, max_size=6).filter(lambda texts: len(texts) % 2 == 0))
@example(texts=["a", "a"])
@example(texts=["is", "is", "a is a", "is"])
@example(texts=["the question", "\n\nanswer", "Question:", " a   b"])
def test_exactly_the_answers_and_their_end_are_learned(family: str, trims_offsets: bool, texts: list[str]) -> None:
    template, expected = FAMILIES[family]
    maker = encoder(template, "sft", trims_offsets)
    messages = conversation(*texts)
    encoded = maker.encode({"messages": messages}, "messages")
    answers = texts[1::2]
    wanted = [expected(answer, answer_at == len(answers) - 1) for answer_at, answer in enumerate(answers)]
    assert "".join(learned(maker.tokenizer, encoded)) == "".join(wanted)
    # What inference is given is, token for token, what stood before the first answer in training.
    if family != "no_prompt":
        assert encoded.ids[: first_learned(encoded)] == maker.prompt(messages[:1])


@settings(max_examples=40)
@given(prompt=st.text(max_size=10), completion=TEXTS)
@example(prompt="Question: ", completion=" a")
@example(prompt="Response:\n", completion="\n a")
@example(prompt="", completion="yes")
def test_plain_prompt_and_completion(prompt: str, completion: str) -> None:
    for trims_offsets in (False, True):
        maker = encoder(None, "sft", trims_offsets)
        encoded = maker.encode({"prompt": prompt, "completion": completion}, "prompt_completion")
        assert encoded.text == prompt + completion
        before = maker.prompt([{"role": "user", "content": prompt}])
        assert encoded.ids[: len(before)] == before
        if prompt:
            ids = [token for token, trained in zip(encoded.ids, encoded.trained, strict=True) if trained]
            assert maker.tokenizer.decode(ids).removesuffix("</s>") == completion.removesuffix("</s>")
            assert ids[-1] == maker.tokenizer.eos_token_id


def test_a_later_answer_hides_earlier_thoughts() -> None:
    maker = encoder(THINKING)
    messages = conversation("a", "<think>\nhidden\n</think>\n\none", "b", "two")
    encoded = maker.encode({"messages": messages}, "messages")
    assert "hidden" not in encoded.text
    assert learned(maker.tokenizer, encoded) == ["one<|im_end|>", "<think>\n\n</think>\n\ntwo<|im_end|>"]
    thoughts = maker.encode({"messages": messages[:2]}, "messages")
    assert learned(maker.tokenizer, thoughts) == ["<think>\nhidden\n</think>\n\none<|im_end|>"]


def test_where_nothing_closes_an_answer_the_end_token_does() -> None:
    lines = "{% for m in messages %}{{ m.content + '\n\n' }}{% endfor %}"
    maker = encoder(lines)
    encoded = maker.encode({"messages": conversation("the question", "the answer", "a", "b")}, "messages")
    assert encoded.text == "the question\n\nthe answer\n\na\n\nb"
    assert learned(maker.tokenizer, encoded) == ["the answer", "b</s>"]


def test_the_completion_of_messages_and_weights_choose_what_is_learned() -> None:
    maker = encoder(CHATML)
    first, second = conversation("a", "one"), conversation("b", "two")
    encoded = maker.encode({"prompt": [*first, second[0]], "completion": second[1:]}, "prompt_completion")
    assert learned(maker.tokenizer, encoded) == ["two<|im_end|>"]
    weighted = [first[0], first[1] | {"weight": 0}, *second]
    assert maker.encode({"messages": weighted}, "messages") == encoded


def test_alpaca_becomes_a_conversation_or_a_plain_layout() -> None:
    row = {"instruction": "do", "input": "this", "output": "done", "system": "be kind"}
    chat = encoder(CHATML).encode(row, "alpaca")
    assert chat.text.startswith("<|im_start|>system\nbe kind<|im_end|>\n<|im_start|>user\ndo\n\nthis<|im_end|>")
    plain = encoder(None).encode(row, "alpaca")
    assert plain.text == "be kind\n\nInstruction:\ndo\n\nInput:\nthis\n\nResponse:\ndone"
    assert learned(byte_level(), plain) == ["done</s>"]


def test_pretraining_learns_every_token_but_the_first() -> None:
    for template, row, row_format in (
        (CHATML, {"messages": conversation("a", "b")}, "messages"),
        (None, {"text": "the answer"}, "text"),
        (CHATML, {"text": "the answer"}, "text"),
    ):
        encoded = encoder(template, "pretraining").encode(row, row_format)
        assert encoded.trained == [False] + [True] * (len(encoded.ids) - 1)
    assert encoded.text == "the answer"
    assert encoded.ids[-1] == byte_level().eos_token_id


def test_text_is_learned_whole_and_ends_once() -> None:
    eos = byte_level().eos_token_id
    for text in ("the answer", "the answer</s>"):
        encoded = encoder(None).encode({"text": text}, "text")
        assert encoded.ids.count(eos) == 1
        assert encoded.trained[1:] == [True] * (len(encoded.ids) - 1)
        assert encoded.special[-1]


def test_a_beginning_token_appears_once() -> None:
    tokenizer = sentence_piece()
    bos = tokenizer.bos_token_id
    plain = Encoder(tokenizer, None, "sft", 100)
    encoded = plain.encode({"prompt": "the question", "completion": " the answer"}, "prompt_completion")
    assert encoded.ids[0] == bos
    assert encoded.ids.count(bos) == 1
    assert encoded.ids[: first_learned(encoded)] == plain.prompt([{"role": "user", "content": "the question"}])
    chat = Encoder(tokenizer, INST, "sft", 100).encode({"messages": conversation("a", "the answer")}, "messages")
    assert chat.ids.count(bos) == 1
    assert learned(tokenizer, chat) == [" the answer</s>"]


def test_a_token_that_cannot_be_parted_is_learned() -> None:
    maker = Encoder(sentence_piece(), None, "sft", 100)
    encoded = maker.encode({"prompt": "the answ", "completion": "er is yes"}, "prompt_completion")
    left, right = encoded.offsets[first_learned(encoded)]
    assert left < len("the answ") < right
    assert encoded.ids == [*sentence_piece()("the answer is yes").input_ids, sentence_piece().eos_token_id]


def test_a_special_token_that_swallows_spaces_is_not_learned() -> None:
    from transformers import AddedToken

    tokenizer = byte_level().__class__(tokenizer_object=Tokenizer.from_str(byte_level().backend_tokenizer.to_str()))
    tokenizer.add_special_tokens({"eos_token": AddedToken("<|reply|>", rstrip=True, special=True)})
    template = "{% for m in messages %}{{ m.content if m.role == 'user' else '<|reply|>' + m.content }}{% endfor %}"
    template += "{% if add_generation_prompt %}{{ '<|reply|>' }}{% endif %}"
    encoded = Encoder(tokenizer, template, "sft", 100).encode({"messages": conversation("a", "  b")}, "messages")
    assert learned(tokenizer, encoded) == ["  b<|reply|>"]


def test_the_cut_is_at_the_end() -> None:
    row = {"messages": conversation("the question is no", "the answer is yes")}
    whole = encoder(CHATML).encode(row, "messages")
    cut = Encoder(byte_level(), CHATML, "sft", 9).encode(row, "messages")
    assert cut.kept == 9 < len(cut.ids)
    assert whole.kept == len(whole.ids)
    assert (cut.ids, cut.trained) == (whole.ids, whole.trained)


def test_a_row_the_template_refuses_is_told_with_its_words() -> None:
    row = {"messages": [{"role": "system", "content": "be kind"}, *conversation("a", "b")]}
    with pytest.raises(StudioError, match="Only user and assistant speak here"):
        encoder(INST).encode(row, "messages")
    with pytest.raises(StudioError, match="Only user and assistant speak here"):
        encoder(INST).prompt(row["messages"][:2])
    leaves_out = "{% for m in messages if m.role == 'user' %}{{ m.content }}{% endfor %}"
    with pytest.raises(StudioError, match="leaves out an answer"):
        encoder(leaves_out).encode({"messages": conversation("a", "b")}, "messages")
    with pytest.raises(StudioError, match="no chat template"):
        encoder(None).encode({"messages": conversation("a", "b")}, "messages")


@pytest.mark.parametrize(
    ("template", "reason"),
    [
        ("{% for m in messages %}{{ m.content + 1 }}{% endfor %}", "can only concatenate"),
        ("{{ messages[0].nothing.more }}", "no attribute"),
        ("{{ 1 / 0 }}", "division by zero"),
        ("{{ messages.__class__.__mro__ }}", "unsafe"),
    ],
)
def test_a_template_that_fails_refuses_the_row(template: str, reason: str) -> None:
    with pytest.raises(StudioError, match=reason) as caught:
        encoder(template).encode({"messages": conversation("a", "b")}, "messages")
    assert caught.value.reason == "data"


def test_one_bad_row_does_not_hold_up_the_others() -> None:
    rows = [
        {"messages": conversation("a", "b")},
        {"messages": [{"role": "parrot"}]},
        {"messages": conversation("c", "d")},
    ]
    good, bad, other = encoder(CHATML).encode_all(rows, "messages")
    assert bad == "message 1: role 'parrot' is not one of system, user, assistant, tool"
    assert isinstance(good, Encoded)
    assert isinstance(other, Encoded)
    assert other == encoder(CHATML).encode(rows[2], "messages")


def test_what_ends_an_answer() -> None:
    tokenizer = byte_level()
    for template, tokens in ((CHATML, ["</s>", "<|im_end|>"]), (INST, ["</s>"]), (NAMES, ["</s>"]), (None, ["</s>"])):
        assert encoder(template).stop_ids == [tokenizer.convert_tokens_to_ids(token) for token in tokens]


def test_the_encoder_takes_the_template_that_is_named(tmp_path: Path) -> None:
    tokenizer = Tokenizer.from_str(byte_level().backend_tokenizer.to_str())
    own = PreTrainedTokenizerFast(tokenizer_object=tokenizer, eos_token="</s>", chat_template=CHATML)
    file = tmp_path / "chat ü.jinja"
    file.write_text(TURNS, encoding="utf-8")
    for choice, template in (("auto", CHATML), ("none", None), (str(file), TURNS)):
        assert make_encoder(own, DataSpec(path="x", chat_template=choice), "sft").template == template
    own.chat_template = None
    assert make_encoder(own, DataSpec(path="x"), "sft").template is None


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (None, "cannot be read"),
        (b"\xff\xfe\xff", "not UTF-8"),
        (b"ok\n{% for m in messages %}", r"not valid in line 2: Unexpected end of template\b[^\n]*$"),
        (b"{{ a }", r"not valid in line 1: unexpected '}'\. Set"),
        (b"a" * 1_000_001, "larger than 1 MB"),
    ],
)
def test_a_template_file_that_cannot_be_used(tmp_path: Path, content: bytes | None, message: str) -> None:
    file = tmp_path / "chat.jinja"
    if content is not None:
        file.write_bytes(content)
    with pytest.raises(StudioError, match=message) as caught:
        make_encoder(byte_level(), DataSpec(path="x", chat_template=str(file)), "sft")
    assert caught.value.reason == "config"


@pytest.mark.parametrize("extra", [{}, {"system": "Be brief."}, {"history": [["one", "two"]]}])
def test_a_model_that_learned_alpacas_layout_is_asked_in_it(extra: dict[str, Any]) -> None:
    plain = encoder(None)
    row = {"instruction": "Translate.", "output": "done"} | extra
    learnt = plain.encode(row, "alpaca")
    template = plain.prompting("alpaca")
    assert template is not None
    asked = replace(plain, template=template).prompt(to_example(row, "alpaca").messages[:-1])
    assert asked == learnt.ids[: first_learned(learnt)]
    assert plain.prompting("prompt_completion") is None
    assert encoder(CHATML).prompting("alpaca") == CHATML


def test_a_tokenizer_that_cannot_be_used() -> None:
    plain = Tokenizer.from_str(byte_level().backend_tokenizer.to_str())
    with pytest.raises(StudioError, match="names no end token"):
        make_encoder(PreTrainedTokenizerFast(tokenizer_object=plain), DataSpec(path="x"), "sft")
    broken = PreTrainedTokenizerFast(tokenizer_object=plain, eos_token="</s>", chat_template="{% if %}")
    with pytest.raises(StudioError, match="chat template cannot be used"):
        make_encoder(broken, DataSpec(path="x"), "sft")
    with pytest.raises(StudioError, match="cannot tell which token"):
        make_encoder(object(), DataSpec(path="x"), "sft")


def with_tokens_of(template: str) -> PreTrainedTokenizerFast:
    """A byte-level tokenizer that knows the special tokens a template writes."""
    own = Tokenizer.from_str(byte_level().backend_tokenizer.to_str())
    tokenizer = PreTrainedTokenizerFast(tokenizer_object=own, bos_token="<s>", eos_token="</s>")
    written = re.findall(r"<[|\uff5c][^ <>]+[|\uff5c]>|<\w+_of_turn>", template)
    tokenizer.add_tokens(sorted(set(written)), special_tokens=True)
    return tokenizer


def trl_templates() -> Path:
    trl_file = inspect.getsourcefile(pytest.importorskip("trl"))
    assert trl_file
    return Path(trl_file).parent / "chat_templates"


@pytest.mark.parametrize("family", ["qwen2_5", "qwen3", "llama3", "gemma", "phi3", "deepseekv3", "cohere"])
def test_the_mask_is_that_of_trl(family: str) -> None:
    """With TRL's own training template, as its `assistant_only_loss` uses it, the mask is the same token for token."""
    template = (trl_templates() / f"{family}_training.jinja").read_text(encoding="utf-8")
    tokenizer = with_tokens_of(template)
    messages = conversation("the question", "the answer is yes", "b\n\n", "no ü")
    theirs = tokenizer.apply_chat_template(
        messages, chat_template=template, return_dict=True, return_assistant_tokens_mask=True
    )
    ours = Encoder(tokenizer, template, "sft", 1000).encode({"messages": messages}, "messages")
    assert ours.ids == theirs["input_ids"]
    assert [int(trained) for trained in ours.trained] == theirs["assistant_masks"]


@pytest.mark.parametrize(
    "family", ["qwen2_5", "qwen3", "llama3_2", "gemma3", "phi3_5", "deepseekv3", "gptoss", "cohere2"]
)
def test_templates_of_real_families_without_markers(family: str) -> None:
    template = (trl_templates() / f"{family}.jinja").read_text(encoding="utf-8")
    tokenizer = with_tokens_of(template)
    maker = Encoder(tokenizer, template, "sft", 1000)
    messages = conversation("the question", "the answer is yes", "b", "no ü")
    encoded = maker.encode({"messages": messages}, "messages")
    first, last = learned(tokenizer, encoded)
    assert "the answer is yes" in first
    assert "question" not in first + last
    assert re.search(r"no ü<[^<]+>$", last)
    if family != "deepseekv3":  # whose prompt opens thoughts that a conversation does not show
        assert encoded.ids[: first_learned(encoded)] == maker.prompt(messages[:1])
