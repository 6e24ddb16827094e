"""Keys of a task, and what a scan concludes: nothing but values, so a rule is tested by moving `now`."""

from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from tongdan.domain.confighealth import keeping
from tongdan.domain.confighealth.checks import (
    ALLOW_LIST,
    CALLBACK,
    CERTIFICATE,
    CHECKS,
    CLOCK,
    CRITICAL,
    ENVIRONMENT,
    EXPIRY,
    FAILED,
    IDLE,
    NO_KEY,
    PLAIN_FILE,
    SEVERITIES,
    UNKNOWN,
    WARNING,
    WORDS,
    Ending,
    Seen,
    end_of,
    ending,
    judge,
)
from tongdan.domain.confighealth.commands import (
    BindKey,
    NoteKeyWorks,
    PutKey,
    RecordScan,
    ReportKeyFailed,
    UnbindKey,
)
from tongdan.domain.confighealth.facts import Finding, HealthScanned, KeyFailed, KeySwitched, MailFindings
from tongdan.domain.confighealth.keeping import Credential
from tongdan.domain.confighealth.scanning import MAX_SCANS, Board, record_scan
from tongdan.domain.confighealth.scanning import evolve as evolve_board
from tongdan.domain.kernel.health import PRODUCTION, TEST, HealthPolicy
from tongdan.domain.kernel.messages import NOTHING, Command, Context, Decide, Decision, Refusal
from tongdan.domain.kernel.policy import Policy

NOW = datetime(2026, 1, 27, 4, tzinfo=UTC)
TASK = "sf/main"
DAY = timedelta(days=1)
DECIDE: dict[type[Command], Decide] = {
    PutKey: keeping.put_key,
    BindKey: keeping.bind_key,
    UnbindKey: keeping.unbind_key,
    ReportKeyFailed: keeping.report_failed,
    NoteKeyWorks: keeping.note_works,
}


class Keys:
    """One task, told commands one after the other."""

    def __init__(self, policy: HealthPolicy | None = None) -> None:
        self.state: Credential | None = None
        self.policy = Policy(health=policy or HealthPolicy())
        self.now = NOW

    def decided(self, command: Command) -> Decision | Refusal:
        ctx = Context(self.now, f"credential/{TASK}", self.policy, 1)
        decision = DECIDE[type(command)](self.state, command, ctx)
        if isinstance(decision, Decision):
            for fact in decision.facts:
                self.state = keeping.evolve(self.state, fact)
        return decision

    def facts(self, command: Command) -> list[str]:
        decision = self.decided(command)
        assert isinstance(decision, Decision), decision
        return [type(fact).__name__ for fact in decision.facts]

    def refused(self, command: Command) -> Refusal:
        before = self.state
        refusal = self.decided(command)
        assert isinstance(refusal, Refusal) and self.state == before
        return refusal

    @property
    def bound(self) -> str:
        assert self.state is not None
        return self.state.bound


def put(key: str, *, environment: str = PRODUCTION, standby: bool = False, **more: object) -> PutKey:
    said: dict[str, object] = {"fingerprint": f"f-{key}", "by": "li", **more}
    return PutKey(task=TASK, key=key, environment=environment, standby=standby, **said)  # type: ignore[arg-type]


def bind(key: str) -> BindKey:
    return BindKey(task=TASK, key=key, by="wang", reason="renewed")


def failed(key: str) -> ReportKeyFailed:
    return ReportKeyFailed(task=TASK, key=key, partner="carrier/SF", error="SF gateway: HTTP 401")


# ---- keys


def test_the_first_key_that_fits_is_bound_and_the_same_again_is_nothing() -> None:
    keys = Keys()
    assert keys.facts(put("main")) == ["KeyPut", "KeyBound"]
    assert keys.decided(put("main")) == NOTHING
    assert keys.facts(put("spare", standby=True)) == ["KeyPut"]
    assert keys.facts(put("main", fingerprint="renewed")) == ["KeyPut"]
    assert keys.bound == "main"


