"""How llama.cpp makes a text into tokens by what stands in a GGUF file, written anew to compare with.

Its sources (`src/llama-vocab.cpp`) were read for what it does; its expressions are facts of the format.
"""

import heapq
from collections.abc import Mapping, Sequence
from functools import cached_property
from itertools import pairwise
from typing import Any

import regex
from gguf import TokenType

_GPT2 = r"'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)"
SHORT = "(?:'[sS]|'[tT]|'[rR][eE]|'[vV][eE]|'[mM]|'[lL][lL]|'[dD])"
_LATER = rf"{SHORT}|[^\r\n\p{{L}}\p{{N}}]?\p{{L}}+|%s| ?[^\s\p{{L}}\p{{N}}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+"
_MARKED = (
    rf"{SHORT}|[^\r\n\p{{L}}\p{{N}}]?[\p{{L}}\p{{M}}]+|\p{{N}}| ?[^\s\p{{L}}\p{{M}}\p{{N}}]+[\r\n]*"
    r"|\s*[\r\n]+|\s+(?!\S)|\s+"
)
# By the name in a file: the expressions that part a text, one after the other, and whether a part that is a token is
# taken whole.
PRE_TOKENIZERS: dict[str, tuple[tuple[str, ...], bool]] = {
    "gpt-2": ((_GPT2,), False),
    "smollm": ((r"\p{N}", _GPT2), False),
    "llama-bpe": ((_LATER % r"\p{N}{1,3}",), True),
    "dbrx": ((_LATER % r"\p{N}{1,3}",), False),
    "qwen2": ((_LATER % r"\p{N}",), False),
    "qwen35": ((_MARKED,), False),
}
# Tokens that end an answer there whatever a file says, and those it takes for a file's border.
ENDS = frozenset(
    [
        *("<|eot_id|>", "<|im_end|>", "<|end|>", "<|return|>", "<|call|>", "<|flush|>", "<|calls|>", "<end_of_turn>"),
        *("<|endoftext|>", "</s>", "<|eom_id|>", "<EOT>", "_<EOT>", "[EOT]", "[EOS]", "<|end_of_text|>", "[e~["),
        *("<end_of_utterance>", "<eos>", "<turn|>", "<|tool_response>", "<\uff5cend\u2581of\u2581sentence\uff5c>"),
        *("<|fim_pad|>", "<fim-pad>", "<fim_pad>", "<PAD>", "[PAD]", "<|fim_repo|>", "<|repo_name|>", "<fim-repo>"),
        *("<REPO>", "<reponame>", "<|file_sep|>"),
    ]
)
_SPECIAL = (TokenType.CONTROL, TokenType.USER_DEFINED, TokenType.UNKNOWN)
SPACE = "\u2581"  # stands for a space in the tokens of SentencePiece


