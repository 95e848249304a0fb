"""Ollama's Modelfile: a chat template in its language comes to what the model's own does, or there is none."""

import json
import re
from typing import Any

import pytest

from studio.engine.export.gguf import ollama
from studio.engine.generate import encoder_for
from studio.engine.labels import Encoder
from studio.engine.rendering import ChatTemplate
from tests.models import CHATML
from tests.vocabularies import byte_level

_LOOP = "{% for m in messages %}"
DEFAULT = "{% if messages[0].role != 'system' %}<|im_start|>system\nYou help.<|im_end|>\n{% endif %}" + CHATML
# In the manner of Gemma's: the system's message is a part of the first question, and answers come from a model.
GEMMA = (
    "{{ bos_token }}{% set first = '' %}{% if messages[0].role == 'system' %}"
    "{% set first = messages[0].content + '\n\n' %}{% set messages = messages[1:] %}{% endif %}"
    "{% for m in messages %}<turn>{{ 'model' if m.role == 'assistant' else m.role }}\n{{ first if loop.first else '' }}"
    "{{ m.content | trim }}<end>\n"
    "{% endfor %}{% if add_generation_prompt %}<turn>model\n{% endif %}"
)
# In the manner of Mistral's: no system message, and nothing before an answer but the end of the question.
INST = (
    "{{ bos_token }}" + _LOOP + "{% if m.role == 'user' %}[INST] {{ m.content }} [/INST]"
    "{% elif m.role == 'assistant' %}{{ m.content }}{{ eos_token }}{% else %}"
    "{{ raise_exception('Only users and assistants.') }}{% endif %}{% endfor %}"
)
QUOTED = f'{_LOOP}"{{{{ m.role }}}}": \\ {{{{ m.content }}}}\t}}}}"\n{{% endfor %}}"assistant": '


def encoder(template: str | None, bos: bool = False) -> Encoder:
    tokenizer = byte_level("gpt2", bos=bos)
    tokenizer.chat_template = template
    return encoder_for(tokenizer)


def talk(*roles: str) -> list[dict[str, str]]:
    return [{"role": role, "content": f'{role} "{at}"\nsays {{{{ x }}}} \\n'} for at, role in enumerate(roles)]


TALKS = [talk("user"), talk("user", "assistant", "user"), talk("user", "assistant", "user", "assistant", "user")]
SYSTEM_TALKS = [talk("system", *(item["role"] for item in one)) for one in TALKS]


class Go:
    """As much of Go's text/template as is written: literals, `.Content`, `range`, `if`, and a few functions."""

    def __init__(self, text: str) -> None:
        self._parts: list[tuple[bool, str]] = []
        end = 0
        for found in re.finditer(r'\{\{(-?)((?:"(?:\\.|[^"\\])*"|[^"}])*)\}\}', text):
            before = text[end : found.start()]
            self._parts.append((False, before.rstrip() if found[1] else before))
            self._parts.append((True, found[2].strip()))
            end = found.end()
        assert text[end:] == ""
        assert not any("{" in part or "}" in part for is_action, part in self._parts if not is_action)

    def run(self, messages: list[dict[str, str]]) -> str:
        assert self._parts[1][1] == "range $i, $m := .Messages"
        assert self._parts[-1] == (True, "end")
        return "".join(self._block(2, len(self._parts) - 1, at, messages) for at in range(len(messages)))

    def _block(self, start: int, stop: int, at: int, messages: list[dict[str, str]]) -> str:
        out, depth = "", [True]  # of each block around: whether it is written
        done: list[bool] = []  # whether a branch of it was
        for is_action, part in self._parts[start:stop]:
            written = all(depth)
            if not is_action:
                out += part if written else ""
            elif part.startswith("if "):
                depth.append(self._true(part[3:], at, messages) if written else False)
                done.append(depth[-1])
            elif part.startswith("else"):
                depth[-1] = not done[-1] and all(depth[:-1]) and (part == "else" or self._true(part[8:], at, messages))
                done[-1] |= depth[-1]
            elif part == "end":
                depth.pop()
                done.pop()
            elif written:
                out += messages[at]["content"] if part == ".Content" else str(json.loads(part))
        assert depth == [True]
        return out

    def _true(self, text: str, at: int, messages: list[dict[str, str]]) -> bool:
        tokens = re.findall(r'\(|\)\.Role|\)|"[^"]*"|[^\s()]+', text)

        def value(of: list[str]) -> Any:
            token = of.pop(0)
            if token == "(":
                found = call(of)
                return found["role"] if of.pop(0) == ").Role" else found
            known = {".Role": messages[at]["role"], "$i": at, "$.Messages": messages}
            return known[token] if token in known else json.loads(token)

        def call(of: list[str]) -> Any:
            name, given = of.pop(0), list[Any]()
            while of and not of[0].startswith(")"):
                # `and` looks at no more than it has to.
                given.append(value(of) if name != "and" or all(given) else skip(of))
            calls: dict[str, Any] = {"eq": lambda a, b: a == b, "ne": lambda a, b: a != b, "len": len}
            calls |= {"and": lambda *all_of: all(all_of), "slice": lambda a, b: a[b:], "index": lambda a, b: a[b]}
            return calls[name](*given)

        def skip(of: list[str]) -> bool:
            depth = 0
            while True:
                token = of.pop(0)
                depth += (token == "(") - token.startswith(")")
                if not depth:
                    return False

        return bool(call(tokens))


