"""What the made-up PBX of the benchmarks says is what the program makes of it."""

from __future__ import annotations

from itertools import takewhile

from benchmarks.phone_centre import CALM_MS, PhoneCentre
from collectors.asterisk.protocol import AmiParser
from collectors.asterisk.translate import Translator
from collectors.asterisk.words import ONLY_WITH, WANTED
from operations.floor.floor import Floor

START = 1_795_320_000_000
TEN_MINUTES = 600_000


def centre() -> PhoneCentre:
    return PhoneCentre(queues=8, agents=24, calls_a_s=2, start_ms=START)


def test_each_number_that_it_promises_is_what_the_floor_shows_after_that_message() -> None:
    made_up, parser, translator, floor = centre(), AmiParser(WANTED, ONLY_WITH), Translator(), Floor()
    translator.expect_list("x", START)
    for row in made_up.listing(START):
        for message in parser.feed(row):
            for event in translator.translate(message, START):
                floor.apply(event)
    promised = 0
    for said in takewhile(lambda said: said.at < START + TEN_MINUTES, made_up.told()):
        for event in translator.due(said.at):
            floor.apply(event)
        for message in parser.feed(said.raw):
            for event in translator.translate(message, said.at):
                floor.apply(event)
        if said.queue:
            promised += 1
            assert len(floor.waiting.get(said.queue, {})) == said.waiting
    assert promised > 1_000


def test_its_messages_come_in_order_and_no_queue_changes_twice_within_the_calm() -> None:
    at, last = START, dict.fromkeys((queue.name for queue in centre().queues), START - CALM_MS)
    for said in takewhile(lambda said: said.at < START + TEN_MINUTES, centre().told()):
        assert said.at >= at
        at = said.at
        if said.queue:
            assert said.at - last[said.queue] >= CALM_MS
            last[said.queue] = said.at


def test_the_list_of_a_running_centre_names_everybody_who_waits() -> None:
    made_up = centre()
    waiting: dict[str, int] = {}
    for said in takewhile(lambda said: said.at < START + TEN_MINUTES, made_up.told()):
        if said.queue:
            waiting[said.queue] = said.waiting
    rows = [row for row in made_up.listing(START + TEN_MINUTES) if row.startswith(b"Event: QueueEntry")]
    assert len(rows) == sum(len(queue.waiting) for queue in made_up.queues)
    assert abs(len(rows) - sum(waiting.values())) <= 1  # the message after the last may have been taken from the centre
