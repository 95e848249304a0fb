"""Conversations with tools: the template is told of them, and an answer's calls are learned with the answer."""

import pytest

from studio.core.errors import StudioError
from studio.engine.labels import Encoder
from tests.models import tokenizer

TOOLS = [{"type": "function", "function": {"name": "weather", "parameters": {"type": "object"}}}]
CALL = {"type": "function", "function": {"name": "weather", "arguments": {"city": "Bern"}}}
MESSAGES = [
    {"role": "user", "content": "How is the weather?"},
    {"role": "assistant", "content": "", "tool_calls": [CALL]},
    {"role": "tool", "content": "12 degrees", "name": "weather"},
    {"role": "assistant", "content": "Cold."},
]
ROW = {"messages": MESSAGES, "tools": TOOLS}
TEMPLATE = """{% if tools %}{{ '<|im_start|>system\n' + (tools | tojson) + '<|im_end|>\n' }}{% endif %}
{%- for m in messages %}{{ '<|im_start|>' + m.role + '\n' + m.content }}
{%- for call in m.tool_calls or [] %}{{ '<call>' + (call.function | tojson) + '</call>' }}{% endfor %}
{{- '<|im_end|>\n' }}{% endfor %}{% if add_generation_prompt %}{{ '<|im_start|>assistant\n' }}{% endif %}"""


def test_tools_are_told_and_calls_are_learned() -> None:
    encoded = Encoder(tokenizer(), TEMPLATE, "sft", 1000).encode(ROW, "messages")
    learned = tokenizer().decode([i for i, trained in zip(encoded.ids, encoded.trained, strict=True) if trained])
    call = '<call>{"name": "weather", "arguments": {"city": "Bern"}}</call>'
    assert learned == f"{call}<|im_end|>Cold.<|im_end|>"
    assert encoded.text.startswith('<|im_start|>system\n[{"type": "function"')


def test_a_template_that_leaves_out_the_calls_refuses_the_row() -> None:
    silent = TEMPLATE.replace("m.tool_calls or []", "[]").replace("if tools", "if none")
    with pytest.raises(StudioError, match="it leaves out the calls of tools"):
        Encoder(tokenizer(), silent, "sft", 1000).encode(ROW, "messages")
