from tests.collectors.queue_log.test_end_to_end_gap import *
from tests.collectors.conftest import *
def test_x(empty_redis, tmp_path):
    log = tmp_path / "queue_log"; log.touch()
    asyncio.run(watched(empty_redis, log, {"queue_log": str(log)}, the_gap(empty_redis)))
    for ev in told(empty_redis):
        if type(ev).__name__ not in("AgentChanged","AgentQueues"): print(ev)
    print(counted(empty_redis))
    f=Floor()
    for ev in told(empty_redis): f.apply(ev)
    for k,h in f.visits.items(): print(k,[(v.outcome,v.entered_at%1000000,(v.ended_at or 0)%1000000,v.over_at and v.over_at%1000000,v.agent) for v in h.visits])
    assert counted(empty_redis)["offered"] == 6
