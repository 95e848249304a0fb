"""A tokenizer as the fields of a GGUF file, or why llama.cpp would split texts otherwise."""

import json
import re
import unicodedata
from collections.abc import Iterator, Mapping, Sequence
from itertools import islice
from typing import Any

from gguf import TokenType

from studio.engine.export.gguf.families import refused
from studio.engine.export.gguf.llamacpp import PRE_TOKENIZERS, SHORT, SPACE, Reading
from studio.engine.labels import Encoder
from studio.engine.rendering import ChatTemplate

_BYTE = re.compile(r"<0x[0-9A-F]{2}>")
_LOWER = "(?i:'s|'t|'re|'ve|'m|'ll|'d)"  # as published; it also takes the long s of old prints, which has no case there
# The steps in which `tokenizers` parts a text before it merges, and the names of those that llama.cpp takes to be the
# same. Two differ in what they do with a part that is a token itself.
_NAMES: dict[tuple[str, ...], tuple[str, ...]] = {
    ("bytes, parted",): ("gpt-2",),
    ("digits", "bytes, parted"): ("smollm",),
    **{
        (PRE_TOKENIZERS[names[0]][0][0].replace(SHORT, _LOWER), "bytes"): names
        for names in (("llama-bpe", "dbrx"), ("qwen2",), ("qwen35",))
    },
}
_TEXTS = (
    "Hello, world! It's 12345.67, isn't it? I'LL see: We'Ve 'told him, that's HTML5.",
    "Grüße aus Köln: Äpfel, Öl, Übermut, Straße 3½, „so“ \u2013 oder?",
    "你好，世界！这是一个测试。今天是2024年12月31日，我想在apple工作1314151天\uff5e",
    "def f(x):\n    if x > 1:\n\t\treturn x ** 2  # ok\n\n\nprint(f(3), 'a' == \"b\")\n",
    "  two spaces, \ttab,   three;\u00a0nbsp \u3000wide",
    "\n\n line \r\n end \n ",
    " ",
    "👋🏽 👨\u200d👩\u200d👧 😀😀 ✅ 🦙🦙 q\u0307",
    "Привет мир, नमस्ते दुनिया, مرحبا بالعالم, こんにちは, 안녕하세요",
    "aaaaaaaaaaaa bbbbbb        x ------======= ......!!!!!!?????? ``` ''''''",
    "1 22 333 4444 55555 666666 ٣٤ ²³ 3.3 3..3",
)
_MOST_TRIED = 24
_UNSTRIPPED = {"<unk>", "<s>", "<|endoftext|>"}


def fields(encoder: Encoder, rows: int) -> dict[str, Any]:
    """Returns all of the file's fields that tell of tokens but those that `ends` tells, by their keys.

    Args:
        encoder: the one of the training.
        rows: how many tokens the model has numbers for.

    Raises:
        StudioError: (export) llama.cpp would split texts otherwise.
    """
    tokenizer = encoder.tokenizer
    about = json.loads(tokenizer.backend_tokenizer.to_str())
    model, vocab = about["model"], tokenizer.get_vocab()
    if model["type"] != "BPE":
        raise refused(f"its tokenizer is of the kind {model['type']}, and only BPE is known to be the same there")
    for name in ("dropout", "end_of_word_suffix", "continuing_subword_prefix"):
        if model.get(name):
            raise refused(f"its tokenizer has a {name}, and llama.cpp knows none")
    if max(vocab.values(), default=0) >= rows:
        raise refused(f"its tokenizer has more tokens than the model's {rows}")
    added = {item["id"]: item for item in about["added_tokens"]}
    found = _sentences(about, vocab, added, rows) if model.get("byte_fallback") else _bytes(about)
    tokens = [f"[PAD{at}]" for at in range(rows)]
    kinds = [int(TokenType.UNUSED)] * rows
    for token, at in vocab.items():
        tokens[at], kinds[at] = token, int(_kind(token, added.get(at), model))
    found |= {"tokens": tokens, "token_type": kinds}
    for key, at in (("bos", tokenizer.bos_token_id), ("unknown", tokenizer.unk_token_id)):
        found |= {} if at is None else {f"{key}_token_id": int(at)}
    found["add_bos_token"], found["add_eos_token"] = _begins(encoder), False
    named = {f"tokenizer.ggml.{key}": value for key, value in found.items()}
    named["general.name"] = _named(added)
    if encoder.template is not None:
        # Where a model has no such token, a template writes nothing for it, and llama.cpp writes another token.
        none = [f"{{% set {key} = '' %}}" for key in ("bos_token", "eos_token") if getattr(tokenizer, key) is None]
        named["tokenizer.chat_template"] = "".join(none) + encoder.template
    if found["model"] == "llama" and (about.get("pre_tokenizer") or {}).get("prepend_scheme") == "first":
        # Only the very first word gets a space, in llama.cpp the first behind each special token.
        named["tokenizer.ggml.add_space_prefix"] = not _starts_specially(encoder, added)
    return named


