"""Which language the user reads: --lang, else TONGDAN_LANG, else the locale; Chinese or English.

Both texts stand side by side where they are used, so neither can be forgotten. The choice is made once, when the
program starts, because help texts are fixed by then.
"""

import os
import re
import sys
from collections.abc import Mapping, Sequence
from typing import Final, Literal

Language = Literal["zh", "en"]
_BREAK: Final = re.compile(r"(?<!\n)\n(?!\n)")
_LOCALE: Final = ("TONGDAN_LANG", "LC_ALL", "LC_MESSAGES", "LANG")


def choose(argv: Sequence[str], environ: Mapping[str, str]) -> Language:
    """`--lang zh`, `--lang=zh`, or the first of the environment's settings that is not empty."""
    for at, word in enumerate(argv):
        if word == "--lang" and at + 1 < len(argv):
            return _read(argv[at + 1])
        if word.startswith("--lang="):
            return _read(word.removeprefix("--lang="))
    return _read(next((environ[name] for name in _LOCALE if environ.get(name)), ""))


def _read(value: str) -> Language:
    return "zh" if value.lower().startswith("zh") else "en"


LANGUAGE: Final[Language] = choose(sys.argv[1:], os.environ)


def t(en: str, zh: str) -> str:
    """The text in the user's language."""
    return zh if LANGUAGE == "zh" else en


def prose(en: str, zh: str) -> str:
    """A text of paragraphs whose lines are broken by the terminal, not by the source."""
    return _BREAK.sub("" if LANGUAGE == "zh" else " ", t(en, zh))


def teach(en: str, zh: str, *examples: str) -> str:
    """A command's help: what it does, then commands to try."""
    lines = "\n\n".join(f"  {example}" for example in examples)
    return f"{prose(en, zh)}\n\n{t('Examples:', '示例：')}\n\n{lines}"
