// A page that asks for its whole state every two seconds, and what it means when nobody answers.

const POLL_MS = 2_000;
const SILENT_MS = 15_000;
export const CHECKED_MS = 10_000;

export class Polled {
  constructor(url, root, page, live) {
    const { perf, slot, formatter } = live;
    Object.assign(this, { url, page, live, f: formatter(page), said: null, word: perf(), base: perf(), asked: -POLL_MS, state: 'connecting', problem: '' });
    for (const name of ['clock', 'link']) this[name] = slot(root, name);
  }

  // Whether anybody is there to see or hear what comes.
  get watched() { return !document.hidden; }

  async ask() {
    const { clock, perf, ms, signedOut, draw } = this.live;
    if (this.asking) return;
    this.asking = true;
    this.asked = perf();
    try {
      const answer = await fetch(this.url, { cache: 'no-store', signal: AbortSignal.timeout(6_000) });
      signedOut(answer.status);
      this.problem = answer.status === 401 || answer.status === 403 ? 'sign_in' : '';
      if (answer.ok || answer.status === 503) this.word = perf(); // 503: it is there, and its database is not
      if (answer.ok) {
        this.said = await answer.json();
        clock.hear(ms(this.said.now));
        if (this.said.redis !== false) this.base = perf();
        this.state = 'live';
      }
    } catch { // silence says it
    } finally {
      this.asking = false;
      draw();
    }
  }

  tick() {
    const { perf } = this.live;
    if (perf() - this.asked >= POLL_MS - 200 && this.watched) this.ask();
    if (perf() - this.word > POLL_MS * 2.5) this.state = 'lost';
  }

  wake() { // what was heard before says nothing about now
    this.word = Math.min(this.word, this.live.perf() - SILENT_MS + 1_500);
    this.ask();
  }

  off() { // why what is shown may not be what is; null while it may
    const { clock, perf } = this.live;
    const silent = perf() - this.word, mute = perf() - this.base;
    if (silent > SILENT_MS) return { why: 'no_server', since: clock.now() - silent };
    return mute > CHECKED_MS ? { why: 'no_redis', since: clock.now() - mute } : null;
  }

  drawFrame() {
    const { clock, write, mark } = this.live, { f } = this;
    write(this.clock, clock.known ? f.clock(clock.now(), this.page.time_zone) : '');
    mark(this.link, 'data-state', this.state);
    write(this.link, f.say(this.problem || this.state));
  }
}
