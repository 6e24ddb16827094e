"""Promises: the language follows --lang, then TONGDAN_LANG, then the locale; both languages are complete."""

import pytest

from tongdan.cli.language import choose


@pytest.mark.parametrize(
    ("argv", "environ", "language"),
    [
        (["--lang", "zh", "verify"], {"LANG": "en_US.UTF-8"}, "zh"),
        (["--lang=en", "verify"], {"LANG": "zh_CN.UTF-8"}, "en"),
        (["verify"], {"TONGDAN_LANG": "zh", "LANG": "en_US.UTF-8"}, "zh"),
        (["verify"], {"LC_ALL": "", "LANG": "zh_CN.UTF-8"}, "zh"),
        (["verify"], {"LC_ALL": "C", "LANG": "zh_CN.UTF-8"}, "en"),
        (["verify", "--lang"], {}, "en"),
        ([], {}, "en"),
    ],
)
def test_language_is_chosen_once(argv: list[str], environ: dict[str, str], language: str) -> None:
    assert choose(argv, environ) == language