def test_a_test_key_is_not_bound_to_a_production_task_and_the_refusal_cites_who_bound_what() -> None:
    keys = Keys()
    assert keys.facts(put("sandbox", environment=TEST)) == ["KeyPut"]
    assert keys.bound == ""
    keys.decided(put("main"))
    no = keys.refused(bind("sandbox"))
    assert (no.name, no.status) == ("wrong-environment", 409)
    assert "- → main (li, 2026-01-27 12:00:00)" in no.en and "- → main (li" in no.zh
    assert keys.refused(put("sandbox", environment=TEST, standby=True)).name == "wrong-environment"
    assert keys.bound == "main"


def test_a_test_task_takes_test_keys_and_no_others() -> None:
    keys = Keys(HealthPolicy(tasks={TASK: TEST}))
    assert keys.facts(put("sandbox", environment=TEST)) == ["KeyPut", "KeyBound"]
    keys.decided(put("main"))
    assert keys.refused(bind("main")).name == "wrong-environment"


def test_a_key_nobody_put_is_not_bound_and_none_is_not_unbound() -> None:
    keys = Keys()
    assert keys.refused(bind("main")).name == "unknown-key"
    assert keys.refused(UnbindKey(task=TASK, by="li", reason="r")).name == "no-key-bound"


def test_the_standby_takes_over_once_and_a_late_report_of_the_old_key_is_no_news() -> None:
    keys = Keys()
    keys.decided(put("main"))
    keys.decided(put("spare", standby=True))
    decision = keys.decided(failed("main"))
    assert isinstance(decision, Decision)
    told, switched = decision.facts
    assert isinstance(told, KeyFailed) and told.successor == "spare"
    assert isinstance(switched, KeySwitched) and (switched.before, switched.key) == ("main", "spare")
    assert keys.decided(failed("main")) == NOTHING
    assert keys.facts(failed("spare")) == ["KeyFailed"]  # nobody is left
    assert keys.decided(failed("spare")) == NOTHING
    assert keys.bound == "spare"


def test_a_failed_key_is_chosen_again_only_when_somebody_has_mended_it() -> None:
    keys = Keys()
    for each in (put("main"), put("spare", standby=True), failed("main")):
        keys.decided(each)
    assert keys.decided(put("main")) != NOTHING  # even the same secret: somebody says that it is mended
    assert keys.state is not None and keys.state.keys["main"].failed_at is None
    assert keys.facts(bind("main")) == ["KeyBound"]
    assert keys.facts(failed("main")) == ["KeyFailed", "KeySwitched"]


def test_without_a_standby_the_key_stays_and_a_call_that_goes_well_clears_it() -> None:
    keys = Keys()
    keys.decided(put("main"))
    assert keys.facts(failed("main")) == ["KeyFailed"]
    assert keys.bound == "main"
    assert keys.facts(NoteKeyWorks(task=TASK, key="main")) == ["KeyRecovered"]
    assert keys.decided(NoteKeyWorks(task=TASK, key="main")) == NOTHING


def test_a_standby_that_comes_after_the_failure_takes_over_at_once() -> None:
    keys = Keys()
    keys.decided(put("main"))
    keys.decided(failed("main"))
    assert keys.facts(put("spare", standby=True)) == ["KeyPut", "KeySwitched"]


def test_a_key_of_the_plain_file_that_fails_is_known_by_that() -> None:
    keys = Keys()
    assert keys.facts(failed("main")) == ["KeyFailed"]
    assert keys.decided(failed("main")) == NOTHING
    assert keys.facts(put("main")) == ["KeyPut", "KeyBound"]


@given(st.integers(-400, 400))
def test_an_expired_standby_does_not_take_over(days: int) -> None:
    keys = Keys()
    keys.decided(put("main"))
    keys.decided(put("spare", standby=True, expires_on=date(2026, 1, 27) + days * DAY))
    assert keys.facts(failed("main")) == (["KeyFailed", "KeySwitched"] if days >= 0 else ["KeyFailed"])