def ends(encoder: Encoder, stops: Sequence[int]) -> dict[str, int]:
    """Returns the fields that tell where answers end: at `stops`, of which they have room for three.

    Raises:
        StudioError: (export) there is none.
    """
    first = encoder.tokenizer.eos_token_id
    ids = dict.fromkeys([*([] if first is None else [int(first)]), *stops])
    if not ids:
        raise refused("it has no token that ends an answer, and llama.cpp would take one of its own")
    keys = ("eos_token_id", "eot_token_id", "eom_token_id")
    found = dict(zip(keys, ids, strict=False))
    if encoder.tokenizer.pad_token_id is not None:
        found["padding_token_id"] = int(encoder.tokenizer.pad_token_id)
    return {f"tokenizer.ggml.{key}": at for key, at in found.items()}


def difference(found: Mapping[str, Any], encoder: Encoder) -> tuple[str, int]:
    """Compares how llama.cpp splits texts by a file's fields with how the program does.

    Returns:
        The first text that is split otherwise (empty: none), and how many tokens were compared.
    """
    reading, backend, count = Reading(found), encoder.tokenizer.backend_tokenizer, 0
    chat = None if encoder.template is None else ChatTemplate(encoder.template, encoder.tokenizer)
    bos = encoder.tokenizer.bos_token if found["tokenizer.ggml.add_bos_token"] else None
    composed = composes(encoder)
    for text in tried(encoder):
        text = unicodedata.normalize("NFC", text) if composed else text
        laid = chat.tried([{"role": "user", "content": text}], prompted=True) if chat else text
        # Of a prompt that begins with the token it puts first llama.cpp takes that away.
        plain = laid.removeprefix(bos) if bos and chat else laid
        ours = backend.encode(laid, add_special_tokens=False).ids
        ours = ours if chat else [*encoder.beginning, *ours]
        if reading.encode(plain) != ours:
            return text or laid, count
        count += len(ours)
    return "", count


