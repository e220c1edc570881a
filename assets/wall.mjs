// The wall: tiles, the table of queues, the worst thing as a sentence, and how fresh all this is.
// Loaded by live.mjs, which hands over what it knows of time, text and KPIs.

const { Alarm } = await import(`./alarm.mjs${new URL(import.meta.url).search}`);
let alarm = null; // one for all walls that take turns

export function open(root, page, feed, live) {
  alarm ??= new Alarm({ sound: page.sound ?? false, choosable: false });
  const { needsSomebody, alertText, clock, perf, ms, write, mark, slot, make, keep, formatter, face, running, worst, sourceOff, sourcesOf, openText, Place, SEVERITY, CALM_MS } = live;

  class Wall {
    constructor(root, page, feed) {
      Object.assign(this, { root, page, feed, f: formatter(page), rows: new Map(), lamps: new Map(), sorted: -CALM_MS, order: [] });
      this.places = [...root.querySelectorAll('[data-tile]')].map((element) => new Place(element, page, this.f));
      for (const name of ['clock', 'open', 'banner', 'banner-state', 'banner-text', 'banner-more', 'sources', 'link', 'queues', 'queues-more']) this[name] = slot(root, name);
      this.table = root.querySelector('.queues');
      new ResizeObserver(() => this.fit()).observe(this.table);
    }

    draw() {
      const { feed, page, f } = this;
      const board = feed.board;
      const zone = board?.time_zone ?? page.time_zone;
      const off = feed.off();
      const sources = sourcesOf(board, feed.beat);
      for (const source of Object.values(sources)) source.off = sourceOff(source, feed.beat.sources);
      for (const place of this.places) place.draw(board, off, zone, sources);
      this.drawAlerts(board, off);
      this.drawQueues(board, off, sources, zone);
      const problem = feed.problem && !board ? { look: 'unknown', text: f.say(feed.problem), more: 0 } : null;
      const unborn = !board && feed.beat.now && !problem ? { look: 'unknown', text: f.say('no_board'), more: 0 } : null;
      const news = problem ?? unborn ?? worst(board, off, sources, page, f, this.places.map((place) => place.key));
      mark(this.banner, 'data-look', news.look);
      write(this['banner-state'], SEVERITY[news.look] || news.look === 'answered' ? f.say(news.look) : '');
      write(this['banner-text'], news.text);
      write(this['banner-more'], news.more ? f.say('more', { n: news.more }) : '');
      write(this.open, openText(board?.open, zone, f));
      this.drawSources(sources, off);
      mark(this.link, 'data-state', feed.state);
      write(this.link, f.say(feed.state));
      this.tickClock();
    }

    drawAlerts(board, off) { // a tile whose alert somebody has is calmer; what is new and critical calls
      const alerts = board?.alerts ?? [];
      for (const place of this.places) {
        const own = alerts.filter((alert) => alert.kpi === place.key && !alert.queue);
        mark(place.element, 'data-answered', String(own.length > 0 && !own.some(needsSomebody)));
      }
      if (!board || off) return;
      alarm.hear(alerts.filter(needsSomebody).map((alert) => ({ key: `${alert.episode}|${alert.level}`, level: alert.level, title: `■ ${board.name}`, text: alertText(alert, board, this.page, this.f) })));
      mark(this.root, 'data-rung', String(alarm.rung));
    }

    tickClock() { write(this.clock, clock.known ? this.f.clock(clock.now(), this.feed.board?.time_zone ?? this.page.time_zone) : ''); }

    drawSources(sources, off) {
      const { f } = this;
      keep(this.sources, this.lamps, Object.keys(sources), () => ({ element: make('li', 'lamp') }));
      for (const [id, source] of Object.entries(sources)) {
        const { element } = this.lamps.get(id);
        const state = off ? 'unknown' : source.off ? (source.off.why === 'source_stale' ? 'stale' : 'down') : 'up';
        const word = ms(source.last_word_at);
        const age = word ? f.age(Math.max(0, clock.now() - word) / 1000) : source.age_s != null ? f.age(source.age_s) : '';
        mark(element, 'data-state', state);
        write(element, f.say(age ? 'source_line' : 'source_line_short', { source: id, state: f.say(state === 'unknown' ? 'not_known' : state), age }));
      }
    }

    drawQueues(board, off, sources, zone) {
      const { f, page } = this;
      const queues = board?.queues ?? {};
      // A queue of which nothing here is reported (a survey system's, say) is no row of a floor.
      const told = (id) => page.columns.some((key) => queues[id].kpis?.[key]?.why !== 'not_reported');
      const ids = Object.keys(queues).filter(told);
      mark(this.table, 'data-empty', String(Boolean(board) && ids.length === 0));
      for (const id of ids) {
        if (!this.rows.has(id)) this.rows.set(id, this.row(id));
        const row = this.rows.get(id);
        const gone = off ?? sources[id.split('/')[0]]?.off;
        write(row.name, queues[id].name || id);
        row.severity = 0;
        for (const key of page.columns) {
          const entry = queues[id].kpis?.[key];
          const shown = face(entry, gone, f, zone);
          write(row.cells[key], shown.number + shown.unit);
          mark(row.cells[key], 'data-band', shown.band);
          mark(row.cells[key], 'data-look', shown.look);
          row.severity = Math.max(row.severity, SEVERITY[shown.look] ?? 0);
          if (key === 'longest_wait_s') row.wait = shown.band === 'unknown' ? 0 : running(entry) ?? entry.value;
        }
        mark(row.element, 'data-look', ['ok', 'unknown', 'warning', 'critical'][row.severity]);
      }
      const state = ids.map((id) => `${id}${this.rows.get(id).severity}`).join();
      if (perf() - this.sorted > CALM_MS || ids.length !== this.order.length) {
        const place = Object.fromEntries(ids.map((id, i) => [id, i]));
        const order = [...ids].sort((a, b) => {
          const [x, y] = [this.rows.get(a), this.rows.get(b)];
          return y.severity - x.severity || (x.severity > 1 ? y.wait - x.wait : 0) || place[a] - place[b];
        });
        if (order.join() !== this.order.join() || state !== this.state) {
          this.order = order;
          this.state = state;
          this.sorted = perf();
          keep(this.queues, this.rows, order, (id) => this.row(id));
          this.fit();
        }
      }
    }

    row(id) {
      const element = make('tr', 'queue', { 'data-look': 'ok' });
      const name = element.appendChild(make('th', 'queue-name', { scope: 'row' }));
      const cells = {};
      for (const key of this.page.columns) {
        cells[key] = element.appendChild(make('td', 'queue-number', { 'data-kpi': key, 'data-queue': id, 'data-band': 'unknown' }));
      }
      return { element, name: name.appendChild(make('span')), cells, severity: 0, wait: 0 };
    }

    fit() { // as many rows as the screen has room for; the rest is told in a line
      const rows = this.order.map((id) => this.rows.get(id)).filter(Boolean);
      const more = this['queues-more'];
      mark(this.table, 'data-few', String(rows.length > 0 && rows.length <= 6));
      if (!rows.length) return write(more, this.feed.board ? this.f.say('no_queues') : '');
      rows[0].element.hidden = false;
      const height = rows[0].element.offsetHeight;
      const head = this.queues.previousElementSibling.offsetHeight;
      if (!height) return;
      const room = this.table.clientHeight - head;
      const all = rows.length * height <= room;
      const fits = all ? rows.length : Math.max(1, Math.floor((room - more.offsetHeight) / height));
      rows.forEach((row, i) => { row.element.hidden = i >= fits; });
      const hidden = rows.slice(fits), trouble = hidden.filter((row) => row.severity > 1).length;
      write(more, hidden.length ? this.f.say(trouble ? 'more_queues_trouble' : 'more_queues', { n: hidden.length, m: trouble }) : '');
    }
  }

  return new Wall(root, page, feed);
}
