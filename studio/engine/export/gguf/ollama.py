"""Ollama's Modelfile, and the model's chat template in the language that Ollama has for it."""

import json
from collections.abc import Sequence

from studio.engine.labels import Encoder
from studio.engine.rendering import ChatTemplate

# Contents to find again in what a template writes, and such as a template might change.
_PLAIN = ("\ue000one", "\ue001two", "\ue002three", "\ue003four", "\ue004five", "\ue005six")
_ODD = ('Say "a{{b}}"\n\nand \\n', "你好 <b>x</b>", "1\n2", "`x` | y", "<a>", "[INST]x")


def modelfile(files: Sequence[str], template: str | None, stops: Sequence[str], system: str = "") -> str:
    """Returns a Modelfile.

    Args:
        files: its first lines, which name the files.
        template: in Go's language; None: none can be written.
        stops: the texts that end an answer.
        system: the system prompt of conversations that have none; empty: none.
    """
    lines = [*files]
    if template is not None:
        lines.append(f'TEMPLATE """{template}"""')
    if system and '"""' not in system:
        lines.append(f'SYSTEM """{system}"""')
    lines += [f'PARAMETER stop "{stop}"' for stop in stops if stop.isprintable() and not {'"', "\\"} & {*stop}]
    return "\n".join(lines) + "\n"


class Joints:
    """What a template writes between messages, as far as that depends on their roles alone.

    Attributes:
        between: by the roles on both sides; nothing stands for the beginning and the end.
        sound: whether there is anything to write by.
        knows_system: whether a conversation may begin with a system message.
    """

    def __init__(self, chat: ChatTemplate) -> None:
        """Reads them off conversations that have texts to be found again."""
        self._chat = chat
        self.between: dict[tuple[str, str], str] = {}
        self.knows_system = self._read(["system", "user", "assistant", "user"])
        plain = self._read(["user", "assistant", "user"])
        # A Modelfile loses what cannot be seen.
        seen = all(sign.isprintable() or sign in "\n\r\t" for text in self.between.values() for sign in text)
        self.sound = plain and seen and "strftime_now" not in chat.text

    def same(self, contents: Sequence[str]) -> bool:
        """Whether conversations with these contents are written as by the template itself."""
        rounds = [["user"], ["user", "assistant", "user"], ["user", "assistant", "user", "assistant", "user"]]
        if self.knows_system:
            rounds += [["system", *roles] for roles in rounds]
        return all(self._written(roles, contents) == self._true(roles, contents) for roles in rounds)

    def _true(self, roles: Sequence[str], contents: Sequence[str]) -> str:
        messages = [{"role": role, "content": text} for role, text in zip(roles, contents, strict=False)]
        return self._chat.tried(messages, prompted=True)

    def _written(self, roles: Sequence[str], contents: Sequence[str]) -> str:
        text, before = "", ""
        for role, content in zip(roles, contents, strict=False):
            text, before = text + self.between[before, role] + content, role
        return text + self.between[before, ""]

    def _read(self, roles: Sequence[str]) -> bool:
        rest, before = self._true(roles, _PLAIN), ""
        for role, content in zip(roles, _PLAIN, strict=False):
            joint, found, rest = rest.partition(content)
            if not found:
                return False
            self.between[before, role] = joint
            before = role
        self.between[before, ""] = rest
        return True


def go_template(encoder: Encoder, begins: bool) -> tuple[str | None, list[str]]:
    """Writes a chat template in Go's language, where it comes to the same.

    Args:
        encoder: the one of the training.
        begins: whether the file has llama.cpp put the token that begins texts before a prompt.

    Returns:
        The template, None: it cannot be written faithfully; and what there is to know of it, in sentences.
    """
    if encoder.template is None:
        return None, ["The model has no chat template: it goes on with a text as it stands."]
    joints = Joints(ChatTemplate(encoder.template, encoder.tokenizer))
    if not joints.sound or not joints.same(_PLAIN) or not joints.same(_ODD):
        told = "Ollama does not read the chat template in the file, and it cannot be written in Ollama's own language"
        return None, [f"{told}: use llama.cpp or LM Studio for conversations, or write a TEMPLATE line of your own."]
    notes = ["With Ollama a system message counts at the beginning of a conversation."]
    if not joints.knows_system:
        notes = ["The model knows no system message, and Ollama leaves one out."]
    if not joints.same([f" {text}\n" for text in _ODD]):
        notes.append("The model's template takes the spaces around a message away; Ollama leaves them.")
    bos = encoder.tokenizer.bos_token if begins else ""
    between = {key: text.removeprefix(bos) if key[0] == "" else text for key, text in joints.between.items()}
    return _written(between, joints.knows_system), notes


def _written(between: dict[tuple[str, str], str], knows_system: bool) -> str:
    """Returns the template: before each message what joins it to the one before, behind the last what begins an answer.

    An answer at the end is one to go on with.
    """
    first, later = _text(between["", "user"]), _text(between["assistant", "user"])
    asked = f'{{{{- if eq .Role "user" }}}}{{{{ if eq $i 0 }}}}{first}'
    lines = ["{{- range $i, $m := .Messages }}"]
    if knows_system:
        lines.append(f'{{{{- if and (eq .Role "system") (eq $i 0) }}}}{_text(between["", "system"])}{{{{ .Content }}}}')
        asked = asked.replace("- if", "- else if", 1)
        behind = _text(between["system", "user"])
        asked += f'{{{{ else if and (eq $i 1) (eq (index $.Messages 0).Role "system") }}}}{behind}'
    end = '{{- if and (eq (len (slice $.Messages $i)) 1) (ne .Role "assistant") }}'
    lines += [
        f"{asked}{{{{ else }}}}{later}{{{{ end }}}}{{{{ .Content }}}}",
        f'{{{{- else if eq .Role "assistant" }}}}{_text(between["user", "assistant"])}{{{{ .Content }}}}',
        "{{- end }}",
        f"{end}{_text(between['user', ''])}{{{{ end }}}}",
        "{{- end }}",
    ]
    return "\n".join(lines)


def _text(text: str) -> str:
    """Writes a text so that no space or line break of it is lost."""
    return f"{{{{ {json.dumps(text, ensure_ascii=False)} }}}}" if text else ""
