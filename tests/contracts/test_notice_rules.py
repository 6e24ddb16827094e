"""`conf/notices.yml`: what cannot be meant is told with its place and what was expected there."""

import shutil
from pathlib import Path

import pytest

from tongdan.adapters.policy_files import ConfError, load_conf
from tongdan.domain.kernel.notices import KINDS, NoticePolicy, Quiet

CONF = Path(__file__).parents[2] / "conf"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A copy of the `conf/` that is delivered."""
    shutil.copytree(CONF, tmp_path / "conf")
    return tmp_path / "conf"


def test_what_is_delivered_says_what_it_means() -> None:
    notices = load_conf(CONF).policy.notices
    assert notices.quiet == Quiet(begin_minute=22 * 60, end_minute=8 * 60, zone_minutes=480)
    assert {rule.kind for rule in notices.rules} <= set(KINDS)
    shipped = notices.rule("shipped", "MP", "mp-main")
    assert shipped is not None
    assert [way.means for way in shipped.ways] == ["wechat-mini", "sms"]
    assert all(notices.rule("shipped", channel, "any") is None for channel in ("DY", "PD", "TB", "JD", "KS"))


def test_without_the_file_nobody_is_told(folder: Path) -> None:
    (folder / "notices.yml").unlink()
    assert load_conf(folder).policy.notices == NoticePolicy()


@pytest.mark.parametrize(
    ("old", "new", "place", "expected"),
    [
        ("kind: signed", "kind: lost", "rules[1].kind", "one of shipped, signed"),
        ("channels: [MP]", "channels: [XX]", "rules[0].channels", "some of"),
        ("channels: [MP]", "channels: [DY]", "rules[0].channels", "no channel of platform_informs"),
        ("channels: [MP]", "channels: [MP]\n    shops: [nobody]", "rules[0].shops", "shops of shops.yml"),
        ("means: sms", "means: pigeon", "rules[0].ways[1].means", "one of sms, wechat-mini"),
        ("template: SMS_474000001", "template: ''", "rules[0].ways[1].template", "the provider's number"),
        ("signature: 同单", "page: p", "rules[0].ways[1].signature", "the signature of the SMS"),
        ("thing2: carrier", "thing2: phone", "rules[0].ways[0].fields", "some of order, shop, carrier"),
        ("- means: sms", "- language: fr\n        means: sms", "rules[0].ways[1].language", "one of zh, en"),
        ("page: pages", "pages: pages", "rules[0].ways[0]", "unknown field `pages`"),
        ('begin: "22:00"', 'begin: "25:00"', "quiet.begin", "a time of day"),
        ('utc_offset: "+08:00"', 'utc_offset: "CST"', "quiet.utc_offset", "an offset such as"),
        ("receipt_within_s: 3600", "receipt_within_s: 0", "receipt_within_s", "a positive number of seconds"),
        ("ask_times: 3", "ask_times: -1", "ask_times", "a number from 0 to 20"),
        ("tells_service: [dy-main", "tells_service: [nobody", "tells_service", "shops of shops.yml"),
        ("quiet:", "quite:", "quite", "one of the keys"),
    ],
)
def test_a_mistake_is_told_with_its_place(
    folder: Path, old: str, new: str, place: str, expected: str
) -> None:
    path = folder / "notices.yml"
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new, 1))
    with pytest.raises(ConfError) as refused:
        load_conf(folder)
    assert (refused.value.file, refused.value.place) == ("notices.yml", place)
    assert expected in refused.value.expected


@pytest.mark.parametrize(
    ("gone", "place", "expected"),
    [
        ("sms", "rules[0].ways[1].means", "`sms` in partners.yml"),
        ("wechat_mini", "rules[0].ways[0].means", "`wechat_mini` in partners.yml"),
        ("service", "tells_service", "`service` in partners.yml"),
    ],
)
def test_who_tells_has_to_be_configured(folder: Path, gone: str, place: str, expected: str) -> None:
    path = folder / "partners.yml"
    head, _, rest = path.read_text().partition(f"\n{gone}:\n")
    kept = rest.splitlines(keepends=True)
    while kept and (kept[0].startswith(" ") or not kept[0].strip()):
        kept.pop(0)
    path.write_text(head + "\n" + "".join(kept))
    with pytest.raises(ConfError) as refused:
        load_conf(folder)
    assert refused.value.place == place
    assert expected in refused.value.expected
