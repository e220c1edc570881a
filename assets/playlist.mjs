// Several walls in turn, or what a paired screen was told to show. One feed is open, that of the wall in sight; of the others the server is asked
// every few seconds whether one has turned critical. Such a wall comes at once and stays until somebody has answered.

const own = new URL(import.meta.url).search;
const { open: openWall } = await import(`./wall.mjs${own}`);
const { Screen } = await import(`./screen.mjs${own}`);

const ASK_MS = 3_000;
const OLD_MS = 15_000; // what was said longer ago holds no wall
const CHECKED_MS = 10_000;
const AHEAD_MS = 2_500; // the next feed is opened so long before its turn: it comes with its numbers
const CALM_MS = 3_000; // no wall goes sooner than this, whatever turns critical

export function open(root, page, _feed, live) {
  const { Feed, outgrown, renew, needsSomebody, clock, perf, ms, write, mark, slot, formatter, draw } = live;
  const f = formatter(page);
  const told = JSON.parse(root.dataset.playlist);

  class Playlist {
    constructor() {
      this.walls = [...root.querySelectorAll('[data-slide]')].map((element) => ({
        element, project: element.dataset.slide, page: { ...JSON.parse(element.dataset.page), sound: told.sound }, there: true, critical: 0, checked: null,
      }));
      for (const name of ['held', 'next', 'line', 'word']) this[name] = slot(root, name);
      this.screen = told.screen && new Screen(told.screen, this.word, live, f);
      this.asked = -ASK_MS;
      this.answered = -OLD_MS;
      this.regular = this.walls[0];
      if (this.regular) this.show(this.regular, new Feed(this.regular.project, draw));
    }

    show(wall, feed) {
      const before = this.shown;
      this.shown = wall;
      this.shownAt = perf();
      wall.feed = feed;
      if (wall.view) wall.view.feed = feed;
      else wall.view = openWall(wall.element, wall.page, feed, live);
      wall.element.hidden = false; // both are dark: nothing flashes, and the new one has its numbers already
      wall.view.draw();
      if (!before || before === wall) return;
      before.element.hidden = true;
      before.feed?.close();
      before.feed = null;
    }

    async ask() {
      if (this.asking || told.wanted.length < 2 && this.walls.length) return;
      this.asking = true;
      this.asked = perf();
      try {
        const answer = await fetch(`/api/v1/critical?projects=${encodeURIComponent(told.wanted.join())}`, { cache: 'no-store', signal: AbortSignal.timeout(6_000) });
        if (answer.ok) {
          const said = await answer.json();
          clock.hear(ms(said.now));
          if (said.redis) this.answered = perf();
          for (const wall of this.walls) {
            const now = said.projects[wall.project];
            wall.there = Boolean(now); // one that is not configured any more is passed over
            wall.critical = now?.critical ?? 0;
            wall.checked = ms(now?.checked_at);
          }
          const drawn = new Set(this.walls.map((wall) => wall.project));
          const fresh = told.wanted.filter((project) => said.projects[project] && !drawn.has(project));
          if (fresh.length) renew(`projects ${fresh}`);
        }
      } catch { // the wall in sight says it
      } finally {
        this.asking = false;
        this.turn();
      }
    }

    calls(wall) { // whether a wall is critical and nobody has answered; what is old or unchecked is not known
      if (wall === this.shown && wall.feed.board) return !wall.feed.off() && (wall.feed.board.alerts ?? []).some((alert) => alert.level === 'critical' && needsSomebody(alert));
      return wall.critical > 0 && perf() - this.answered < OLD_MS && clock.now() - wall.checked < CHECKED_MS;
    }

    turn() { // whose turn it is; asked each second, and when a server has answered
      const now = perf();
      const there = this.walls.filter((wall) => wall.there);
      const calling = there.filter((wall) => this.calls(wall));
      const turns = calling.length ? calling : there;
      const held = calling.length > 0 && this.walls.length > 1;
      if (this.wasHeld && !held) this.shownAt = now; // what has calmed down is seen to be calm
      this.wasHeld = held;
      const stayed = now - (this.shownAt ?? now), full = told.seconds * 1_000;
      const mine = turns.includes(this.shown);
      const next = turns.length > (mine ? 1 : 0) ? this.following(turns, held) : null;
      if (next && (mine ? stayed >= full - AHEAD_MS : true)) this.prepare(next);
      else this.forget();
      const due = next && (mine ? stayed >= full : stayed >= CALM_MS || !this.shown?.there);
      if (due && this.ready(this.coming.feed)) {
        const { feed } = this.coming;
        this.coming = null;
        this.show(next, feed);
        if (!held) this.regular = next;
        return this.turn(); // what comes after it is another one now
      }
      return this.say(held, calling, next, held && !next ? 1 : next ? stayed / full : 0);
    }

    following(turns, held) { // the next in order; after a hold the turns go on where they were
      const from = this.walls.indexOf(held ? this.shown : this.regular ?? this.shown);
      for (let step = 1; step <= this.walls.length; step++) {
        const wall = this.walls[(from + step) % this.walls.length];
        if (turns.includes(wall) && wall !== this.shown) return wall;
      }
      return null;
    }

    prepare(wall) {
      if (this.coming?.wall === wall) return;
      this.forget();
      this.coming = { wall, feed: new Feed(wall.project, draw) };
    }

    forget() {
      this.coming?.feed.close();
      this.coming = null;
    }

    // The server has spoken of it. While it does not, the wall in sight stays and says so.
    ready(feed) { return Boolean(feed.spoke || feed.board || feed.problem); }

    say(held, calling, next, part) {
      if (told.wanted.length < 2) return;
      this.held.hidden = !held;
      write(this.held, held ? f.say(calling.length > 1 ? 'held_n' : 'held', { n: calling.length }) : '');
      write(this.next, next ? f.say('next', { name: next.element.querySelector('h1').textContent }) : '');
      mark(root, 'data-held', String(held));
      const width = Math.min(1, Math.max(0, part)).toFixed(3);
      mark(this.line, 'data-begins', String(Number(width) < (this.drawn ?? 0)));
      this.drawn = Number(width);
      this.line.style.transform = `scaleX(${width})`;
    }

    draw() {
      const wall = this.shown;
      if (!wall) return;
      wall.view.draw();
      if (wall.feed.orders) this.screen?.hear(wall.feed.orders);
      const layout = outgrown(wall.page, wall.element, wall.feed);
      if (layout) renew(layout);
      if (this.screen) this.screen.worried = wall.feed.state === 'lost' || wall.feed.problem === 'sign_in';
    }

    tick() {
      this.shown?.feed.tick();
      this.coming?.feed.tick();
      if (perf() - this.asked >= ASK_MS - 200) this.ask();
      this.screen?.tick();
      this.turn();
    }

    wake() {
      this.shown?.feed.wake();
      this.forget();
      this.ask();
    }
  }

  return new Playlist();
}