_COMMANDS = st.lists(
    st.one_of(
        st.builds(put, st.sampled_from("abc"), standby=st.booleans()),
        st.builds(put, st.sampled_from("abc"), environment=st.just(TEST)),
        st.builds(bind, st.sampled_from("abc")),
        st.builds(failed, st.sampled_from("abc")),
        st.just(UnbindKey(task=TASK, by="li", reason="r")),
    ),
    max_size=25,
)


@given(_COMMANDS)
def test_whatever_happens_a_production_task_never_takes_up_a_test_key(commands: list[Command]) -> None:
    """A key that is in use may be sealed anew as a test key: it is then not called with, which the look-up refuses."""
    keys = Keys()
    for command in commands:
        before = keys.state.bound if keys.state else ""
        keys.decided(command)
        if keys.state is not None and keys.state.bound not in ("", before):
            # Of a key of the plain file nothing is known.
            assert keys.state.keys[keys.state.bound].environment in (PRODUCTION, "")
        if keys.state is not None and keys.state.bindings:
            assert keys.state.bindings[-1].key == keys.state.bound


# ---- what a scan concludes


def scanned(
    keys: Keys, now: datetime = NOW, policy: HealthPolicy | None = None, **seen: object
) -> list[tuple[str, str]]:
    whole: dict[str, object] = {"tasks": (TASK,), "sealed": True, **seen}
    states = {} if keys.state is None else {TASK: keys.state}
    findings, _ = judge(states, Seen(**whole), policy or HealthPolicy(), now)  # type: ignore[arg-type]
    return [(finding.check, finding.severity) for finding in findings]


def with_key(**more: object) -> Keys:
    keys = Keys()
    keys.decided(replace(put("main"), **{"expires_on": date(2027, 1, 1), **more}))
    return keys


@given(st.integers(-100, 100), st.integers(1, 60), st.integers(1, 60))
def test_a_date_that_comes_only_ever_gets_graver(hours: int, warn_days: int, critical_days: int) -> None:
    policy = HealthPolicy(warn_days=warn_days, critical_days=critical_days)
    grave = {None: 0, WARNING: 1, CRITICAL: 2}
    until = NOW + 40 * DAY
    last = 0
    for step in range(100):
        now = NOW + step * DAY + timedelta(hours=hours)
        found = ending(EXPIRY, "sf/main/main", until, policy, now)
        level = grave[found.severity if found else None]
        assert level >= last
        last = level
    assert last == 2


@pytest.mark.parametrize(
    ("left_days", "severity"), [(31, None), (29, WARNING), (8, WARNING), (6, CRITICAL), (-3, CRITICAL)]
)
def test_a_key_that_expires(left_days: int, severity: str | None) -> None:
    keys = with_key(expires_on=date(2026, 3, 1))
    now = end_of(date(2026, 3, 1)) - left_days * DAY
    assert [each for each in scanned(keys, now) if each[0] == EXPIRY] == (
        [] if severity is None else [(EXPIRY, severity)]
    )


def test_a_key_of_which_nobody_said_when_it_expires_is_unknown_and_not_fine() -> None:
    keys = with_key(expires_on=None)
    assert keys.state is not None
    findings, fine = judge({TASK: keys.state}, Seen(tasks=(TASK,), sealed=True), HealthPolicy(), NOW)
    assert [(f.check, f.severity, f.about) for f in findings] == [(EXPIRY, UNKNOWN, "sf/main/main")]
    _, all_fine = judge(
        {TASK: with_key().state or keys.state}, Seen(tasks=(TASK,), sealed=True), HealthPolicy(), NOW
    )
    assert fine == all_fine - 1