@pytest.mark.parametrize(
    "template", [CHATML, DEFAULT, GEMMA, INST, QUOTED], ids=["chatml", "default", "gemma", "inst", "quoted"]
)
@pytest.mark.parametrize("bos", [False, True], ids=["bare", "bos"])
def test_a_template_in_gos_language_writes_the_same(template: str, bos: bool) -> None:
    made = encoder(template, bos)
    written, notes = ollama.go_template(made, bos and "bos_token" in template)
    assert written is not None
    chat = ChatTemplate(template, made.tokenizer)
    head = str(made.tokenizer.bos_token) if bos and "bos_token" in template else ""
    for one in TALKS if template == INST else TALKS + SYSTEM_TALKS:
        true = chat.render([item | {"content": item["content"].strip()} for item in one], prompted=True)
        trimmed = [item | {"content": item["content"].strip()} for item in one]
        assert Go(written).run(trimmed) == true.removeprefix(head)
    assert any("takes the spaces" in note for note in notes) == (template == GEMMA)
    assert any("knows no system message" in note for note in notes) == (template == INST)


def test_an_answer_that_is_begun_is_gone_on_with() -> None:
    written, _ = ollama.go_template(encoder(CHATML), begins=False)
    assert (
        Go(str(written))
        .run(talk("user", "assistant"))
        .endswith('<|im_start|>assistant\nassistant "1"\nsays {{ x }} \\n')
    )


@pytest.mark.parametrize(
    "template",
    [
        "{{ strftime_now('%d %b %Y') }}" + CHATML,
        _LOOP + "{{ m.content | upper }}{% endfor %}",
        _LOOP + "{{ loop.index }}. {{ m.content }}{% endfor %}",
        _LOOP + "{% if loop.last %}{{ m.content }}{% endif %}{% endfor %}",
        CHATML.replace("user", "user").replace("<|im_end|>", "<|im_end|>\u200b"),
    ],
    ids=["date", "changed", "counted", "last", "unseen"],
)
def test_a_template_that_is_more_than_texts_between_messages_is_not_written(template: str) -> None:
    written, (note,) = ollama.go_template(encoder(template), begins=False)
    assert written is None
    assert "Ollama does not read the chat template" in note


def test_a_model_without_a_template_has_none() -> None:
    assert ollama.go_template(encoder(None), begins=False)[0] is None


def test_a_modelfile_names_file_template_and_ends() -> None:
    told = ollama.modelfile(["FROM ./a.gguf"], '{{ "x" }}', ["<|im_end|>", "</s>"])
    assert told == 'FROM ./a.gguf\nTEMPLATE """{{ "x" }}"""\nPARAMETER stop "<|im_end|>"\nPARAMETER stop "</s>"\n'
    assert "TEMPLATE" not in ollama.modelfile(["FROM ./a.gguf"], None, ["</s>"])
    assert 'SYSTEM """Be brief."""' in ollama.modelfile(["FROM ./a.gguf"], None, [], "Be brief.").splitlines()
    assert "SYSTEM" not in ollama.modelfile(["FROM ./a.gguf"], None, [], 'a """ b') + told
    written, _ = ollama.go_template(encoder(QUOTED), begins=False)
    assert '"""' not in str(written), "which would end it"
