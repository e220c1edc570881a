// The team lead's desk: queues, who waits, what everybody does, and who hung up and was not reached since.
// Loaded by live.mjs, which hands over what it knows of time, text and KPIs.

const STATES = ['available', 'ringing', 'on_contact', 'wrap_up', 'paused'];
const NEED = ['paused', 'wrap_up', 'ringing', 'on_contact', 'available']; // among people who are within their limits
const DIALLED = /^\+?[\d\s().\/-]{5,}$/;
const DASH = '—';

// ── Filters and order: in the address, so that they can be handed on, and remembered for the next visit ──

function choices(project) {
  const key = `floorlight-lead-${project}`;
  const said = new URLSearchParams(location.search);
  let before = {};
  try { before = JSON.parse(localStorage.getItem(key)) ?? {}; } catch { /* private mode, or somebody else's text */ }
  if (['q', 'queue', 'state', 'sort'].some((name) => said.has(name))) before = Object.fromEntries(said);
  const text = (name) => (typeof before[name] === 'string' ? before[name] : '');
  const chosen = { q: text('q'), queue: text('queue'), state: text('state'), sort: text('sort') };
  chosen.keep = () => {
    const { keep, ...plain } = chosen;
    try { localStorage.setItem(key, JSON.stringify(plain)); } catch { /* it holds for this visit */ }
    const address = new URL(location.href);
    for (const [name, value] of Object.entries(plain)) value ? address.searchParams.set(name, value) : address.searchParams.delete(name);
    history.replaceState(history.state, '', address);
  };
  return chosen;
}

