"""Where the centre's CPU goes: a sampler inside each of its processes, put there by the benchmark and nothing else.

`environment(PLACE)` is what a process and its children are started with, so that each runs under a timer from its
first line on. Each tick charges every thread's CPU time since the last one (its own clock, so nothing is lost while a
C function holds the interpreter) to the stage of its innermost known frame. A batch's shared work is split between
intake and reactions by its items. SIGUSR2 begins the next phase (start, load, drain); each phase is written when the
next begins and at exit; `spent` adds up what all wrote.
"""

import atexit
import json
import os
import signal
import sys
import threading
import time
from collections import Counter, defaultdict
from pathlib import Path
from types import FrameType
from typing import Final

from bench.processes import ROOT
from bench.stages import REST, stage_of

TICK_S: Final = 0.001
PHASES: Final = ("start", "load", "drain", "after")
INTAKE: Final = "intake"
REACTIONS: Final = "reactions"
_AT_ENTRY_BYTES: Final = 8  # an instruction pointer below this has not left the function's first instructions
_DEEPEST: Final = 60
_WHERE: Final = "TONGDAN_BENCH_STAGES"


class Sampler:
    def __init__(self, out: Path) -> None:
        self._out = out
        self._phase = 0
        self._spent_ns: list[defaultdict[tuple[str, str], float]] = [defaultdict(float) for _ in PHASES]
        self._ticks = [0] * len(PHASES)
        self._clocks: dict[int, int] = {}
        self._main = threading.main_thread().ident or 0
        self._running = True
        self._share: tuple[int, int, float] = (0, 0, 0.0)

    def start(self) -> None:
        signal.signal(signal.SIGALRM, self._tick)
        signal.signal(signal.SIGUSR2, self._next_phase)
        # Real time, because the kernel counts CPU timers in its own ticks of 4 ms; idle ticks charge nothing.
        signal.setitimer(signal.ITIMER_REAL, TICK_S)
        atexit.register(self._stop)

    def _stop(self) -> None:
        self._running = False
        signal.setitimer(signal.ITIMER_REAL, 0)
        self._write()

    def _next_phase(self, _: int, __: FrameType | None) -> None:
        self._phase = min(self._phase + 1, len(PHASES) - 1)
        self._write()

    def _write(self) -> None:
        phases = {
            phase: {
                "ticks": ticks,
                "cpu_s": {f"{who}/{stage}": ns / 1e9 for (who, stage), ns in sorted(spent.items())},
            }
            for phase, ticks, spent in zip(PHASES, self._ticks, self._spent_ns, strict=True)
        }
        self._out.write_text(json.dumps(phases))

    def _tick(self, _: int, here: FrameType | None) -> None:
        self._ticks[self._phase] += 1
        for ident, frame in sys._current_frames().items():
            clock = time.clock_gettime_ns(time.pthread_getcpuclockid(ident))
            spent = clock - self._clocks.get(ident, clock)
            self._clocks[ident] = clock
            if spent > 0:
                self._charge(here if ident == self._main else frame, spent)
        # What this tick cost is left out of the next one's account; it is set now, so ticks never overlap.
        self._clocks[self._main] = time.thread_time_ns()
        signal.setitimer(signal.ITIMER_REAL, TICK_S if self._running else 0)

    def _charge(self, frame: FrameType | None, spent_ns: int) -> None:
        stage, reactions = "", 0.0
        # A signal is seen between instructions: what is seen at a function's entry its caller spent.
        if frame is not None and frame.f_lasti <= _AT_ENTRY_BYTES:
            frame = frame.f_back
        for _ in range(_DEEPEST):
            if frame is None:
                break
            code = frame.f_code
            stage = stage or stage_of(code)
            if code.co_name in ("_one", "_transact") and "tongdan/flow/" in code.co_filename:
                reactions = self._reactions(frame)
                break
            if "tongdan/flow/relay" in code.co_filename or "tongdan/flow/effects" in code.co_filename:
                reactions = 1.0
                break
            frame = frame.f_back
        if stage == "commit":  # in a thread of its own, for the batch last seen
            reactions = self._share[2]
        spent = self._spent_ns[self._phase]
        if reactions < 1:
            spent[INTAKE, stage or REST] += spent_ns * (1 - reactions)
        if reactions:
            spent[REACTIONS, stage or REST] += spent_ns * reactions

    def _reactions(self, frame: FrameType) -> float:
        """Which part of this command or batch the loop made itself (reactions, effects' outcomes, timers)."""
        names = frame.f_locals
        item, items = names.get("item"), names.get("items")
        if frame.f_code.co_name == "_one":
            return float(not getattr(item, "inbox_key", b"x"))
        if not items:
            return 1.0
        if self._share[:2] != (id(items), len(items)):
            own = sum(1 for each in items if not each.inbox_key)
            self._share = (id(items), len(items), own / len(items))
        return self._share[2]


def environment(place: Path) -> dict[str, str]:
    """Variables under which Python runs `startup/sitecustomize.py`, and that calls `begin`."""
    paths = [ROOT / "bench" / "startup", ROOT, *filter(None, [os.environ.get("PYTHONPATH")])]
    return {"PYTHONPATH": os.pathsep.join(map(str, paths)), _WHERE: str(place)}


def begin() -> None:
    Sampler(Path(os.environ[_WHERE]) / f"stages-{os.getpid()}.json").start()


def spent(place: Path, phase: str) -> dict[str, float]:
    """CPU seconds of all processes in a phase, by who/stage."""
    whole = Counter[str]()
    for path in place.glob("stages-*.json"):
        whole.update(json.loads(path.read_bytes())[phase]["cpu_s"])
    return dict(whole)
