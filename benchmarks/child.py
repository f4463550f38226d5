"""Run a command and measure it from outside: CPU seconds, peak memory, and why it ended."""

from __future__ import annotations

import os
import signal
import subprocess
import time
from dataclasses import dataclass
from pathlib import Path

POLL_SECONDS = 0.05
POLLS_A_TREE = 10
MEGABYTE = 2**20
PAGE = os.sysconf("SC_PAGE_SIZE")


@dataclass(frozen=True)
class Run:
    """How a command ended.

    ``cpu_seconds`` are user + system of the process and its waited-for children; ``peak_mb`` is the
    larger of the kernel's high-water mark of the process (read 20 times a second) and of the sum
    over its process tree (twice a second). The kernel's ``ru_maxrss`` is not used: it starts from
    the size of the process that forked. ``reason`` is ``None`` if the exit code was 0.
    """

    cpu_seconds: float
    wall_seconds: float
    peak_mb: float
    reason: str | None


def high_water_mb(process: int) -> float:
    """The kernel's peak resident size of one process, 0 if it has just ended."""
    try:
        status = Path(f"/proc/{process}/status").read_text(encoding="utf-8")
    except OSError:
        return 0.0
    marks = [line.split()[1] for line in status.splitlines() if line.startswith("VmHWM:")]
    return int(marks[0]) / 1024 if marks else 0.0


def tree_bytes(root: int) -> int:
    """Resident bytes of a process and all its descendants, now."""
    children: dict[int, list[int]] = {}
    resident: dict[int, int] = {}
    for entry in Path("/proc").iterdir():
        if not entry.name.isdigit():
            continue
        try:
            after_name = (entry / "stat").read_text(encoding="utf-8").rsplit(")", 1)[1].split()
        except OSError:
            continue
        children.setdefault(int(after_name[1]), []).append(int(entry.name))
        resident[int(entry.name)] = int(after_name[21]) * PAGE
    total, todo = 0, [root]
    while todo:
        process = todo.pop()
        total += resident.get(process, 0)
        todo += children.get(process, [])
    return total


def run_measured(
    command: list[str],
    log: Path,
    *,
    threads: int,
    memory_cap_mb: float,
    time_limit: float | None,
) -> Run:
    """Run ``command``, output to ``log``; end it above the memory cap or past the time limit."""
    environment = dict(os.environ, PYTHONHASHSEED="0", PYTHONWARNINGS="ignore")
    for name in ("OMP", "OPENBLAS", "MKL", "NUMEXPR", "LOKY_MAX_CPU"):
        key = f"{name}_COUNT" if name == "LOKY_MAX_CPU" else f"{name}_NUM_THREADS"
        environment[key] = str(threads)
    start, peak, polls, reason = time.monotonic(), 0.0, 0, None
    with log.open("wb") as sink:
        process = subprocess.Popen(
            command, stdout=sink, stderr=subprocess.STDOUT, env=environment, process_group=0
        )
        while True:
            waited, status, usage = os.wait4(process.pid, os.WNOHANG)
            if waited:
                break
            peak = max(peak, high_water_mb(process.pid))
            if polls % POLLS_A_TREE == 0:
                peak = max(peak, tree_bytes(process.pid) / MEGABYTE)
            polls += 1
            if peak > memory_cap_mb:
                reason = f"above {memory_cap_mb:.0f} MB of memory"
            elif time_limit is not None and time.monotonic() - start > time_limit:
                reason = f"not finished after {time_limit:.0f} s"
            if reason is not None:
                os.killpg(process.pid, signal.SIGKILL)
                _, status, usage = os.wait4(process.pid, 0)
                break
            time.sleep(POLL_SECONDS)
    process.returncode = os.waitstatus_to_exitcode(status)
    if reason is None and process.returncode != 0:
        reason = last_line(log) or f"exit code {process.returncode}"
    return Run(
        cpu_seconds=usage.ru_utime + usage.ru_stime,
        wall_seconds=time.monotonic() - start,
        peak_mb=peak,
        reason=reason,
    )


def last_line(log: Path) -> str:
    """The last line with text in it of a log."""
    lines = log.read_text(encoding="utf-8", errors="replace").strip().splitlines()
    return lines[-1][:200] if lines else ""