@pytest.mark.parametrize(
    ("idle", "severity"), [(0, None), (4.9, None), (5.1, WARNING), (6.1, CRITICAL), (9, CRITICAL)]
)
def test_a_key_that_is_frozen_after_seven_days_without_a_call(idle: float, severity: str | None) -> None:
    keys = with_key(idle_days=7)
    now, used = NOW + 100 * DAY, NOW + 100 * DAY - idle * DAY
    found = scanned(keys, now, used={"sf/main/main": used})
    assert found == ([] if severity is None else [(IDLE, severity)])


def test_a_key_nobody_ever_used_is_idle_since_it_was_put() -> None:
    assert scanned(with_key(idle_days=7), NOW + 6.5 * DAY) == [(IDLE, CRITICAL)]
    assert scanned(with_key(), NOW + 100 * DAY) == []


@pytest.mark.parametrize(
    ("address", "found"),
    [
        ("203.0.113.7", []),
        ("198.51.100.1", [(ALLOW_LIST, CRITICAL)]),
        (None, [(ALLOW_LIST, UNKNOWN)]),
    ],
)
def test_the_allow_list_and_our_address(address: str | None, found: list[tuple[str, str]]) -> None:
    assert scanned(with_key(allow=("192.0.2.1", "203.0.113.0/24")), address=address) == found


def test_certificates_clocks_and_callbacks() -> None:
    keys = with_key()
    near = {"a.example.com": Ending(NOW + 3 * DAY), "b.example.com": Ending(NOW + 90 * DAY)}
    assert scanned(keys, certificates=near) == [(CERTIFICATE, CRITICAL)]
    assert scanned(keys, certificates={"a": Ending(None, "refused")}) == [(CERTIFICATE, UNKNOWN)]
    assert scanned(keys, clocks={"a": 1.0}) == []
    assert scanned(keys, clocks={"a": -31.0, "b": 241.0, "c": None}) == [
        (CLOCK, CRITICAL), (CLOCK, WARNING), (CLOCK, UNKNOWN),
    ]  # fmt: skip
    assert scanned(keys, callbacks={"u": ""}) == []
    assert scanned(keys, callbacks={"u": "HTTP 502"}) == [(CALLBACK, CRITICAL)]
    assert scanned(keys, callbacks={"u": None}) == [(CALLBACK, UNKNOWN)]


def test_a_task_without_a_key_and_one_whose_key_has_failed_are_critical() -> None:
    assert scanned(Keys()) == [(NO_KEY, CRITICAL)]
    assert scanned(Keys(), sealed=False) == [(PLAIN_FILE, WARNING), (EXPIRY, UNKNOWN)]
    keys = with_key()
    keys.decided(failed("main"))
    assert scanned(keys) == [(FAILED, CRITICAL)]
    assert scanned(with_key(), policy=HealthPolicy(tasks={TASK: TEST})) == [(ENVIRONMENT, CRITICAL)]


def test_every_check_has_words_in_both_languages() -> None:
    assert set(WORDS) == set(CHECKS)
    assert all(all(words) for words in WORDS.values())


# ---- the board


def test_scans_are_numbered_kept_and_mailed_when_they_find_something() -> None:
    board = Board()
    finding = Finding(check=EXPIRY, severity=CRITICAL, about="sf/main/main", until=NOW)
    command = RecordScan(findings=(finding,), fine=3, by="li", mail=True)
    for n in range(1, MAX_SCANS + 3):
        decision = record_scan(board, command, Context(NOW, "health/board", Policy(), 1))
        assert isinstance(decision, Decision)
        [fact], [effect] = decision.facts, decision.effects
        assert isinstance(fact, HealthScanned) and isinstance(effect, MailFindings)
        assert fact.no == effect.no == n
        board = evolve_board(board, fact)
    assert len(board.scans) == MAX_SCANS
    assert (board.scans[-1].critical, board.scans[-1].fine, board.findings) == (1, 3, (finding,))
    for quiet in (replace(command, findings=()), replace(command, mail=False)):
        decision = record_scan(board, quiet, Context(NOW, "health/board", Policy(), 1))
        assert isinstance(decision, Decision) and decision.effects == ()
    assert SEVERITIES[0] == CRITICAL