def tried(encoder: Encoder) -> list[str]:
    """Returns the texts that are compared: several scripts and each kind of special token among words."""
    added = sorted(item.content for item in encoder.tokenizer.added_tokens_decoder.values())
    some = added if len(added) <= _MOST_TRIED else added[:: -(-len(added) // _MOST_TRIED)]
    return [*_TEXTS, *(f"a{token}b {token} c\n{token}{token}  d" for token in some), *_overlapping(added)]


def _overlapping(added: Sequence[str]) -> Iterator[str]:
    """Yields texts in which two special tokens share letters: one takes the first from the left, one the longest."""
    begins = {token[:at]: token for token in added for at in range(1, len(token))}
    found = (
        f"x{token[:at]}{begins[token[at:]]}y" for token in added for at in range(1, len(token)) if token[at:] in begins
    )
    return islice(found, _MOST_TRIED)


def composes(encoder: Encoder) -> bool:
    """Whether the tokenizer composes letters and their accents first, which llama.cpp does not."""
    return "NFC" in json.dumps(json.loads(encoder.tokenizer.backend_tokenizer.to_str())["normalizer"])


def _bytes(about: Mapping[str, Any]) -> dict[str, Any]:
    """Returns the fields of a tokenizer that merges bytes."""
    normalizer, model = about["normalizer"], about["model"]
    if normalizer is not None and normalizer["type"] != "NFC":
        raise refused(f"its tokenizer changes texts first ({normalizer['type']}), which llama.cpp does not")
    steps = _steps(about["pre_tokenizer"])
    whole = bool(model.get("ignore_merges"))
    name = next((name for name in _NAMES.get(steps, ()) if PRE_TOKENIZERS[name][1] == whole), None)
    if name is None:
        told = "; ".join(steps) or "none"
        raise refused("its tokenizer parts texts in a way that is not known to be one of llama.cpp's", told)
    merges = [merge if isinstance(merge, str) else " ".join(merge) for merge in model["merges"]]
    return {"model": "gpt2", "pre": name, "merges": merges}


def _steps(given: Any) -> tuple[str, ...]:
    if given is None:
        return ()
    steps = []
    for step in given["pretokenizers"] if given["type"] == "Sequence" else [given]:
        told = f"{step['type']} {json.dumps(step, sort_keys=True)}"
        if step["type"] == "Digits" and step["individual_digits"]:
            told = "digits"
        elif step["type"] == "ByteLevel" and not step["add_prefix_space"]:
            told = "bytes, parted" if step.get("use_regex", True) else "bytes"
        elif step["type"] == "Split" and step["behavior"] == "Isolated" and not step["invert"]:
            told = str(step["pattern"].get("Regex", told))
        steps.append(told)
    return tuple(steps)


def _sentences(
    about: Mapping[str, Any], vocab: Mapping[str, int], added: Mapping[int, Any], rows: int
) -> dict[str, Any]:
    """Returns the fields of a tokenizer that merges letters, with spaces among them, as SentencePiece does."""
    if missing := next((f"<0x{byte:02X}>" for byte in range(256) if f"<0x{byte:02X}>" not in vocab), None):
        raise refused(f"its tokenizer has no token {missing}, into which llama.cpp parts letters it does not know")
    scores = [0.0] * rows
    for token, score in _scores(about["model"], vocab, added).items():
        scores[vocab[token]] = score
    return {"model": "llama", "pre": "default", "scores": scores, "add_space_prefix": _prefixes(about)}


def _prefixes(about: Mapping[str, Any]) -> bool:
    """Whether a space is put before a text's first word."""
    normalizer, before = about["normalizer"], about["pre_tokenizer"]
    steps = [] if normalizer is None else normalizer.get("normalizers", [normalizer])
    replaces = {"type": "Replace", "pattern": {"String": " "}, "content": SPACE}
    parting = (None, {"type": "Split", "pattern": {"String": " "}, "behavior": "MergedWithPrevious", "invert": False})
    if steps in ([{"type": "Prepend", "prepend": SPACE}, replaces], [replaces]) and before in parting:
        return len(steps) == 2
    if (
        not steps
        and before
        and before["type"] == "Metaspace"
        and not before["split"]
        and before["replacement"] == SPACE
    ):
        return bool(before["prepend_scheme"] != "never")
    raise refused(
        "its tokenizer changes or parts texts in a way that llama.cpp does not", json.dumps([normalizer, before])
    )


def _scores(model: Mapping[str, Any], vocab: Mapping[str, int], added: Mapping[int, Any]) -> dict[str, float]:
    """Returns a score for each token that is merged: the higher, the sooner.

    llama.cpp merges any two neighbours that are a token together, by that token's score alone; `tokenizers` merges
    listed pairs, by their place in the list. The two are one where the list has every such pair, token by token.
    """
    pairs = [tuple(merge.split(" ", 1)) if isinstance(merge, str) else tuple(merge) for merge in model["merges"]]
    scores: dict[str, float] = {}
    last = ""
    for left, right in pairs:
        made = left + right
        if made != last and made in scores:
            raise refused("its tokenizer's merges are not ordered by token, as those of SentencePiece are", made)
        scores.setdefault(made, -float(len(scores)))
        last = made
    listed = set(pairs)
    for token, at in vocab.items():
        if at in added or _BYTE.fullmatch(token):
            continue
        for cut in range(1, len(token)):
            pair = token[:cut], token[cut:]
            if pair not in listed and all(len(part) == 1 or part in scores for part in pair):
                raise refused("its tokenizer does not merge all that is a token together, as llama.cpp does", token)
    return scores


def _kind(token: str, added: Mapping[str, Any] | None, model: Mapping[str, Any]) -> TokenType:
    if added is None:
        return TokenType.BYTE if model.get("byte_fallback") and _BYTE.fullmatch(token) else TokenType.NORMAL
    if token == model.get("unk_token"):
        return TokenType.UNKNOWN
    return TokenType.CONTROL if added["special"] else TokenType.USER_DEFINED


def _begins(encoder: Encoder) -> bool:
    """Whether a prompt begins with the token that begins texts."""
    bos = encoder.tokenizer.bos_token_id
    if encoder.template is not None:
        return bos is not None and encoder.prompt([{"role": "user", "content": "a"}])[:1] == [bos]
    if encoder.beginning not in ([], [bos]):
        raise refused("its tokenizer puts several tokens before a text")
    return bool(encoder.beginning)


def _named(added: Mapping[int, Any]) -> str:
    """Returns by which name llama.cpp strips spaces around special tokens as the tokenizer does, or nothing."""
    if any(item["lstrip"] or item["single_word"] for item in added.values()):
        raise refused(
            "a special token of its tokenizer takes the spaces before it, or only counts as a word of its own"
        )
    stripped = {item["content"] for item in added.values() if item["rstrip"]}
    if not stripped:
        return ""
    # Of this family alone it knows it, by the model's name.
    known = {item["content"] for item in added.values()}
    if not known >= {"</s>", *_UNSTRIPPED} or stripped != known - _UNSTRIPPED:
        raise refused("a special token of its tokenizer takes the spaces behind it")
    return "phi-3"


def _starts_specially(encoder: Encoder, added: Mapping[int, Any]) -> bool:
    return encoder.template is not None and encoder.prompt([{"role": "user", "content": "a"}])[0] in added
