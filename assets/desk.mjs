// The desk pages: the overview of all projects and the sources page. Each asks for its whole state every two seconds.
// Loaded by live.mjs, which hands over what it knows of time, text and KPIs.

const { CHECKED_MS, Polled } = await import(`./polled.mjs${new URL(import.meta.url).search}`);

const SKEWED_MS = 2_000; // a clock that is off by more wants somebody's attention
const CALM_MS = 5_000; // cards change places no more often than this

export function open(root, page, _feed, live) {
  const { clock, perf, ms, write, mark, slot, make, keep, formatter, worst, sourceOff, openText, Place, SEVERITY, draw } = live;
  const f = formatter(page);

  class Overview extends Polled {
    constructor() {
      super('/api/v1/overview', root, page, live);
      this.list = slot(root, 'cards');
      this.cards = new Map([...root.querySelectorAll('[data-card]')].map((element) => [element.dataset.card, this.card(element)]));
      this.sorted = -CALM_MS;
    }

    card(element) {
      const parts = Object.fromEntries(['note', 'foot'].map((name) => [name, slot(element, name)]));
      return {
        element, ...parts, state: element.querySelector('.card-top [data-slot="state"]'), weight: 0,
        places: [...element.querySelectorAll('[data-tile]')].map((tile) => new Place(tile, page, f)),
      };
    }

    draw() {
      this.drawFrame();
      const away = this.off();
      const boards = Object.fromEntries((this.said?.projects ?? []).map((board) => [board.project, board]));
      for (const [id, card] of this.cards) this.drawCard(card, boards[id], away);
      if (!this.said || perf() - this.sorted < CALM_MS) return;
      const place = [...this.cards.keys()];
      const order = [...place].sort((a, b) => this.cards.get(b).weight - this.cards.get(a).weight || place.indexOf(a) - place.indexOf(b));
      if (order.join() !== this.order?.join()) this.reorder(order);
    }

    reorder(order) { // cards glide to their new places, unless motion is unwanted
      const before = new Map(order.map((id) => [id, this.cards.get(id).element.getBoundingClientRect()]));
      const first = !this.order;
      this.order = order;
      this.sorted = perf();
      keep(this.list, this.cards, order);
      if (first || matchMedia('(prefers-reduced-motion: reduce)').matches) return;
      for (const id of order) {
        const { element } = this.cards.get(id), was = before.get(id), is = element.getBoundingClientRect();
        const [x, y] = [was.left - is.left, was.top - is.top];
        if (x || y) element.animate([{ transform: `translate(${x}px, ${y}px)` }, { transform: 'none' }], { duration: 280, easing: 'ease-out' });
      }
    }

    drawCard(card, said, away) {
      const board = said?.kpis ? said : null;
      const zone = board?.time_zone ?? page.time_zone;
      const checked = ms(said?.checked_at);
      const off = away ?? (board && checked && clock.now() - checked > CHECKED_MS ? { why: 'no_engine', since: checked } : null);
      const sources = {};
      for (const [id, source] of Object.entries(board?.sources ?? {})) sources[id] = { ...source, off: sourceOff(source, false) };
      let trouble = 0;
      for (const place of card.places) {
        const shown = place.draw(board, off, zone, sources);
        if (shown.look === 'critical' || shown.look === 'warning') trouble++;
      }
      const news = !board && this.said && !away ? { look: 'unknown', text: f.say('no_board') } : worst(board, off, sources, page, f, card.places.map((place) => place.key));
      card.weight = (SEVERITY[news.look] ?? 0) * 100 + trouble;
      mark(card.element, 'data-look', news.look);
      write(card.state, SEVERITY[news.look] || ['ok', 'answered'].includes(news.look) ? f.say(news.look) : '');
      write(card.note, news.text + (news.more ? `  ${f.say('more', { n: news.more })}` : ''));
      const lines = Object.entries(sources).map(([id, source]) => f.say('source_line_short', { source: id, state: f.say(off ? 'not_known' : source.off ? (source.off.why === 'source_stale' ? 'stale' : 'down') : 'up') }));
      write(card.foot, [openText(board?.open, zone, f), ...lines].filter(Boolean).join('  ·  '));
    }
  }

  class Sources extends Polled {
    constructor() {
      super(`/api/v1/sources?language=${page.language}`, root, page, live);
      this.cards = [...root.querySelectorAll('[data-source]')].map((element) => ({
        id: element.dataset.source, element, state: slot(element, 'state'), error: slot(element, 'error'), warning: slot(element, 'warning'),
        facts: Object.fromEntries(['since', 'word', 'event', 'rate', 'skew', 'version', 'untold', 'also', 'projects', 'unnamed', 'lost'].map((name) => [name, slot(element, name)])),
      }));
      this.config = slot(root, 'config');
      this.told = ['errors', 'warnings'].map((name) => ({ name, list: slot(root, `config-${name}`), part: slot(root, name === 'errors' ? 'config-broken' : 'config-beyond'), lines: new Map() }));
      this.notify = slot(root, 'notify');
      this.notifyRows = slot(root, 'notify-rows');
      this.routes = new Map();
      root.addEventListener('click', (event) => {
        const button = event.target.closest('[data-incident]');
        if (button) this.send(button);
      });
    }

    draw() {
      this.drawFrame();
      const off = this.off();
      const config = this.said?.config ?? {};
      this.config.hidden = !config.errors?.length && !config.warnings?.length;
      for (const { name, list, part, lines } of this.told) {
        const texts = config[name] ?? [];
        part.hidden = !texts.length;
        keep(list, lines, texts, () => ({ element: make('li') }));
        for (const text of texts) write(lines.get(text).element, text);
      }
      for (const card of this.cards) this.drawCard(card, this.said?.sources?.[card.id], off);
      this.drawNotify(this.said?.notify ?? [], off);
    }

    drawNotify(told, off) { // whom alerts reach, and whom not
      this.notify.hidden = told.length === 0;
      const key = (row) => `${row.route}\n${row.number}`;
      keep(this.notifyRows, this.routes, told.map(key), () => {
        const element = make('tr');
        const cells = ['route', 'to', 'state', 'at', 'error'].map((name) => [name, element.appendChild(make('td', name === 'state' ? 'chip-cell' : ''))]);
        return { element, cells: Object.fromEntries(cells) };
      });
      for (const row of told) {
        const { element, cells } = this.routes.get(key(row));
        const look = off ? 'unknown' : { ok: 'ok', unused: 'ok', failing: 'warning', refused: 'critical' }[row.state];
        mark(element, 'data-look', look);
        write(cells.route, row.route);
        write(cells.to, row.to);
        write(cells.state, f.say(off ? 'not_known' : `notify_${row.state}`));
        write(cells.at, row.at == null ? f.say('never') : f.say('ago', { time: f.age(Math.max(0, clock.now() - ms(row.at)) / 1000) }));
        write(cells.error, row.error ?? '');
      }
    }

    drawCard({ element, state, error, warning, facts }, source, off) {
      const look = off || !source ? 'unknown' : { up: 'ok', stale: 'warning', down: 'critical', connecting: 'warning' }[source.state] ?? 'unknown';
      mark(element, 'data-look', source ? look : this.said ? 'unknown' : 'waiting');
      write(state, off || !source ? f.say(this.said ? 'not_known' : 'connecting') : f.say(source.state));
      const text = off ? f.say(off.why, { time: f.at(off.since, page.time_zone) }) : source?.error ?? '';
      write(error, text);
      error.hidden = !text;
      const limited = source?.limited_until && ms(source.limited_until) > clock.now() ? f.say('limited', { time: f.clock(ms(source.limited_until), page.time_zone) }) : '';
      const future = source?.refused_future ? f.say('refused_future', { n: f.count(source.refused_future) }) : '';
      const warned = off ? '' : [source?.warning, future, limited].filter(Boolean).join(' ');
      write(warning, warned);
      warning.hidden = !warned;
      if (!source) return;
      const since = (at) => (at == null ? f.say('never') : f.say('ago', { time: f.age(Math.max(0, clock.now() - ms(at)) / 1000) }));
      const unknown = f.say('not_known');
      const [skew, rate, lost] = off ? [] : [source.clock_skew_ms, source.events_s, source.lost_sight];
      write(facts.since, source.since == null ? unknown : f.at(ms(source.since), page.time_zone));
      write(facts.word, since(source.last_word_at));
      write(facts.event, since(source.last_event_at));
      write(facts.rate, rate == null ? unknown : f.say('per_second', { n: rate < 10 ? f.one(rate) : f.count(rate) }));
      write(facts.skew, skew == null ? unknown : Math.abs(skew) < 1_000 ? f.say('no_skew') : f.say('skew', { s: f.one(Math.abs(skew) / 1000) }));
      mark(facts.skew, 'data-look', skew != null && Math.abs(skew) > SKEWED_MS ? 'warning' : 'ok');
      write(facts.version, source.version || unknown);
      facts.untold.parentElement.hidden = !source.untold?.length && source.gives?.length === source.also?.length;
      write(facts.untold, source.untold?.length ? source.untold.join(', ') : f.say('all_told'));
      facts.also.parentElement.hidden = !source.also?.length;
      write(facts.also, (source.also ?? []).join(', '));
      const list = (names, none) => (names == null ? unknown : names.length ? names.join(', ') : none);
      write(facts.projects, list(source.projects, DASH));
      write(facts.unnamed, list(source.unnamed_queues, DASH));
      mark(facts.unnamed, 'data-look', source.unnamed_queues?.length ? 'warning' : 'ok');
      write(facts.lost, lost == null ? unknown : f.count(lost));
    }

    async send(button) {
      const answer = slot(button.parentElement, 'answer');
      button.disabled = true;
      try {
        const reply = await fetch(`/api/v1/sources/${encodeURIComponent(button.dataset.to)}/commands`, {
          method: 'POST', headers: { ...live.proof(), 'Content-Type': 'application/json' },
          body: JSON.stringify({ incident: button.dataset.incident, minutes: 5 }), signal: AbortSignal.timeout(6_000),
        });
        const problem = reply.ok ? null : await reply.json().catch(() => ({ title: String(reply.status) }));
        write(answer, problem ? f.say('not_sent', { error: problem.detail ?? problem.title }) : f.say('sent'));
        mark(answer, 'data-look', problem ? 'critical' : 'ok');
      } catch (error) {
        write(answer, f.say('not_sent', { error: error.message }));
        mark(answer, 'data-look', 'critical');
      } finally {
        button.disabled = false;
      }
    }
  }

  const DASH = '—';
  return page.page === 'overview' ? new Overview() : new Sources();
}
