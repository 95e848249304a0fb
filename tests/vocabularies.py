"""Tiny tokenizers of the kinds that published models have, made on the spot."""

import json
from collections.abc import Sequence
from typing import Any, Literal

from tokenizers import AddedToken, Regex, Tokenizer, decoders, normalizers, pre_tokenizers, trainers
from tokenizers.models import BPE
from transformers import PreTrainedTokenizerFast

from tests.models import CHATML

_SHORT = "(?i:'s|'t|'re|'ve|'m|'ll|'d)"
_LATER = rf"{_SHORT}|[^\r\n\p{{L}}\p{{N}}]?\p{{L}}+|%s| ?[^\s\p{{L}}\p{{N}}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+"
# What a tokenizer.json says of how texts are parted, by the model it was published with.
PARTINGS: dict[str, tuple[str | Literal["digits"], ...]] = {
    "gpt2": (),
    "smollm": ("digits",),
    "llama3": (_LATER % r"\p{N}{1,3}",),
    "qwen2": (_LATER % r"\p{N}",),
    "qwen3.5": (
        rf"{_SHORT}|[^\r\n\p{{L}}\p{{N}}]?[\p{{L}}\p{{M}}]+|\p{{N}}| ?[^\s\p{{L}}\p{{M}}\p{{N}}]+[\r\n]*"
        r"|\s*[\r\n]+|\s+(?!\S)|\s+",
    ),
    "unknown": (r"\p{L}+|\p{N}+| ?[^\s]+",),
}
_SPECIAL = ["<|endoftext|>", "<|im_start|>", "<|im_end|>"]
_TEXT = [
    "The order arrived late and the box was open. We're sorry it's so; I'll see what we've got: 12345 and 678.",
    "def order(box):\n    if box:\n        return 'open'\n\n\n    # The capital of France is Paris.\n",
    "Grüße aus Köln, das Öl ist über der Straße. 你好世界，我想在这里工作。 Привет мир 😀😀 a  b   c",
]


def byte_level(published: str, *, whole: bool = False, composes: bool = False, bos: bool = False) -> Any:
    """Returns a byte-level BPE tokenizer that parts texts as a published one does.

    Args:
        published: one of `PARTINGS`.
        whole: take a part that is a token as it is, whatever its merges.
        composes: compose letters and accents first.
        bos: put a token before each text.
    """
    bpe = Tokenizer(BPE(ignore_merges=whole))
    steps = PARTINGS[published]
    parted: list[Any] = [
        pre_tokenizers.Digits(individual_digits=True)
        if step == "digits"
        else pre_tokenizers.Split(Regex(step), "isolated")
        for step in steps
    ]
    regex = steps in ((), ("digits",))
    parted.append(pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=regex))
    bpe.pre_tokenizer = pre_tokenizers.Sequence(parted) if len(parted) > 1 else parted[0]
    bpe.decoder = decoders.ByteLevel()
    if composes:
        bpe.normalizer = normalizers.NFC()
    trainer = trainers.BpeTrainer(
        vocab_size=380,
        special_tokens=_SPECIAL,
        initial_alphabet=sorted(pre_tokenizers.ByteLevel.alphabet()),
        show_progress=False,
    )
    bpe.train_from_iterator(_TEXT, trainer)
    return _wrapped(bpe, "<|endoftext|>" if bos else None, "<|im_end|>", "<|endoftext|>")


def sentences(
    kind: Literal["prepended", "bare", "first", "always"], *, rstrip: bool = False, dropped: int | None = None
) -> Any:
    """Returns a tokenizer with the merges of SentencePiece.

    Args:
        kind: how a space comes before a text's first word: before each part, never, before the whole text, or before
            each part that has none.
        rstrip: its special tokens take the spaces behind them, as those of Phi-3.
        dropped: a merge to leave out.
    """
    special = ["<unk>", "<s>", "</s>", *_SPECIAL]
    vocab = {token: at for at, token in enumerate([*special, *(f"<0x{byte:02X}>" for byte in range(256))])}
    letters = sorted({letter for text in _TEXT for letter in text.replace(" ", "▁") if letter not in "\n好"})
    pieces = _pieces([text.replace(" ", "▁") for text in _TEXT], 200)
    for piece in [*pieces, *letters]:
        vocab.setdefault(piece, len(vocab))
    known = {*pieces, *letters}
    merges = [
        (piece[:cut], piece[cut:])
        for piece in pieces
        for cut in range(1, len(piece))
        if piece[:cut] in known and piece[cut:] in known
    ]
    if dropped is not None:
        del merges[dropped]
    bpe = Tokenizer(BPE(vocab, merges, byte_fallback=True, fuse_unk=True, unk_token="<unk>"))
    replace = normalizers.Replace(" ", "▁")
    if kind == "prepended":
        bpe.normalizer = normalizers.Sequence([normalizers.Prepend("▁"), replace])
    elif kind == "bare":
        bpe.normalizer = replace
        bpe.pre_tokenizer = pre_tokenizers.Split(" ", "merged_with_previous")
    else:
        bpe.pre_tokenizer = pre_tokenizers.Metaspace(replacement="▁", prepend_scheme=kind, split=False)
    bpe.decoder = decoders.Sequence([decoders.Replace("▁", " "), decoders.ByteFallback(), decoders.Fuse()])
    stay = ("<unk>", "<s>", "<|endoftext|>")
    bpe.add_special_tokens(
        [AddedToken(item, normalized=False, special=True, rstrip=rstrip and item not in stay) for item in special]
    )
    return _wrapped(bpe, "<s>", "</s>", "<unk>")


def changed(tokenizer: Any, **about: Any) -> Any:
    """Returns the tokenizer with other parts of its tokenizer.json."""
    told = json.loads(tokenizer.backend_tokenizer.to_str()) | about
    return _wrapped(Tokenizer.from_str(json.dumps(told)), tokenizer.bos_token, tokenizer.eos_token, tokenizer.pad_token)


def _wrapped(bpe: Tokenizer, bos: str | None, eos: str, pad: str) -> Any:
    return PreTrainedTokenizerFast(
        tokenizer_object=bpe, bos_token=bos, eos_token=eos, pad_token=pad, chat_template=CHATML
    )


def _pieces(texts: Sequence[str], count: int) -> list[str]:
    """Returns the commonest pieces of two letters and more, each made of two others."""
    found: dict[str, int] = {}
    for text in texts:
        for length in (2, 3, 4):
            for at in range(len(text) - length + 1):
                piece = text[at : at + length]
                if not {*piece} & {"\n", "好"}:
                    found[piece] = found.get(piece, 0) + 1
    return sorted(found, key=lambda piece: (-found[piece], piece))[:count]
