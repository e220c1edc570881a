"""``make bench``: measure what the program promises to reach, one after the other. ``make bench ARGS="push latency"`` measures some.

Each benchmark is a process of its own and prints the machine that it ran on; the exit status is 1 when something was not reached.
"""

from __future__ import annotations

import subprocess
import sys

from benchmarks.roles import TOP

BENCHMARKS = {
    "pipeline": "events a second from the wire to the boards on one core, and a restart over a million events",
    "latency": "from an event on the wire to the number drawn in Chromium",
    "push": "screens that one web process feeds, and how soon",
    "screens": "what paired screens cost one web process",
    "costs": "what queues that nobody watches, screens and large boards cost",
    "freeswitch": "FreeSWITCH's events a second on one core, and what a poll of its tables costs",
    "webhook": "events a second that are pushed, and that none is lost when their door is killed",
    "memory": "memory of every role over a simulated month",
    "alerts": "alert rules at work",
    "intraday": "a month of twenty queues on the project manager's page",
    "sources": "fifty polled ACDs in one process, one of them with 200 queues, one hanging",
    "wall_page": "what a wall costs a slow screen: its first number, bytes, redraws, memory",
    "lead_tables": "200 ticking rows on a team lead's page",
}
"""In the order in which they run."""


def main(words: list[str]) -> int:
    known = {name: what for name, what in BENCHMARKS.items() if (TOP / "benchmarks" / f"{name}.py").exists()}
    unknown = [word for word in words if word not in known]
    if unknown:
        print(f"no benchmark is called {', '.join(unknown)}; there are:")
        print("\n".join(f"  {name:<10} {what}" for name, what in known.items()))
        return 2
    failed = []
    for name in words or known:
        print(f"── {name}: {known[name]}", flush=True)
        if subprocess.run([sys.executable, "-m", f"benchmarks.{name}"], cwd=TOP, check=False).returncode:
            failed.append(name)
        print(flush=True)
    if failed:
        print(f"not all was reached in: {', '.join(failed)}")
    return 1 if failed else 0


if __name__ == "__main__":
    try:
        sys.exit(main(sys.argv[1:]))
    except KeyboardInterrupt:
        sys.exit(130)
