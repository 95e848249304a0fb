"""From documents to rows of tokens: the tokenizer, the chat template, and packing without mixing documents."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

import torch
from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers
from torch import Tensor
from transformers import PreTrainedTokenizerFast

from world import Document

END, START, PAD, TEXT_END = "<|im_end|>", "<|im_start|>", "<|pad|>", "<|endoftext|>"
CHAT_TEMPLATE = (
    "{%- for message in messages -%}"
    "{%- if message['role'] not in ['system', 'user', 'assistant'] -%}"
    "{{ raise_exception('This model knows the roles system, user and assistant only.') }}"
    "{%- endif -%}"
    "{{ '<|im_start|>' + message['role'] + '\\n' + message['content'] + '<|im_end|>\\n' }}"
    "{%- endfor -%}"
    "{%- if add_generation_prompt -%}{{ '<|im_start|>assistant\\n' }}{%- endif -%}"
)
PROMPT_WEIGHT = 0.2
"""How much a token of a question counts in the loss; a token of an answer or a story counts 1."""


def rendered(document: Document) -> str:
    """A document as text, exactly as the chat template writes it."""
    if document[0]["role"] == "text":
        return document[0]["content"] + TEXT_END
    return "".join(f"{START}{m['role']}\n{m['content']}{END}\n" for m in document)


def make_tokenizer(texts: Iterable[str], vocab_size: int = 2048) -> PreTrainedTokenizerFast:
    """Train a byte-level BPE tokenizer in which every digit is a token of its own."""
    bpe = Tokenizer(models.BPE())
    bpe.pre_tokenizer = pre_tokenizers.Sequence(
        [pre_tokenizers.Digits(individual_digits=True), pre_tokenizers.ByteLevel(add_prefix_space=False)]
    )
    bpe.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=vocab_size,
        special_tokens=[TEXT_END, START, END, PAD],
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        show_progress=False,
    )
    bpe.train_from_iterator(texts, trainer)
    return PreTrainedTokenizerFast(
        tokenizer_object=bpe,
        eos_token=END,
        pad_token=PAD,
        extra_special_tokens=[START, TEXT_END],
        model_max_length=1024,
        clean_up_tokenization_spaces=False,
        chat_template=CHAT_TEMPLATE,
    )


@dataclass(slots=True)
class Row:
    """Documents in one row: token ids, each token's place in its document, each token's weight in the loss."""

    ids: list[int] = field(default_factory=list)
    places: list[int] = field(default_factory=list)
    weights: list[float] = field(default_factory=list)

    def add(self, other: "Row") -> None:
        """Put another row's tokens behind this one's."""
        self.ids += other.ids
        self.places += other.places
        self.weights += other.weights


def tokenized(document: Document, tokenizer: PreTrainedTokenizerFast) -> Row:
    """One document as a row of its own."""
    ids: list[int] = tokenizer(rendered(document), add_special_tokens=False)["input_ids"]
    if document[0]["role"] == "text":
        return Row(ids, list(range(len(ids))), [1.0] * len(ids))
    start, end, turn, weights = tokenizer.convert_tokens_to_ids(START), tokenizer.eos_token_id, -1, list[float]()
    in_answer = False
    for place, token in enumerate(ids):
        turn += token == start
        # An answer begins behind `<|im_start|>assistant\n`, which is three tokens or more.
        in_answer = in_answer and ids[place - 1] != end
        weights.append(1.0 if in_answer else PROMPT_WEIGHT)
        if document[turn]["role"] == "assistant" and not in_answer and tokenizer.convert_ids_to_tokens(token) == "Ċ":
            in_answer = ids[place - 1] != end
    return Row(ids, list(range(len(ids))), weights)


def packed(rows: Iterable[Row], length: int, open_rows: int = 16) -> Iterator[Row]:
    """Put whole documents together into rows of at most `length` tokens; longer documents are left out."""
    waiting: list[Row] = []
    for row in rows:
        if len(row.ids) > length:
            continue
        fitting = [r for r in waiting if len(r.ids) + len(row.ids) <= length]
        if fitting:
            max(fitting, key=lambda r: len(r.ids)).add(row)
            continue
        if len(waiting) == open_rows:
            fullest = max(waiting, key=lambda r: len(r.ids))
            waiting.remove(fullest)
            yield fullest
        waiting.append(Row(list(row.ids), list(row.places), list(row.weights)))
    yield from waiting


def batch(rows: list[Row], length: int, pad_id: int) -> tuple[Tensor, Tensor, Tensor]:
    """Token ids, places and weights of some rows, padded: three tensors of shape (B, T); padding weighs nothing."""
    ids = torch.full((len(rows), length), pad_id)
    places = torch.zeros((len(rows), length), dtype=torch.long)
    weights = torch.zeros((len(rows), length))
    for r, row in enumerate(rows):
        used = len(row.ids)
        ids[r, :used] = torch.tensor(row.ids)
        places[r, :used] = torch.tensor(row.places)
        places[r, used:] = torch.arange(length - used)
        weights[r, :used] = torch.tensor(row.weights)
        # The first token of each document cannot be foretold from the document before it.
        weights[r, :used][torch.tensor(row.places) == 0] = 0
    return ids, places, weights
