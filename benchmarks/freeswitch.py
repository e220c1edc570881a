"""FreeSWITCH's events on one core, from bytes to events, and what a poll of its tables costs.

``python -m benchmarks.freeswitch``, some seconds. The frames and tables are those of the tests' fake, built after the module's source; no socket
and no Redis: both cost the same for every kind (``benchmarks.pipeline``).
"""

from __future__ import annotations

import sys
import time

from benchmarks.push import machine
from collectors.freeswitch.known import Known
from collectors.freeswitch.listing import Listing
from collectors.freeswitch.protocol import EslParser, parse_event
from collectors.freeswitch.tables import parse_table
from collectors.freeswitch.translate import Translator
from collectors.freeswitch.words import AGENT_COLUMNS, MEMBER_COLUMNS, QUEUE_COLUMNS, TIER_COLUMNS, WANTED
from tests.collectors.freeswitch.esl_server import EslServer
from tests.collectors.freeswitch.frames import event_frame

CALLS = 5_000
VARIABLES = 120
"""Channel variables that FreeSWITCH adds to the events of a caller on a busy system."""
QUEUES, AGENTS, TIERS, WAITING = 200, 500, 4, 5
POLLS = 5
POLL_S = 10.0
WANTED_EVENTS_A_S = 10_000
WANTED_CORE_PCT = 25.0
READ = 65_536


def events(variables: int) -> float:
    """Events a second, each with so many channel variables where a channel's data come with it."""
    server = EslServer()
    server.add_queue("q")
    server.add_agent("a", "q")
    for _ in range(CALLS):
        member = server.call_enters("q", name="王小明")
        server.answer(member, "a")
        server.end(member)
    more = {f"variable_of_the_channel_{n}": f"value {n} of pbx.example" for n in range(variables)}
    wire = b"".join(event_frame(said | more if "Unique-ID" in said else said) for said in server.said)
    parser, translator = EslParser(), Translator(Known(None), 60)
    now_ms, told = time.time_ns() // 1_000_000, 0
    began = time.process_time()
    for start in range(0, len(wire), READ):
        for frame in parser.feed(wire[start : start + READ]):
            told += len(translator.translate(parse_event(frame.body, WANTED), now_ms))
    spent = time.process_time() - began
    rate = parser.frames / spent
    print(
        f"  {parser.frames:,} events of {len(wire) // parser.frames:,} bytes → {told:,} of ours: {rate:,.0f} events/s"
    )
    return rate


def poll() -> float:
    """Per cent of a core that a poll every ten seconds takes."""
    server = EslServer()
    names = [f"q{n}@pbx.example" for n in range(QUEUES)]
    for name in names:
        server.add_queue(name)
        for _ in range(WAITING):
            server.call_enters(name, name="王小明")
    for n in range(AGENTS):
        server.add_agent(f"a{n}@pbx.example", *(names[(7 * n + k) % QUEUES] for k in range(TIERS)))
    listing = Listing(Known(None))
    members = {name: server.table(f"queue list members {name}") for name in names}
    queues, agents, tiers = (server.table(what) for what in ("queue list", "agent list", "tier list"))
    now_ms = time.time_ns() // 1_000_000
    began = time.process_time()
    for n in range(POLLS):
        listing.queues(parse_table(queues, QUEUE_COLUMNS))
        for name, answer in members.items():
            listing.members(name, parse_table(answer, MEMBER_COLUMNS, "cid_name"), now_ms, now_ms)
        listing.agents(parse_table(agents, AGENT_COLUMNS, "contact"), now_ms)
        listing.tiers(parse_table(tiers, TIER_COLUMNS), now_ms)
        if n == 0:
            listing.take_over(now_ms, now_ms, None, first=True)
    spent = (time.process_time() - began) / POLLS
    core_pct = spent / POLL_S * 100
    print(
        f"  a poll of {QUEUES} queues, {AGENTS} agents, {QUEUES * WAITING:,} who wait: {spent * 1000:.0f} ms, {core_pct:.1f} % of a core"
    )
    return core_pct


def main() -> int:
    print(machine())
    slowest = min(events(0), events(VARIABLES))
    core_pct = poll()
    reached = {
        f"at least {WANTED_EVENTS_A_S:,} events/s": slowest >= WANTED_EVENTS_A_S,
        f"a poll of {QUEUES} queues every {POLL_S:.0f} s under {WANTED_CORE_PCT:.0f} % of a core": core_pct
        < WANTED_CORE_PCT,
    }
    for what, held in reached.items():
        print(f"  {'reached' if held else 'NOT REACHED'}: {what}")
    return 0 if all(reached.values()) else 1


if __name__ == "__main__":
    sys.exit(main())
