"""What every ACD that is asked, rather than followed, has in common: the wire, the schedule, the clock, the people, the quarters."""