class Reading:
    """The tokenizer that llama.cpp makes of a file's fields."""

    def __init__(self, fields: Mapping[str, Any]) -> None:
        """Takes the metadata of a file by key."""
        self._fields = {key.removeprefix("tokenizer.ggml."): value for key, value in fields.items()}
        self._tokens: list[str] = self._fields["tokens"]
        self._ids = {token: at for at, token in enumerate(self._tokens)}
        self._sentences = self._fields["model"] == "llama"
        special = [
            at
            for at, (token, kind) in enumerate(zip(self._tokens, self._fields["token_type"], strict=True))
            if token and (kind in _SPECIAL or token in ENDS)
        ]
        # The longest first, each wherever it stands in the whole text.
        self._special = sorted(special, key=lambda at: -len(self._tokens[at].encode()))
        self._strips = any(word in str(fields.get("general.name", "")).lower() for word in ("phi-3", "phi3"))

    def encode(self, text: str) -> list[int]:
        """Returns the ids of a text whose special tokens count as such."""
        ids = [int(self._fields["bos_token_id"])] if self._fields["add_bos_token"] else []
        border = True
        for piece in self._parted(text):
            if isinstance(piece, int):
                ids.append(piece)
            elif self._sentences:
                spaced = " " + piece if border and self._fields["add_space_prefix"] else piece
                ids += self._merged_by_score(spaced.replace(" ", SPACE))
            else:
                for word in self._words(piece):
                    ids += self._merged_by_rank(word)
            border = isinstance(piece, int)
        return ids

    def ends(self) -> set[int]:
        """Returns the ids that end an answer."""
        named = {
            int(self._fields[key]) for key in ("eos_token_id", "eot_token_id", "eom_token_id") if key in self._fields
        }
        return named | {at for at, token in enumerate(self._tokens) if token in ENDS}

    def _parted(self, text: str) -> list[int | str]:
        pieces: list[int | str] = [text] if text else []
        for at in self._special:
            token = self._tokens[at]
            if token not in text:
                continue
            found: list[int | str] = []
            for piece in pieces:
                first, *rest = piece.split(token) if isinstance(piece, str) else (piece,)
                found.append(first)
                for part in rest:
                    found += [at, part.lstrip(" \t\n\v\f\r") if self._stripped(token) else part]
            pieces = [piece for piece in found if piece != ""]
        return pieces

    def _stripped(self, token: str) -> bool:
        """Whether the spaces behind a token go: a rule for the models of one name."""
        return self._strips and token not in ("<unk>", "<s>", "<|endoftext|>")

    def _words(self, text: str) -> list[str]:
        words = [text]
        for expression in PRE_TOKENIZERS[self._fields["pre"]][0]:
            words = [part for word in words for part in _split(expression, word)]
        return ["".join(self._letters[byte] for byte in word.encode()) for word in words]

    @cached_property
    def _ranks(self) -> dict[tuple[str, ...], int]:
        return {tuple(merge.split(" ")): at for at, merge in enumerate(self._fields["merges"])}

    @cached_property
    def _letters(self) -> dict[int, str]:
        """The letter that stands for each byte: itself where it can be seen."""
        seen = [*range(ord("!"), ord("~") + 1), *range(ord("¡"), ord("¬") + 1), *range(ord("®"), ord("ÿ") + 1)]
        unseen = [byte for byte in range(256) if byte not in seen]
        return {byte: chr(byte) for byte in seen} | {byte: chr(256 + at) for at, byte in enumerate(unseen)}

    def _merged_by_rank(self, word: str) -> list[int]:
        whole = self._ids.get(word)
        if whole is not None and PRE_TOKENIZERS[self._fields["pre"]][1]:
            return [whole]
        symbols = list(word)
        while len(symbols) > 1:
            pairs = [self._ranks.get(pair, len(self._ranks)) for pair in pairwise(symbols)]
            best = min(pairs)
            if best == len(self._ranks):
                break
            at = pairs.index(best)
            symbols[at : at + 2] = [symbols[at] + symbols[at + 1]]
        # A symbol that is no token is left as the tokens of its letters, as far as there are any.
        return [self._ids[part] for symbol in symbols for part in self._known(symbol)]

    def _known(self, symbol: str) -> Sequence[str]:
        return [symbol] if symbol in self._ids else [letter for letter in symbol if letter in self._ids]

    def _merged_by_score(self, text: str) -> list[int]:
        symbols, following = list(text), list(range(1, len(text) + 1))
        before = list(range(-1, len(text) - 1))
        queue: list[tuple[float, int, int, int]] = []

        def offer(left: int, right: int) -> None:
            if left < 0 or right >= len(symbols):
                return
            at = self._ids.get(symbols[left] + symbols[right])
            if at is not None:
                length = len(symbols[left]) + len(symbols[right])
                heapq.heappush(queue, (-float(self._fields["scores"][at]), left, right, length))

        for at in range(1, len(symbols)):
            offer(at - 1, at)
        while queue:
            _, left, right, length = heapq.heappop(queue)
            # One of the two may have been merged by now.
            if not symbols[left] or not symbols[right] or len(symbols[left]) + len(symbols[right]) != length:
                continue
            symbols[left] += symbols[right]
            symbols[right] = ""
            following[left] = following[right]
            if following[right] < len(symbols):
                before[following[right]] = left
            offer(before[left], left)
            offer(left, following[left])
        ids = []
        for symbol in filter(None, symbols):
            known = self._ids.get(symbol)
            ids += [known] if known is not None else [self._ids[f"<0x{byte:02X}>"] for byte in symbol.encode()]
        return ids


def _split(expression: str, text: str) -> list[str]:
    """Parts a text at what matches; what lies between stays as it is."""
    parts, end = [], 0
    for match in regex.finditer(expression, text):
        parts += [text[end : match.start()], match.group()]
        end = match.end()
    return [part for part in [*parts, text[end:]] if part]
