"""Which chat template is used, and whether it can be."""

import json
from pathlib import Path
from typing import Any

from jinja2 import Environment, TemplateError, TemplateSyntaxError
from transformers.utils.chat_template_utils import render_jinja_template

from studio.core.chat import ALPACA_PLAIN
from studio.core.errors import StudioError
from studio.engine.limits import limited

# What a template can raise besides its own errors when a message is not what it expects.
TEMPLATE_ERRORS = (TemplateError, TypeError, ValueError, LookupError, ArithmeticError, AttributeError, RecursionError)
_MAX_TEMPLATE_BYTES = 1_000_000
_BEFORE, _BEHIND = map(json.dumps, ALPACA_PLAIN.split("{instruction}"))
# How rows of Alpaca's format are laid out for a model without a template.
ALPACA = (
    f"{{% for m in messages %}}{{% if m.role == 'user' %}}{{{{ {_BEFORE} + m.content + {_BEHIND} }}}}"
    "{% else %}{{ m.content if loop.last else m.content + '\\n\\n' }}{% endif %}{% endfor %}"
)


def find_template(tokenizer: Any, choice: str) -> str | None:
    """Returns the template that `data.chat_template` chooses, compiled once to see that it can be; None: plain text.

    Raises:
        StudioError: (model) the model's own cannot be used; (config) the file cannot be.
    """
    if choice == "none":
        return None
    if choice == "auto":
        if not tokenizer.chat_template:
            return None
        try:
            return checked(_own(tokenizer))
        except (TemplateError, ValueError) as error:
            message = f"The model's chat template cannot be used: {words(error)}."
            raise StudioError("model", message, "Name a Jinja file with data.chat_template.") from None
    path = Path(choice)
    try:
        if path.stat().st_size > _MAX_TEMPLATE_BYTES:
            raise StudioError("config", f"{path.name} is larger than 1 MB.", "A chat template is a short Jinja file.")
        return checked(path.read_text(encoding="utf-8-sig"))
    except OSError as error:
        message = f"The chat template {path} cannot be read: {error.strerror}."
    except UnicodeDecodeError:
        message = f"The chat template {path} is not UTF-8 text."
    except TemplateError as error:
        message = f"The chat template {path.name} is not valid{_line(error)}: {words(error)}."
    raise StudioError("config", message, "Set data.chat_template to `auto`, `none` or a Jinja file.")


def _own(tokenizer: Any) -> str:
    """Returns a tokenizer's template; of two, for conversations with tools and without, one that is both."""
    named = tokenizer.chat_template
    if not (isinstance(named, dict) and {"default", "tool_use"} <= named.keys()):
        return str(tokenizer.get_chat_template())
    # A template's last line break counts for nothing only at its very end.
    with_tools, without = (named[name].removesuffix("\n") for name in ("tool_use", "default"))
    return f"{{% if tools %}}{with_tools}{{% else %}}{without}{{% endif %}}"


def given_template(text: str) -> str:
    """Returns the text of a template that someone is writing, once it has been checked.

    Raises:
        StudioError: (config) it cannot be used.
    """
    try:
        return checked(text)
    except TemplateError as error:
        message = f"The chat template is not valid{_line(error)}: {words(error)}."
        raise StudioError("config", message, "Go on editing, or take the model's own.") from None


def checked(template: str) -> str:
    """Returns `template` once it has been compiled.

    Raises:
        TemplateError: it cannot be, or holds what no conversation needs.
        StudioError: (data) compiling it does not come to an end.
    """
    # A power of two numbers can hang inside Python where nothing can interrupt it, even while it is compiled.
    before = ""
    for _, kind, value in Environment().lex(template):
        if kind == "operator" and value == "**" and before not in ("(", ","):
            raise TemplateError("it raises a number to a power, which no conversation needs")
        before = before if kind in ("whitespace", "comment") else value
    with limited():
        render_jinja_template(conversations=[], chat_template=template)
    return template


def words(error: BaseException) -> str:
    """Returns a template's own words for why it failed, on one line."""
    # What stands for a fault of syntax as a whole repeats its line.
    said = str(error.message if isinstance(error, TemplateSyntaxError) else error)
    return " ".join(said.split())[:200].rstrip(".") or type(error).__name__


def _line(error: TemplateError) -> str:
    return f" in line {error.lineno}" if isinstance(error, TemplateSyntaxError) else ""
