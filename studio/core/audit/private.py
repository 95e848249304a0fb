"""Secrets and personal data in a text, by pattern, and by checksum where there is one.

Each kind has a quick expression, which Arrow looks for in whole batches, and a finder of the exact places.
"""

import re
from collections.abc import Callable

Spans = list[tuple[int, int]]

_KEY = "[A-Z ]{0,30}PRIVATE KEY(?: BLOCK)?-----"
# What stands between the lines of a key, also where it lies in JSON, once or twice, or in a quoted mail.
_BREAK = r"(?:[\s>]|\\+[nrt])"
_END_OF_LINE = r"[^\S\n]*(?:\r?\n|(?:\\+r)?\\+n)"
# A key whose end is missing: its headers, its lines of base64, and behind these a short one, such as the padding that
# had no room, and a checksum.
_BODY = (
    rf"(?:{_BREAK}*+[A-Z][A-Za-z-]{{2,30}}: [^\\\n]{{0,200}})*+"
    rf"(?:(?:{_BREAK}*+[A-Za-z0-9+/]{{16,}}+={{0,2}})++"
    rf"(?:{_END_OF_LINE}[ \t>]*+(?:=?[A-Za-z0-9+/]{{1,15}}+={{0,2}}|={{1,2}})(?={_END_OF_LINE}|\s*\Z)){{0,2}}+)?+"
)
# Shapes that the issuers themselves document, so that leaked keys can be found by programs.
_SECRETS = (
    rf"-----BEGIN {_KEY}(?:(?:[^-]|-(?!----(?:BEGIN|END) ))*+-----END {_KEY}|{_BODY})",
    r"\b(?:AKIA|ASIA)[0-9A-Z]{16}\b",
    r"\bgh[pousr]_[A-Za-z0-9]{36,255}\b",
    r"\bgithub_pat_[A-Za-z0-9_]{22,255}\b",
    r"\bglpat-[A-Za-z0-9_-]{20,64}",
    r"\bxox[abeoprs]-[A-Za-z0-9-]{10,250}",
    r"\bAIza[0-9A-Za-z_-]{35}",
    # Words joined by hyphens have no digit.
    r"\bsk-(?=[A-Za-z_-]{0,60}[0-9])[A-Za-z0-9_-]{20,250}",
    r"\b[rs]k_live_[0-9A-Za-z]{16,250}",
    r"\bhf_[A-Za-z0-9]{34}\b",
    r"\bnpm_[A-Za-z0-9]{36}\b",
    r"\bSG\.[\w-]{22}\.[\w-]{43}",
    r"\beyJ[\w-]{8,4000}\.eyJ[\w-]{8,8000}\.[\w-]{8,1000}",
)
_SECRET = re.compile("|".join(_SECRETS), re.ASCII)
# Not what is a file's place or name: `git@host:path`, `name@host:path/`, `ssh://name@host` and `logo@2x.png`.
_FILE = r"[\w.-]{0,255}(?:\.(?i:png|jpe?g|gif|webp|svg|bmp|ico|avif)(?!\.?[\w-])|:[\w.~-]{0,255}/)"
_MAIL = re.compile(
    r"(?<![\w.+-])(?<!://)(?!git@[\w.-]{1,255}:\w)[\w.+-]{1,64}"
    rf"@(?!{_FILE})(?:[\w-]{{1,63}}\.){{1,8}}[A-Za-z]{{2,24}}(?![\w-])"
)
# RFC 2606: names that are nobody's.
_NOBODY = re.compile(r"@(?:[\w-]+\.)*(?:example(?:\.(?:com|net|org))?|test|invalid|localhost)$", re.IGNORECASE)
_PHONE = re.compile(
    r"(?<![\w+.])(?:\+\d(?:[ ().-]{0,2}\d){7,14}|\(\d{3}\) ?\d{3}[ .-]\d{4}|\d{3}[.-]\d{3}[.-]\d{4})(?![\w-])", re.ASCII
)
# Of the numbers that begin with 2, Mastercard's alone, from 2221 to 2720.
_CARD = re.compile(
    r"(?<![\w.-])(?:[3-6]\d{3}(?:[ -]?\d{2,6}){2,4}"
    r"|2(?:22[1-9]|2[3-9]\d|[3-6]\d\d|7[01]\d|720)(?:[ -]?\d{4}){3})(?![\w-])",
    re.ASCII,
)
_IBAN = re.compile(r"\b[A-Z]{2}\d{2}(?: ?[A-Z0-9]{4}){2,7}(?: ?[A-Z0-9]{1,3})?\b", re.ASCII)

# What Arrow looks for first: without one of these no text holds the kind.
QUICK = {
    "secret": r"-----BEGIN|A[KS]IA[0-9A-Z]|gh[pousr]_|github_pat_|glpat-|xox[abeoprs]-|AIza|\bsk-|k_live_|hf_|npm_|SG\."
    r"|eyJ",
    "mail": "@",
    "phone": r"\+\d|\d{3}\)? ?[ .-]?\d{3}[ .-]\d{4}",
    "card": r"\d(?:[ -]?\d){12}",
    "iban": r"[A-Z]{2}\d{2} ?[A-Z0-9]{4} ?[A-Z0-9]{2}",
}


def secrets(text: str) -> Spans:
    """Finds private keys, tokens and API keys of known shapes."""
    return [found.span() for found in _SECRET.finditer(text)]


def mails(text: str) -> Spans:
    """Finds mail addresses; not those that are kept for examples."""
    return [found.span() for found in _MAIL.finditer(text) if not _NOBODY.search(found.group())]


def phones(text: str) -> Spans:
    """Finds telephone numbers written internationally or in the American way."""
    return [found.span() for found in _PHONE.finditer(text)]


def cards(text: str) -> Spans:
    """Finds numbers of payment cards: 13 to 19 digits that pass the checksum of ISO/IEC 7812 (Luhn)."""
    return [found.span() for found in _CARD.finditer(text) if _luhn(found.group())]


def ibans(text: str) -> Spans:
    """Finds account numbers that pass the checksum of ISO 13616."""
    return [found.span() for found in _IBAN.finditer(text) if _mod_97(found.group())]


FINDERS: dict[str, Callable[[str], Spans]] = {
    "secret": secrets,
    "mail": mails,
    "phone": phones,
    "card": cards,
    "iban": ibans,
}
_STAND_INS = {
    "secret": "[SECRET]",
    "mail": "[EMAIL]",
    "phone": "[PHONE]",
    "card": "[CARD NUMBER]",
    "iban": "[ACCOUNT NUMBER]",
}


def redacted(text: str, kind: str) -> str:
    """Returns a text with a plain word in the place of everything of a kind."""
    while spans := FINDERS[kind](text):
        ends = [0, *(end for _, end in spans)]
        starts = [*(start for start, _ in spans), len(text)]
        text = _STAND_INS[kind].join(text[end:start] for end, start in zip(ends, starts, strict=True))
    return text


def _luhn(number: str) -> bool:
    digits = [int(sign) for sign in number if sign.isdigit()]
    if not 13 <= len(digits) <= 19 or len(set(digits)) == 1:
        return False
    doubled = [sum(divmod(2 * digit, 10)) for digit in digits[-2::-2]]
    return (sum(digits[-1::-2]) + sum(doubled)) % 10 == 0


def _mod_97(number: str) -> bool:
    signs = number.replace(" ", "")
    if not 15 <= len(signs) <= 34:
        return False
    return int("".join(str(int(sign, 36)) for sign in signs[4:] + signs[:4])) % 97 == 1