export function open(root, page, feed, live) {
  const { clock, perf, ms, write, mark, slot, make, keep, formatter, face, running, worst, sourceOff, sourcesOf, openText, SEVERITY, CALM_MS, draw } = live;
  const f = formatter(page);
  const chosen = choices(page.project);
  const collator = new Intl.Collator(page.language, { numeric: true, sensitivity: 'base' });
  const ago = (at) => Math.max(0, Math.floor((clock.now() - at) / 1000));
  const severity = (look) => SEVERITY[look] ?? 0;

  // One table: its rows are kept by id, painted in place, and change places calmly.
  class Table {
    constructor(name, columns, rank) {
      this.element = root.querySelector(`[data-table="${name}"]`);
      Object.assign(this, { name, columns, rank, rows: new Map(), items: new Map(), order: [], sorted: -CALM_MS });
      for (const part of ['rows', 'empty', 'note', 'count']) this[`${part}Place`] = slot(this.element, part);
      this.heads = [...this.element.querySelectorAll('th[data-column]')];
      this.minor = new Set(this.heads.filter((head) => head.classList.contains('minor')).map((head) => head.dataset.column));
      this.figures = new Set(this.heads.filter((head) => head.classList.contains('figure')).map((head) => head.dataset.column));
      this.element.querySelector('thead').addEventListener('click', (event) => {
        const head = event.target.closest('th[data-column]');
        if (head) this.sortBy(head.dataset.column);
      });
      this.jump = slot(root, `jump-${name}`);
      this.running = Object.keys(columns).filter((column) => columns[column].runs);
    }

    get sort() { // {column, down} or null: what needs somebody first
      const said = chosen.sort.split(',').find((each) => each.startsWith(`${this.name}.`))?.slice(this.name.length + 1);
      if (!said) return null;
      const down = said.endsWith('-');
      const column = down ? said.slice(0, -1) : said;
      return this.columns[column] ? { column, down } : null;
    }

    sortBy(column) { // the way that is usual for such a column, then the other way, then as it was
      const first = this.figures.has(column);
      const { sort } = this;
      const next = sort?.column !== column ? { column, down: first } : sort.down === first ? { column, down: !first } : null;
      const others = chosen.sort.split(',').filter((each) => each && !each.startsWith(`${this.name}.`));
      if (next) others.push(`${this.name}.${next.column}${next.down ? '-' : ''}`);
      chosen.sort = others.join(',');
      chosen.keep();
      this.sorted = -CALM_MS;
      draw();
    }

    compare() {
      const { sort } = this;
      if (!sort) return this.rank;
      const by = this.columns[sort.column].by;
      const way = sort.down ? -1 : 1;
      return (a, b) => {
        const [x, y] = [by(a), by(b)];
        if (x == null || y == null) return (x == null) - (y == null) || this.rank(a, b);
        return way * (typeof x === 'string' ? collator.compare(x, y) : x - y) || this.rank(a, b);
      };
    }

    // `rows` that fit the filters, of `all`; `gone`: in words why none can be shown; `empty`: why there are none.
    draw(rows, all, { gone = '', empty, note = '', count = null }) {
      if (gone) rows = [];
      this.rows = new Map(rows.map((row) => [row.id, row]));
      const order = [...rows].sort(this.compare()).map((row) => row.id);
      const same = order.length === this.order.length && order.every((id, i) => id === this.order[i]);
      const members = order.length === this.order.length && this.order.every((id) => this.rows.has(id));
      if (!same && (!members || perf() - this.sorted > CALM_MS)) this.place(order);
      for (const row of rows) this.paint(this.items.get(row.id), row);
      write(this.emptyPlace, gone || (rows.length ? '' : all ? f.say('nothing_fits') : empty));
      mark(this.emptyPlace, 'data-look', gone ? 'unknown' : 'quiet');
      mark(this.element, 'data-empty', String(rows.length === 0));
      write(this.notePlace, gone ? '' : note);
      const whole = gone ? '' : rows.length < all ? f.say('shown_of', { n: rows.length, m: count ?? all }) : f.count(count ?? all);
      write(this.countPlace, whole);
      write(this.jump, gone ? DASH : f.count(rows.length < all ? rows.length : count ?? all));
      const { sort } = this;
      for (const head of this.heads) mark(head, 'aria-sort', sort?.column !== head.dataset.column ? 'none' : sort.down ? 'descending' : 'ascending');
    }

    place(order) {
      const focused = this.rowsPlace.contains(document.activeElement) ? document.activeElement.closest('tr') : null;
      this.order = order;
      this.sorted = perf();
      keep(this.rowsPlace, this.items, order, (id) => this.row(id));
      if (focused?.isConnected && document.activeElement !== focused) focused.focus({ preventScroll: true });
      this.rove();
    }

    row(id) {
      const element = make('tr', 'lead-row', { role: 'row', tabindex: '-1', 'data-id': id });
      const cells = {};
      for (const head of this.heads) {
        const name = head.dataset.column, column = this.columns[name], first = head === this.heads[0];
        const kind = [this.figures.has(name) && 'figure', this.minor.has(name) && 'minor', `cell-${name}`].filter(Boolean).join(' ');
        const cell = make(first ? 'th' : 'td', kind, { role: first ? 'rowheader' : 'cell', 'data-label': head.textContent, ...(first && { scope: 'row' }) });
        cells[name] = column.make ? column.make(cell, id) : cell;
        element.appendChild(cell);
      }
      return { element, cells };
    }

    paint(item, row) {
      const before = item.row;
      item.row = row;
      for (const name of this.running) this.columns[name].draw(item.cells[name], row);
      if (before === row) return;
      for (const [name, column] of Object.entries(this.columns)) if (!column.runs) column.draw(item.cells[name], row);
      mark(item.element, 'data-look', row.look ?? 'none');
      mark(item.element, 'aria-current', String(row.chosen ?? false));
    }

    rove() { // one row of a table can be reached with Tab, the others with the arrows
      const rows = [...this.rowsPlace.children];
      const here = rows.find((row) => row === document.activeElement) ?? rows.find((row) => row.tabIndex === 0) ?? rows[0];
      for (const row of rows) if (row.tabIndex !== (row === here ? 0 : -1)) row.tabIndex = row === here ? 0 : -1;
    }

    focus(index) {
      const rows = this.rowsPlace.children;
      if (!rows.length) return false;
      const row = rows[Math.max(0, Math.min(rows.length - 1, index))];
      row.focus({ preventScroll: true });
      row.scrollIntoView({ block: 'nearest' });
      this.rove();
      return true;
    }

    get focusedIndex() { return [...this.rowsPlace.children].indexOf(document.activeElement?.closest?.('tr')); }
  }

  const text = (of) => ({ by: of, draw: (cell, row) => write(cell, of(row) ?? DASH) });
  const number = (of, usual) => ({ by: of, draw: (cell, row) => { write(cell, of(row) == null ? DASH : f.count(of(row))); mark(cell, 'data-zero', String(of(row) === usual)); } });

  const span = {
    runs: true,
    by: (row) => (row.since == null ? null : clock.now() - row.since),
    make(cell) { return { cell, time: cell.appendChild(make('span', 'time')) }; },
    draw({ cell, time }, row) {
      write(time, row.since == null ? DASH : f.duration(ago(row.since)));
      mark(cell, 'data-look', row.look ?? 'none');
    },
  };

  const caller = {
    by: (row) => row.caller || null,
    make(cell) { return { cell, link: cell.appendChild(make('a', 'call')), plain: cell.appendChild(make('span')), name: cell.appendChild(make('span', 'caller-name')) }; },
    draw(cell, row) {
      const dial = row.back && DIALLED.test(row.caller);
      write(cell.link, dial ? row.caller : '');
      write(cell.plain, dial ? '' : row.caller || f.say('no_number'));
      write(cell.name, row.name ?? '');
      mark(cell.cell, 'data-zero', String(!row.caller));
      if (dial) {
        mark(cell.link, 'href', `tel:${row.caller.replace(/[^\d+]/g, '')}`);
        mark(cell.link, 'aria-label', f.say('call', { number: row.caller }));
      } else cell.link.removeAttribute('href');
    },
  };

  const kpi = (key, more = () => '') => ({
    by: (row) => (row.shown[key].band === 'unknown' ? null : row.value[key]),
    make(cell) { return { cell, value: cell.appendChild(make('span', 'value')), of: cell.appendChild(make('span', 'of')) }; },
    draw({ cell, value, of }, row) {
      const shown = row.shown[key];
      const none = key === 'longest_wait_s' && shown.band !== 'unknown' && row.value.contacts_waiting === 0; // nothing waits: that is no time
      write(value, none ? DASH : shown.number + shown.unit);
      write(of, more(row));
      mark(cell, 'data-look', shown.look);
      mark(cell, 'data-zero', String(none || row.value[key] === 0));
      mark(cell, 'title', shown.note);
    },
  });

  class Lead {
    constructor() {
      const longest = (a, b) => a.since - b.since;
      this.tables = {
        queues: new Table('queues', {
          name: text((row) => row.name),
          contacts_waiting: kpi('contacts_waiting'),
          longest_wait_s: kpi('longest_wait_s'),
          service_level_pct: kpi('service_level_pct'),
          abandoned: kpi('abandoned'),
          agents_available: kpi('agents_available', (row) => (row.signedIn == null ? '' : ` / ${f.count(row.signedIn)}`)),
        }, (a, b) => severity(b.look) - severity(a.look) || (severity(a.look) > 1 ? (b.value.longest_wait_s ?? 0) - (a.value.longest_wait_s ?? 0) : 0) || a.place - b.place),
        waiting: new Table('waiting', { caller, queue: text((row) => row.queueName), since: span }, longest),
        agents: new Table('agents', {
          name: text((row) => row.name),
          state: {
            by: (row) => STATES.indexOf(row.state),
            make(cell) { return cell.appendChild(make('span', 'state')); },
            draw(cell, row) { write(cell, f.say(row.state)); mark(cell, 'data-state', row.state); },
          },
          since: span,
          doing: {
            by: (row) => row.doing || null,
            make(cell) { return { what: cell.appendChild(make('span')), over: cell.appendChild(make('span', 'over')) }; },
            draw({ what, over }, row) {
              write(what, row.doing);
              write(over, severity(row.look) > 1 ? f.say('over', { time: f.duration(row.limit) }) : '');
            },
          },
          missed: number((row) => row.missed, 0),
          queues: { by: (row) => row.queues, draw(cell, row) { write(cell, row.queues); mark(cell, 'title', row.queues); } },
        }, (a, b) => severity(b.look) - severity(a.look) || (severity(a.look) > 1 ? b.past - a.past : 0) || NEED.indexOf(a.state) - NEED.indexOf(b.state) || longest(a, b) || collator.compare(a.name, b.name)),
        lost: new Table('lost', {
          caller,
          tries: number((row) => row.tries, 1),
          queue: text((row) => row.queueName),
          wait: { by: (row) => row.wait, draw: (cell, row) => write(cell, f.duration(row.wait)) },
          at: {
            by: (row) => row.at,
            draw(cell, row) { write(cell, row.again ? f.say('waits_again') : f.at(row.at, this.zone)); mark(cell, 'data-again', String(row.again)); },
          },
        }, (a, b) => a.again - b.again || b.at - a.at),
      };
      for (const name of ['clock', 'open', 'news', 'news-state', 'news-text', 'news-more', 'link', 'sources']) this[name] = slot(root, name);
      this.lamps = new Map();
      this.buildFilters(slot(root, 'filters'));
      document.addEventListener('keydown', (event) => this.key(event));
      this.tables.queues.rowsPlace.addEventListener('click', (event) => this.chooseQueue(event.target.closest('tr')?.dataset.id));
      root.addEventListener('focusin', (event) => {
        const name = event.target.closest('tr.lead-row') && event.target.closest('[data-table]')?.dataset.table;
        if (name) this.tables[name].rove();
      });
      root.querySelector('.lead-jump').addEventListener('click', (event) => {
        const link = event.target.closest('a');
        if (!link) return;
        event.preventDefault();
        root.querySelector(`[data-table="${link.getAttribute('href').slice(1)}"]`).scrollIntoView({ block: 'start' });
      });
    }

    // ── the filters ──

    buildFilters(place) {
      this.search = place.appendChild(make('input', 'lead-search', { type: 'search', placeholder: f.say('search'), 'aria-label': f.say('search'), 'aria-keyshortcuts': '/', autocomplete: 'off', spellcheck: 'false' }));
      this.search.value = chosen.q;
      this.search.addEventListener('input', () => this.choose('q', this.search.value));
      this.queue = place.appendChild(make('select', 'lead-queue', { 'aria-label': f.say('every_queue') }));
      this.options = new Map();
      this.queue.addEventListener('change', () => this.choose('queue', this.queue.value));
      const chips = place.appendChild(make('div', 'lead-chips'));
      this.chips = new Map(['', 'over', ...STATES].map((state) => {
        const button = chips.appendChild(make('button', 'lead-chip', { type: 'button', 'data-state': state }));
        const word = button.appendChild(make('span', 'state', { 'data-state': state }));
        write(word, f.say(state === '' ? 'everybody' : state === 'over' ? 'over_limit' : state));
        button.addEventListener('click', () => this.choose('state', chosen.state === state ? '' : state));
        return [state, { button, count: button.appendChild(make('span', 'lead-chip-count')) }];
      }));
      this.clear = place.appendChild(make('button', 'lead-clear', { type: 'button' }));
      write(this.clear, f.say('clear'));
      this.clear.addEventListener('click', () => this.clearFilters());
    }

    choose(name, value) {
      chosen[name] = value;
      chosen.keep();
      draw();
    }

    chooseQueue(id) {
      if (id) this.choose('queue', chosen.queue === id ? '' : id);
    }

    clearFilters() {
      Object.assign(chosen, { q: '', queue: '', state: '' });
      this.search.value = '';
      chosen.keep();
      draw();
    }

    drawFilters(names, people) {
      const ids = ['', ...Object.keys(names)];
      if (chosen.queue && !names[chosen.queue]) ids.push(chosen.queue);
      keep(this.queue, this.options, ids, (id) => ({ element: make('option', '', { value: id }) }));
      for (const id of ids) write(this.options.get(id).element, id ? names[id] ?? id : f.say('every_queue'));
      if (this.queue.value !== chosen.queue) this.queue.value = chosen.queue;
      for (const [state, { button, count }] of this.chips) {
        const n = people?.filter((row) => this.inState(row, state)).length;
        write(count, n == null ? '' : f.count(n));
        mark(button, 'aria-pressed', String(chosen.state === state));
        mark(button, 'data-look', state === 'over' && people ? ['ok', 'ok', 'warning', 'critical'][Math.max(0, ...people.map((row) => severity(row.look)))] : 'none');
        mark(button, 'data-zero', String(n === 0));
      }
      this.clear.hidden = !(chosen.q || chosen.queue || chosen.state);
    }

    inState(row, state) { return state === '' || (state === 'over' ? severity(row.look) > 1 : row.state === state); }

    // ── the keys ──

    key(event) {
      if (event.ctrlKey || event.metaKey || event.altKey || event.isComposing) return;
      const typing = event.target.matches?.('input, textarea');
      if (event.key === 'Escape') return this.escape(event, typing);
      if (typing ? event.key === 'ArrowDown' : event.key === '/') {
        event.preventDefault();
        return typing ? this.step(0, 0) : (this.search.focus(), this.search.select());
      }
      if (typing || event.target.matches?.('select')) return;
      const move = { ArrowDown: [0, 1], ArrowUp: [0, -1], ArrowRight: [1, 0], ArrowLeft: [-1, 0], Home: [0, -1e6], End: [0, 1e6] }[event.key];
      const table = this.focusedTable();
      if (move && (table || event.key === 'ArrowDown')) {
        event.preventDefault();
        this.step(...move);
      } else if (table && (event.key === 'Enter' || event.key === ' ') && event.target.matches('tr')) {
        event.preventDefault();
        if (table.name === 'queues') this.chooseQueue(event.target.dataset.id);
        else event.target.querySelector('a[href]')?.click();
      }
    }

    escape(event, typing) { // first the text, then the field, then every filter
      if (typing && this.search.value) {
        event.preventDefault();
        this.search.value = '';
        this.choose('q', '');
      } else if (typing) this.search.blur();
      else this.clearFilters();
    }

    focusedTable() { return Object.values(this.tables).find((table) => table.focusedIndex >= 0); }

    step(across, down) {
      const tables = Object.values(this.tables).filter((table) => table.rowsPlace.children.length);
      if (!tables.length) return;
      const here = this.focusedTable();
      if (!here) return tables[0].focus(0);
      if (!across) return here.focus(here.focusedIndex + down);
      const to = tables[tables.indexOf(here) + across];
      if (to) to.focus([...to.rowsPlace.children].findIndex((row) => row.tabIndex === 0));
    }

    // ── the numbers ──

    draw() {
      const board = feed.board;
      const zone = board?.time_zone ?? page.time_zone;
      this.tables.lost.columns.at.zone = zone;
      const off = feed.off();
      const sources = sourcesOf(board, feed.beat);
      for (const source of Object.values(sources)) source.off = sourceOff(source, feed.beat.sources);
      const gone = this.unknown(board, off, zone);
      const quiet = (id) => sources[id.split('/')[0]]?.off;
      const queues = this.queueRows(board, off, quiet, zone);
      const names = Object.fromEntries(queues.map((row) => [row.id, row.name]));
      const people = this.people(board, names).filter((row) => !quiet(row.id));
      const here = people.filter((row) => !chosen.queue || row.serves.includes(chosen.queue));
      const muted = Object.entries(sources).filter(([, source]) => source.off).map(([id, { off: why }]) =>
        f.say(why.why === 'source_stale' ? 'source_quiet' : 'source_gone', { source: id, time: why.since ? f.at(why.since, zone) : '' })).join(' ');

      const untold = (key) => (board?.kpis?.[key]?.why === 'not_reported' ? f.say('why_not_reported') : '');
      const nameless = Object.entries(sources).filter(([, source]) => !source.off && source.lacks?.includes('agent_names')).map(([id]) => f.say('no_names', { source: id })).join(' ');

      this.tables.queues.draw(queues, queues.length, { gone, empty: f.say('no_queues') });
      const waiting = this.waiting(board, names).filter((row) => !quiet(row.queue));
      const more = (board?.kpis?.contacts_waiting?.value ?? 0) - waiting.length;
      this.tables.waiting.draw(this.fitting(waiting), waiting.length, {
        gone, empty: muted || untold('contacts_waiting') || f.say('nobody_waits'), note: more > 0 && !muted ? f.say('more_waiting', { n: more }) : waiting.length ? muted : '', count: waiting.length + (muted ? 0 : Math.max(0, more)),
      });
      this.tables.agents.draw(this.searched(here).filter((row) => this.inState(row, chosen.state)), people.length, {
        gone, empty: muted || nameless || f.say('nobody_signed_in'), note: people.length ? [muted, nameless].filter(Boolean).join(' ') : '',
      });
      mark(this.tables.agents.element, 'data-alike', String(people.every((row) => row.queues === f.say('all_queues'))));
      const lost = this.lost(board, names);
      this.tables.lost.draw(this.fitting(lost), lost.length, { gone, empty: untold('abandoned') || f.say('nobody_lost'), note: this.lostNote(board, lost), count: board?.lost_summary?.callers });
      this.drawFilters(names, gone ? null : here);
      this.drawFrame(board, off, sources, zone);
    }

    unknown(board, off, zone) {
      if (off) return f.say(off.why, { time: f.at(off.since, zone) });
      if (feed.problem && !board) return f.say(feed.problem);
      if (!board) return f.say(feed.beat.now ? 'no_board' : 'why_waiting');
      return '';
    }

    queueRows(board, off, quiet, zone) {
      return Object.entries(board?.queues ?? {}).map(([id, queue], place) => {
        const row = { id, place, name: queue.name || id, shown: {}, value: {}, look: 'ok', chosen: id === chosen.queue };
        for (const key of page.columns) {
          const entry = queue.kpis?.[key];
          row.shown[key] = face(entry, off ?? quiet(id), f, zone);
          row.value[key] = running(entry ?? {}) ?? entry?.value;
          if (severity(row.shown[key].look) > severity(row.look)) row.look = row.shown[key].look;
        }
        const wait = row.shown.longest_wait_s;
        if (wait && wait.look === 'none' && row.value.longest_wait_s != null) { // no goal of its own: a wait is as long here as anywhere in the project
          wait.look = this.waitLook(board, id, row.value.longest_wait_s);
          if (severity(wait.look) > severity(row.look)) row.look = wait.look;
        }
        row.signedIn = row.shown.agents_available?.band === 'unknown' ? null : queue.kpis?.agents_logged_in?.value;
        return row;
      });
    }

    waiting(board, names) {
      return (board?.waiting ?? []).map((row) => {
        const since = ms(row.since);
        return {
          id: `${row.queue}/${row.contact}`, queue: row.queue, queueName: names[row.queue] ?? row.queue, caller: row.caller ?? '', name: row.caller_name,
          since, look: this.waitLook(board, row.queue, ago(since)),
        };
      });
    }

    waitLook(board, queue, s) { // by the queue's own goal for the longest wait, else by the project's, while anything is judged
      const own = board.queues?.[queue]?.kpis?.longest_wait_s;
      const { limits, target, why } = own?.limits || own?.target != null ? own : board.kpis?.longest_wait_s ?? {};
      if (why === 'closed') return 'none';
      const passed = (limit) => limit != null && s >= limit;
      if (passed(limits?.critical)) return 'critical';
      return passed(limits?.warning) || (limits?.warning == null && target != null && s > target) ? 'warning' : 'none';
    }

    people(board, names) {
      const limits = board?.limits ?? {};
      const context = JSON.stringify([names, limits]);
      if (context !== this.context) { // what is told of a person changes only with the person, these names and these limits
        this.context = context;
        this.known = new WeakMap();
      }
      return (board?.agents ?? []).map((said) => {
        let row = this.known.get(said) ?? this.person(said, names, limits);
        const past = row.limit && row.since != null ? ago(row.since) / row.limit : 0;
        const look = past >= 2 ? 'critical' : past >= 1 ? 'warning' : 'none';
        if (look !== row.look) row = { ...row, look };
        row.past = past;
        this.known.set(said, row);
        return row;
      });
    }

    person(said, names, limits) {
      const serves = said.queues ?? [];
      const limit = said.condition === 'wrap_up' ? limits.wrap_up_s : said.condition === 'paused' ? limits.pause_by_reason_s?.[said.reason] ?? limits.pause_s : 0;
      return {
        id: said.id, name: said.name || said.id, state: said.condition, word: f.say(said.condition),
        since: said.since ? ms(said.since) : null, limit, missed: said.missed ?? null, serves,
        doing: said.reason || (said.queue ? names[said.queue] ?? said.queue : ''),
        queues: Object.keys(names).every((id) => serves.includes(id)) ? f.say('all_queues') : serves.map((id) => names[id] ?? id).join(', '),
      };
    }

    lost(board, names) {
      return (board?.lost ?? []).map((row) => ({
        id: row.id, caller: row.caller, name: row.caller_name, queue: row.queue, queueName: names[row.queue] ?? row.queue,
        wait: row.wait_s, at: ms(row.at), tries: row.tries, again: Boolean(row.waiting), back: !row.waiting,
      }));
    }

    lostNote(board, lost) {
      const { callers = 0, without_number: nameless = 0, short = 0 } = board?.lost_summary ?? {};
      const parts = [];
      if (callers > lost.length) parts.push(f.say('lost_more', { n: callers - lost.length }));
      if (nameless) parts.push(f.say('lost_nameless', { n: nameless }));
      if (short) parts.push(f.say('lost_short', { n: short }));
      return parts.join(' · ');
    }

    fitting(rows) { return this.searched(rows).filter((row) => !chosen.queue || row.queue === chosen.queue); }

    searched(rows) {
      const words = chosen.q.toLocaleLowerCase().split(/\s+/).filter(Boolean);
      if (!words.length) return rows;
      return rows.filter((row) => {
        const said = [row.name, row.caller, row.caller?.replace(/\D/g, ''), row.queueName, row.queues, row.doing, row.word].filter(Boolean).join(' ').toLocaleLowerCase();
        return words.every((word) => said.includes(word));
      });
    }

    drawFrame(board, off, sources, zone) {
      const problem = feed.problem && !board ? { look: 'unknown', text: f.say(feed.problem), more: 0 } : null;
      const unborn = !board && feed.beat.now && !problem ? { look: 'unknown', text: f.say('no_board'), more: 0 } : null;
      const said = problem ?? unborn ?? worst(board, off, sources, page, f, page.columns);
      mark(this.news, 'data-look', said.look);
      write(this['news-state'], SEVERITY[said.look] ? f.say(said.look) : '');
      write(this['news-text'], said.text);
      write(this['news-more'], said.more ? f.say('more', { n: said.more }) : '');
      write(this.open, openText(board?.open, zone, f));
      write(this.clock, clock.known ? f.clock(clock.now(), zone) : '');
      mark(this.link, 'data-state', feed.state);
      write(this.link, f.say(feed.state));
      keep(this.sources, this.lamps, Object.keys(sources), () => ({ element: make('li', 'lamp') }));
      for (const [id, source] of Object.entries(sources)) {
        const { element } = this.lamps.get(id);
        const state = off ? 'unknown' : source.off ? (source.off.why === 'source_stale' ? 'stale' : 'down') : 'up';
        const word = ms(source.last_word_at);
        mark(element, 'data-state', state);
        write(element, f.say(word && !off ? 'source_line' : 'source_line_short', { source: id, state: f.say(state === 'unknown' ? 'not_known' : state), age: word ? f.age(Math.max(0, clock.now() - word) / 1000) : '' }));
      }
    }
  }

  return new Lead();
}
