// Draws the live numbers: keeps one board per project as the server sends it, and writes what changed into the page.
// Everything from the server is written as text. A value whose origin has gone quiet is withdrawn here, whatever was said last.

const SILENT_MS = 15_000; // without a word from the server: nothing on the screen may be called current any more
const STREAM_MS = 13_000; // without a word on the stream: ask for a new one
const FIRST_WORD_MS = 4_000; // a stream that says nothing for so long is being held back by somebody: poll
const POLL_MS = 2_000;
const CHECKED_MS = 10_000; // since the engine last found the numbers right
const SOURCE_MS = 20_000; // since a source's last sign of life
const SLEPT_MS = 5_000; // a tick that comes so late: the machine slept
const CALM_MS = 3_000; // rows change places no more often than this
const CLOCK_KEEP_MS = 60_000;
const UNDRAWN_MS = 12_000; // a page that has no script of its own by then never gets it
const DASH = '—';
const SEVERITY = { critical: 3, warning: 2, unknown: 1 };

const perf = () => performance.now();
export const stats = { draws: 0, writes: 0, lastMs: 0, maxMs: 0, connects: 0 };

// ── Time: the server's clock, carried by our own stopwatch, so that a wrong clock on this machine does not matter ──

const clock = {
  offset: Date.now() - perf(),
  known: 0,
  now() { return this.offset + perf(); },
  hear(serverNow) { // a word is late by its journey, never early: the largest difference is the truest
    if (serverNow == null) return;
    const offset = serverNow - perf();
    if (!this.known || offset >= this.offset || perf() - this.known > CLOCK_KEEP_MS) {
      this.offset = offset;
      this.known = perf();
    }
  },
};

const ms = (at) => { // epoch milliseconds of what the server wrote; null where it wrote none
  const read = typeof at === 'number' ? at : Date.parse(at ?? '');
  return Number.isFinite(read) ? read : null;
};

// ── Writing: only what changed, always as text ──

function write(element, text) {
  if (!element) return;
  const node = element.firstChild;
  if (!node) element.appendChild(document.createTextNode(text));
  else if (node.nodeValue !== text) node.nodeValue = text;
  else return;
  stats.writes++;
}

function mark(element, name, value) {
  if (element && element.getAttribute(name) !== value) element.setAttribute(name, value);
}

const slot = (scope, name) => scope.querySelector(`[data-slot="${name}"]`);

function make(tag, className, attributes = {}) {
  const element = document.createElement(tag);
  if (className) element.className = className;
  for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value);
  return element;
}

// ── Formatting: the only place where a number becomes text ──

function formatter(page) {
  const decimals = (n) => new Intl.NumberFormat(page.language, { minimumFractionDigits: n, maximumFractionDigits: n });
  const whole = decimals(0), one = decimals(1), two = decimals(2), percent = decimals(page.decimals ?? 1);
  const times = {};
  const time = (at, zone, options) => {
    if (!Number.isFinite(at)) return DASH; // a time that is none takes nothing else from the page
    const key = zone + JSON.stringify(options);
    times[key] ??= new Intl.DateTimeFormat(page.language, { timeZone: zone, hourCycle: 'h23', ...options });
    return times[key].format(at);
  };
  const HM = { hour: '2-digit', minute: '2-digit' };
  const f = {
    duration(s) {
      s = Math.max(0, Math.round(s));
      const two = (n) => String(n).padStart(2, '0');
      const h = Math.floor(s / 3600), m = Math.floor(s / 60) % 60;
      return h ? `${h}:${two(m)}:${two(s % 60)}` : `${m}:${two(s % 60)}`;
    },
    value(value, unit) { // [number, unit]
      if (unit === '%') return [percent.format(value), '\u00a0%'];
      if (unit === 's') return [f.duration(value), ''];
      if (unit === 'h') return [one.format(value), '\u00a0h'];
      if (unit === 'points') return [two.format(value), ''];
      return [whole.format(value), ''];
    },
    text: (value, unit) => f.value(value, unit).join(''),
    limit(value, unit) { // a goal is a round number and stays one
      return unit === '%' ? `${new Intl.NumberFormat(page.language, { maximumFractionDigits: 1 }).format(value)}\u00a0%` : f.text(value, unit);
    },
    count: (n) => whole.format(n),
    one: (n) => one.format(n),
    clock: (at, zone) => time(at, zone, { ...HM, second: '2-digit' }),
    at(at, zone) { // the time, with the day when it is another one
      const day = { year: 'numeric', month: 'numeric', day: 'numeric' };
      const days = Math.abs(clock.now() - at) / 864e5;
      if (time(at, zone, day) === time(clock.now(), zone, day)) return time(at, zone, HM);
      return time(at, zone, days < 6 ? { weekday: 'short', ...HM } : { month: 'short', day: 'numeric', ...HM });
    },
    age(s) { return s < 60 ? f.say('age', { s: s < 10 ? one.format(s) : whole.format(Math.floor(s)) }) : f.duration(Math.floor(s)); },
    say(name, values = {}) {
      const text = (values.n === 1 && page.words[`${name}_one`]) || page.words[name] || name;
      return text.replace(/\{(\w+)\}/g, (_, key) => (typeof values[key] === 'number' ? whole.format(values[key]) : values[key] ?? ''));
    },
  };
  return f;
}

// ── The feed of one project ──

class Feed {
  constructor(project, changed) {
    this.url = `/api/v1/projects/${encodeURIComponent(project)}`;
    this.changed = changed;
    this.board = null;
    this.beat = {};
    this.problem = ''; // 'not_found' or 'sign_in': an answer, but not the one that we want
    this.state = 'connecting';
    this.word = perf(); // when the server last said anything
    this.checked = null; // when the engine last found the numbers right, server's time
    this.waiting = []; // changes that came while a snapshot was on its way
    this.failures = 0;
    this.polled = 0;
    this.connect();
  }

  connect() {
    this.stream?.close();
    clearTimeout(this.again);
    stats.connects++;
    const stream = (this.stream = new EventSource(`${this.url}/live`));
    this.opened = this.streamed = perf();
    this.spoke = false;
    const on = (name, take) => stream.addEventListener(name, (event) => {
      if (stream !== this.stream) return;
      const began = perf();
      this.streamed = this.word = began;
      this.spoke = true;
      this.failures = 0;
      this.problem = '';
      this.state = 'live';
      take(JSON.parse(event.data));
      stats.lastMs = perf() - began;
      stats.maxMs = Math.max(stats.maxMs, stats.lastMs);
    });
    on('snapshot', (board) => this.take(board));
    on('change', (change) => this.change(change));
    on('heartbeat', (beat) => this.heard(beat));
    on('screen', (orders) => { this.orders = orders; this.changed(); }); // a word to this screen alone
    stream.onerror = () => {
      if (stream !== this.stream) return;
      this.state = 'lost';
      if (stream.readyState === EventSource.CLOSED) { // refused: the browser will not try again by itself
        const wait = Math.min(10_000, 500 * 2 ** this.failures++) * (0.5 + Math.random());
        clearTimeout(this.again);
        this.again = setTimeout(() => this.connect(), wait);
      }
      this.changed();
    };
  }

  take(board) {
    this.board = board;
    this.checked = Math.max(this.checked ?? 0, ms(board.at) ?? 0);
    for (const change of this.waiting.splice(0)) if (change.previous === this.board.revision) this.merge(change);
    this.changed();
  }

  change(change) {
    if (this.board && change.previous === this.board.revision) {
      this.merge(change);
      this.changed();
    } else if (!this.board || change.revision > this.board.revision) { // something is missing in between
      if (this.waiting.push(change) > 100) this.waiting.shift();
      this.ask();
    }
  }

  merge(change) {
    const { kpis, queues, agents, agents_gone, lost, lost_gone, previous, ...rest } = change;
    const board = (this.board = { ...this.board, ...rest });
    board.kpis = fields(board.kpis, kpis);
    if (queues) {
      board.queues = { ...board.queues };
      for (const [id, queue] of Object.entries(queues)) {
        if (!queue) delete board.queues[id];
        else board.queues[id] = { ...board.queues[id], ...queue, kpis: fields(board.queues[id]?.kpis ?? {}, queue.kpis) };
      }
    }
    board.agents = rows(board.agents, agents, agents_gone);
    board.lost = rows(board.lost, lost, lost_gone);
    this.checked = Math.max(this.checked ?? 0, ms(board.at) ?? 0);
  }

  heard(beat) {
    this.beat = beat;
    this.beatAt = perf();
    clock.hear(ms(beat.now));
    if (beat.redis !== false) this.base = perf(); // the database answered
    if (beat.checked_at != null) this.checked = Math.max(this.checked ?? 0, ms(beat.checked_at));
    this.changed();
  }

  async ask() { // the whole board, by an ordinary request
    if (this.asking) return;
    this.asking = true;
    this.polled = perf();
    try {
      const headers = this.etag && this.board ? { 'If-None-Match': this.etag } : {};
      const answer = await fetch(`${this.url}/board`, { headers, cache: 'no-store', signal: AbortSignal.timeout(6_000) });
      const said = (name) => answer.headers.get(name) || null;
      this.problem = { 401: 'sign_in', 403: 'sign_in', 404: 'not_found' }[answer.status] ?? '';
      signedOut(answer.status);
      if (answer.ok || answer.status === 304) {
        this.word = perf();
        this.heard({ ...this.beat, redis: true, now: said('Floorlight-Now'), checked_at: said('Floorlight-Checked-At'), sources: null });
        if (!this.spoke) this.state = 'polling';
      }
      if (answer.ok) {
        const board = await answer.json();
        if (!this.board || !this.spoke || board.revision > this.board.revision) this.take(board);
        this.etag = answer.headers.get('ETag');
      }
    } catch { // no answer is not an answer: the silence itself will tell
    } finally {
      this.asking = false;
      this.changed();
    }
  }

  close() {
    this.stream?.close();
    this.stream = null;
    this.changed = () => {};
    this.closed = true;
    clearTimeout(this.again);
  }

  tick() { // once a second
    const now = perf();
    if (now - this.streamed > STREAM_MS) this.connect();
    const held = !this.spoke && now - this.opened > FIRST_WORD_MS;
    if ((held || this.state === 'polling' || this.state === 'lost') && now - this.polled >= POLL_MS - 200) this.ask();
    if (now - this.word > SILENT_MS) this.state = 'lost';
  }

  wake() { // this machine slept, or nobody looked: what was heard before says nothing about now
    this.word = Math.min(this.word, perf() - SILENT_MS + 1_500);
    this.connect();
    this.ask();
  }

  off() { // why nothing of this board may be shown as current; null while it may
    const now = perf();
    const server = (at) => clock.now() - (now - at);
    if (now - this.word > SILENT_MS) return { why: 'no_server', since: server(this.word) };
    if (this.base != null && now - this.base > CHECKED_MS) return { why: 'no_redis', since: server(this.base) };
    if (this.checked && clock.known && clock.now() - this.checked > CHECKED_MS) return { why: 'no_engine', since: this.checked };
    return null;
  }
}

function rows(before = [], changed = [], removed = []) {
  if (!changed.length && !removed.length) return before;
  const gone = new Set([...removed, ...changed.map((row) => row.id)]);
  return [...before.filter((row) => !gone.has(row.id)), ...changed];
}

function fields(before, changed) {
  if (!changed) return before;
  const after = { ...before };
  for (const [key, entry] of Object.entries(changed)) {
    if (entry === null) delete after[key];
    else after[key] = { ...after[key], ...entry };
  }
  return after;
}

// The sources of a board, fresher by the heartbeat, and for each that has gone quiet the reason. Of the two the worse is
// believed: the board withdraws its numbers with the state that it knows, and the banner beside them must say the same.
function sourcesOf(board, beat = {}) {
  const sources = {};
  for (const [id, said] of Object.entries(board?.sources ?? {})) {
    const { state, since, error, why } = said;
    sources[id] = { ...said, ...(beat.sources?.[id] ?? {}), ...(state === 'up' ? {} : { state, since, error, why }) };
  }
  return sources;
}

function sourceOff(source, fresh) {
  if (source.state === 'stale') return { why: 'source_stale', since: ms(source.since) };
  if (source.state !== 'up') return { why: 'source_down', since: ms(source.since) };
  const word = ms(source.last_word_at);
  return fresh && word && clock.now() - word > SOURCE_MS ? { why: 'source_stale', since: word } : null;
}

// Why a number cannot be taken for now: the first of the sources that it rests on that has gone quiet.
function quietOf(sources, entry) {
  for (const id of entry?.sources ?? Object.keys(sources)) if (sources[id]?.off) return sources[id].off;
  return null;
}

// ── One KPI ──

// What is shown of an entry: its number and unit, its band, how it looks, and in words why there is none.
function face(entry, off, f, zone) {
  const none = (why, since, reason, last) => ({
    number: DASH, unit: '', band: 'unknown', look: /^(source_|no_server|no_redis|no_engine)/.test(why) ? 'unknown' : 'quiet',
    note: reason, last: last && last.value != null && last.at ? f.say('last', { value: f.text(last.value, entry.unit), time: f.at(ms(last.at), zone) }) : '',
  });
  const words = (why, since, reason) => {
    const text = f.say(`why_${why}`, { ...entry?.about, ...(since && { time: f.at(since, zone) }) });
    return text.startsWith('why_') ? reason || f.say('unknown') : text;
  };
  if (!entry || (entry.value === undefined && !entry.band)) return { ...none('waiting', null, f.say('why_waiting')), look: 'waiting' };
  if (off && (entry.value != null || !entry.why)) {
    return none(off.why, off.since, words(off.why, off.since), { value: running(entry) ?? entry.value, at: off.since });
  }
  if (entry.value == null || (entry.unit === '%' && entry.sample === 0)) {
    const why = entry.why || (entry.sample === 0 ? 'no_contacts' : '');
    const since = off?.since ?? (entry.last?.at ? ms(entry.last.at) : null);
    return none(why, since, words(why, since, entry.reason), entry.last);
  }
  const [number, unit] = f.value(running(entry) ?? entry.value, entry.unit);
  const band = entry.band || 'none';
  const nothing = entry.why === 'no_contacts' ? words(entry.why) : ''; // a 0 where nothing happened says so
  return { number, unit, band, look: band, nothing, note: band === 'none' && entry.target != null ? words(entry.why || 'few', null, entry.reason) : '', last: '' };
}

function running(entry) { // a wait goes on between two words of the server
  return entry.since && entry.unit === 's' && entry.value != null ? Math.max(0, Math.floor((clock.now() - ms(entry.since)) / 1000)) : null;
}

function goalOf(entry, key, page, f) {
  if (entry?.target == null) return '';
  const { warning, critical } = entry.limits ?? {};
  const better = entry.better && entry.better !== 'neither' ? entry.better : page.better[key];
  const more = better === 'up' || (better !== 'down' && warning != null && critical != null && critical < warning);
  const less = better === 'down' || (better !== 'up' && warning != null && critical != null && critical > warning);
  const sign = less ? '≤\u00a0' : more && entry.unit !== '%' ? '≥\u00a0' : '';
  return sign + f.limit(entry.target, entry.unit);
}

class Trend { // a line of the last half hour, its target through it
  constructor(place) {
    const svg = (tag, attributes, parent) => {
      const element = document.createElementNS('http://www.w3.org/2000/svg', tag);
      for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value);
      return parent.appendChild(element);
    };
    const frame = svg('svg', { viewBox: '0 0 100 40', preserveAspectRatio: 'none', class: 'trend' }, place);
    this.frame = frame;
    this.goal = svg('line', { class: 'trend-goal', x1: 0, x2: 100 }, frame);
    this.area = svg('polygon', { class: 'trend-area' }, frame);
    this.lines = svg('path', { class: 'trend-line' }, frame);
    this.end = svg('path', { class: 'trend-end' }, frame);
  }

  draw(values, target) {
    const key = `${values}|${target}`;
    if (key === this.key) return;
    this.key = key;
    const known = values.filter((value) => value != null);
    mark(this.frame, 'data-empty', String(known.length < 2));
    if (known.length < 2) return;
    const all = target == null ? known : [...known, target];
    let low = Math.min(...all), high = Math.max(...all);
    const air = (high - low || Math.abs(high) || 1) * 0.12;
    low -= air;
    high += air;
    const x = (i) => (100 - (values.length - 1 - i) * (100 / 29)).toFixed(2);
    const y = (value) => (40 - ((value - low) / (high - low)) * 40).toFixed(2);
    let path = '', open = false;
    values.forEach((value, i) => {
      if (value != null) path += `${open ? 'L' : 'M'}${x(i)} ${y(value)}`;
      open = value != null;
    });
    const last = values.findLastIndex((value) => value != null);
    const first = values.findIndex((value) => value != null);
    this.lines.setAttribute('d', path);
    this.end.setAttribute('d', `M${x(last)} ${y(values[last])}h0`);
    const whole = values.slice(first, last + 1).every((value) => value != null);
    const points = values.map((value, i) => `${x(i)},${y(value)}`).slice(first, last + 1).join(' ');
    this.area.setAttribute('points', whole ? `${x(first)},40 ${points} ${x(last)},40` : '');
    mark(this.goal, 'visibility', target == null ? 'hidden' : 'visible');
    if (target == null) return;
    this.goal.setAttribute('y1', y(target));
    this.goal.setAttribute('y2', y(target));
  }
}

// Where one KPI is drawn. `parts` that a page does not have are simply not written.
class Place {
  constructor(element, page, f) {
    this.element = element;
    this.key = element.dataset.tile;
    this.page = page;
    this.f = f;
    this.value = element.querySelector('[data-kpi]');
    this.number = this.value.querySelector('.number');
    this.unit = this.value.querySelector('.unit');
    for (const name of ['state', 'of', 'goal', 'sample', 'moved']) this[name] = slot(element, name);
    const trend = slot(element, 'trend');
    this.trend = trend && new Trend(trend);
  }

  draw(board, off, zone, sources) {
    const { key, page, f } = this;
    const entry = board?.kpis?.[key] ?? page.kpis[key];
    const shown = face(entry, board ? off ?? quietOf(sources, entry) : null, f, zone);
    write(this.number, shown.number);
    write(this.unit, shown.unit);
    mark(this.value, 'data-band', shown.band);
    mark(this.element, 'data-look', shown.look);
    mark(this.element, 'data-long', String(Math.min(8, shown.number.length)));
    write(this.state, shown.look === 'warning' || shown.look === 'critical' || shown.look === 'unknown' ? f.say(shown.look) : '');
    const goal = goalOf(entry, key, page, f);
    const window = entry ? page.windows[entry.window] ?? f.say('now') : '';
    const valued = shown.band !== 'unknown';
    const without = valued && entry.partial?.length ? f.say('without', { sources: entry.partial.join(', ') }) : '';
    const untold = !this.sample && entry?.why === 'not_reported' ? shown.note : '';
    write(this.goal, untold || [goal && f.say('goal', { goal }), window, !this.sample && without].filter(Boolean).join(' · '));
    mark(this.element, 'data-partial', String(Boolean(without)));
    write(this.of, valued && key === 'agents_available' && board.kpis.agents_logged_in?.value != null ? `/ ${f.count(board.kpis.agents_logged_in.value)}` : '');
    write(this.sample, valued ? [without, shown.nothing || sampleOf(entry, key, board, page, f) || shown.note].filter(Boolean).join(' · ') : shown.last);
    write(this.moved, valued ? movedBy(entry, key, board, shown, f) || missesElsewhere(entry, key, board, page, f) : shown.note);
    this.trend?.draw(valued ? entry.trend ?? [] : [], entry?.target);
    return shown;
  }
}

function sampleOf(entry, key, board, page, f) {
  const left = board.misses_left?.[entry.window];
  const parts = [];
  if (entry.unit === 'contacts' && entry.window !== 'now' && key !== 'offered') {
    const offered = board.kpis.offered;
    if (offered?.value != null && offered.window === entry.window) parts.push(f.say('of', { n: offered.value }));
  } else if (entry.sample != null && !(['calls', 'complaints'].includes(entry.unit) && entry.sample === entry.value)) parts.push(f.say(entry.unit === 'calls' ? 'of' : page.samples?.[key] ?? 'contacts', { n: entry.sample }));
  if (key === 'service_level_pct' && left != null) parts.push(missesText(left, f));
  return parts.join(' · ');
}

function missesText(left, f) { return left < 0 ? f.say('misses_over', { n: -left }) : f.say('misses_left', { n: left }); }

function missesElsewhere(entry, key, board, page, f) { // of the contract's other period, under the tile's own
  if (key !== 'service_level_pct') return '';
  const others = Object.entries(board.misses_left ?? {}).filter(([window]) => window !== entry.window && page.windows[window]);
  return others.map(([window, left]) => f.say('misses_in', { misses: missesText(left, f), window: page.windows[window] })).join(' · ');
}

function movedBy(entry, key, board, shown, f) {
  if (!SEVERITY[shown.band]) return '';
  const parts = [];
  const off = ms(entry.band_since);
  if (off) parts.push(f.say('for', { time: f.duration(Math.floor((clock.now() - off) / 1000)) }));
  const queue = board.queues?.[entry.moved_by];
  if (queue) {
    const there = queue.kpis?.[key];
    const value = there?.value == null ? '' : ` ${f.text(running(there) ?? there.value, there.unit)}`;
    parts.push(`${queue.name || entry.moved_by}${key === 'longest_wait_s' ? '' : value}`);
  }
  return parts.join(' · ');
}

// Whether an alert still calls for somebody: not while it is answered, silent, or nothing can be known of it.
const needsSomebody = (alert) => alert.state === 'firing' && !alert.acked && !alert.silenced && !alert.inhibited;

const withGoal = (what, goal, f) => (goal ? f.say('with_goal', { what, goal: f.say('goal', { goal }) }) : what);

// What an alert is about, in the page's language where it has the words; the engine's own words otherwise.
function alertName(alert, page, f) {
  const id = alert.id ?? alert.rule ?? '';
  const burn = /^budget_(day|week|month)_(\d+)([mh])$/.exec(id);
  if (burn) {
    const [n, unit] = burn[3] === 'm' && burn[2] % 60 ? [Number(burn[2]), 'min'] : [burn[3] === 'm' ? burn[2] / 60 : Number(burn[2]), 'h'];
    return f.say(`budget_${burn[1]}`, { span: f.say(`span_${unit}`, { n }) });
  }
  if (alert.kpi === 'source_down') return f.say('source_is_down', { source: id.slice(id.indexOf('@') + 1) });
  return page.labels[alert.kpi] ? [page.labels[alert.kpi], page.windows[alert.window]].filter(Boolean).join(' ') : alert.label ?? alert.kpi;
}

// An alert in one line: who has it, which number, what it should be, since when, what moves it, whose it is.
function alertText(alert, board, page, f) {
  const entry = alert.queue ? board.queues?.[alert.queue]?.kpis?.[alert.kpi] : board.kpis?.[alert.kpi];
  const shown = entry && entry.window === alert.window ? running(entry) ?? entry.value : null;
  const value = shown ?? alert.value;
  const name = alertName(alert, page, f);
  const number = value == null ? '' : ` ${f.text(value, alert.unit)}`;
  const goal = goalOf({ limits: entry?.limits, target: alert.target, unit: alert.unit }, alert.kpi, page, f);
  const queue = alert.queue || entry?.moved_by || '';
  const place = board.queues?.[queue]?.name || queue.slice(queue.indexOf('/') + 1);
  const has = alert.acked ? f.say(alert.acked.by ? 'has_it' : 'answered', { by: alert.acked.by }) : alert.silenced ? f.say('silent') : '';
  const age = f.say('for', { time: f.duration(Math.max(0, Math.floor((clock.now() - ms(alert.since)) / 1000))) });
  return [has, withGoal(name + number, goal, f), age, place, page.page === 'overview' ? '' : board.name].filter(Boolean).join(' · ');
}

// The worst thing on a board, as one sentence: {look, text, more}.
function worst(board, off, sources, page, f, keys) {
  const zone = board?.time_zone ?? page.time_zone;
  if (off) return { look: 'unknown', text: f.say(off.why, { time: f.at(off.since, zone) }), more: 0 };
  if (!board) return { look: 'waiting', text: f.say('why_waiting'), more: 0 };
  const found = [];
  for (const [id, source] of Object.entries(sources)) {
    const why = source.off;
    if (!why) continue;
    const error = source.error ?? '';
    const name = why.why === 'source_stale' ? 'source_mute' : why.since ? 'source_off' : 'source_off_now';
    found.push({ weight: 2.5, look: 'unknown', text: f.say(name, { source: id, time: why.since ? f.at(why.since, zone) : '', error }).replace(/(: |：)$/, '') });
  }
  const add = (entry, key, queue, gone) => {
    const weight = SEVERITY[entry?.band];
    if (gone || !weight || weight < 2 || entry.value == null) return;
    const goal = goalOf(entry, key, page, f);
    const parts = [withGoal(`${page.labels[key] ?? key} ${f.text(running(entry) ?? entry.value, entry.unit)}`, goal, f)];
    const moved = queue ?? board.queues?.[entry.moved_by]?.name;
    if (moved) parts.push(moved);
    const since = ms(entry.band_since);
    if (since) parts.push(f.say('for', { time: f.duration(Math.floor((clock.now() - since) / 1000)) }));
    found.push({ weight, look: entry.band, text: parts.join(' · ') });
  };
  const told = new Set();
  for (const alert of board.alerts ?? []) {
    told.add(`${alert.kpi}|${alert.queue}`);
    const silent = alert.source ? sources[alert.source]?.off : alert.queue ? sources[alert.queue.split('/')[0]]?.off : quietOf(sources, board.kpis?.[alert.kpi]);
    if (alert.inhibited || alert.state !== 'firing' || silent) continue; // the source speaks for it
    const calls = needsSomebody(alert);
    found.push({ weight: calls ? SEVERITY[alert.level] + 0.1 : 0.5, look: calls ? alert.level : 'answered', text: alertText(alert, board, page, f) });
  }
  const order = [...new Set([...keys, ...Object.keys(board.kpis ?? {})])];
  for (const key of order) if (!told.has(`${key}|`)) add(board.kpis?.[key], key, null, quietOf(sources, board.kpis?.[key]));
  if (!found.some((one) => one.weight > 1 && one.look !== 'unknown')) {
    for (const [id, queue] of Object.entries(board.queues ?? {})) {
      for (const key of page.columns) if (!told.has(`${key}|${id}`)) add(queue.kpis?.[key], key, queue.name || id, sources[id.split('/')[0]]?.off);
    }
  }
  found.sort((a, b) => b.weight - a.weight);
  if (found.length) return { ...found[0], more: found.length - 1 };
  if (board.open && board.open.open === false) return { look: 'quiet', text: f.say('quiet_closed'), more: 0 };
  const aimed = Object.values(board.kpis ?? {}).some((entry) => entry.target != null);
  return { look: 'ok', text: f.say(aimed ? 'all_well' : 'no_target'), more: 0 };
}

function openText(open, zone, f) {
  if (!open) return '';
  if (open.open) return open.until ? f.say('open_until', { time: f.at(ms(open.until), zone) }) : '';
  return open.next ? f.say('opens', { time: f.at(ms(open.next), zone) }) : f.say('closed');
}

// A list whose items are kept by key: made once, moved only when the order changed, removed when gone.
function keep(parent, items, keys, create) {
  for (const [key, item] of items) if (!keys.includes(key)) { item.element.remove(); items.delete(key); }
  keys.forEach((key, i) => {
    if (!items.has(key)) items.set(key, create(key));
    const { element } = items.get(key);
    if (parent.children[i] !== element) parent.insertBefore(element, parent.children[i] ?? null);
  });
}

// ── Reloading when the board is built differently now, once the server can be reached ──

async function renew(layout, patience = 60_000) {
  const kept = JSON.parse(sessionStorage.getItem('floorlight-reload') ?? '{}');
  if (renew.going || (kept.layout === layout && Date.now() - kept.at < patience && Date.now() >= kept.at)) return;
  renew.going = true;
  await new Promise((done) => setTimeout(done, Math.random() * 2_000)); // not every screen in the same instant
  try {
    const answer = await fetch(location.href, { cache: 'no-store', signal: AbortSignal.timeout(5_000) });
    if (answer.ok) {
      sessionStorage.setItem('floorlight-reload', JSON.stringify({ layout, at: Date.now() }));
      location.reload();
      return;
    }
  } catch { /* not now: the next word will bring us here again */ }
  renew.going = false;
}

function outgrown(page, root, feed) {
  const layout = feed.beat.layout || feed.board?.layout;
  if (!layout || layout === page.layout) return null;
  const keys = [...root.querySelectorAll('[data-tile]')].map((element) => element.dataset.tile);
  const wall = feed.board?.wall?.slice(0, 6);
  return page.layout || (wall && wall.join() !== keys.join()) ? layout : null;
}

// ── Beginning: the stream opens before the page is there; its elements go on in Dash's tree once that stands ──

// What proves to the server that a page of ours wants something: the token of the session that the document came with.
const session = () => document.querySelector('meta[name="csrf"]')?.content ?? '';
const proof = () => ({ 'X-CSRF-Token': session() });

// Somebody whose session is over is led to the sign-in page and back; a wall, where nobody sits, says so and waits.
function signedOut(status) {
  if (status === 401 && session() && document.documentElement.dataset.surface === 'desk') location.reload();
}

const live = { proof, signedOut, Feed, outgrown, renew, needsSomebody, alertText, alertName, goalOf, clock, perf, ms, write, mark, slot, make, keep, formatter, face, running, worst, sourceOff, sourcesOf, openText, Place, SEVERITY, CALM_MS, draw };
let root = null, view = null, feed = null, page = null;

function draw() {
  if (!view) return;
  view.draw();
  stats.draws++;
  const layout = feed && outgrown(page, root, feed);
  if (layout) renew(layout);
}

async function take(found) {
  root = found;
  page = JSON.parse(root.dataset.page);
  const name = ['wall', 'lead', 'alerts', 'playlist', 'screens', 'targets'].includes(page.page) ? page.page : 'desk';
  try {
    const { open } = await import(`./${name}.mjs${new URL(import.meta.url).search}`);
    view = open(root, page, feed, live);
    draw();
  } catch (error) { // a proxy's bad moment: the page is asked for anew, see tick()
    console.error(error);
  }
}

// Dash draws the tree of the first paint once more. The one that is there takes its place, elements and all: nothing flashes, and what
// somebody has typed, opened or chosen meanwhile stays. Dash's own main stays where React knows it, empty. Whether it has come.
function settle() {
  const place = document.getElementById('react-entry-point'); // stands after the first paint: that is whole by then
  const first = document.getElementById('first-paint');
  const own = place?.querySelector('main');
  const found = (place && first?.querySelector('main')) ?? own;
  if (!root && found?.dataset.page) take(found);
  if (!own) return false;
  const active = document.activeElement;
  if (root && root !== own) {
    mark(root, 'data-taken-over', 'true');
    own.replaceChildren();
    own.before(root);
  }
  first?.remove();
  if (root?.contains(active)) active.focus({ preventScroll: true });
  return true;
}

const wall = /^\/(?:wall|lead)\/([^/]+)\/?$/.exec(location.pathname);
if (wall) feed = new Feed(decodeURIComponent(wall[1]), draw);
const arrivals = new MutationObserver(() => { if (settle()) arrivals.disconnect(); });
arrivals.observe(document, { childList: true, subtree: true });
if (settle()) arrivals.disconnect();

let ticked = perf(), dated = Date.now();
function tick() {
  const late = Math.max(perf() - ticked, Math.abs(Date.now() - dated));
  ticked = perf();
  dated = Date.now();
  if (late > SLEPT_MS && !document.hidden) wake();
  if (!view && root && perf() > UNDRAWN_MS) {
    for (const place of root.querySelectorAll('[data-slot="banner-text"], [data-slot="link"]')) write(place, page.words.undrawn);
    renew('nothing drawn', UNDRAWN_MS);
  }
  setTimeout(tick, 1_000 - (((clock.now() % 1_000) + 1_000) % 1_000) + 5); // first: whatever a turn meets, the next one comes
  feed?.tick();
  view?.tick?.();
  draw();
}
function wake() { (feed ?? view)?.wake?.(); }
document.addEventListener('visibilitychange', () => { if (!document.hidden && feed && perf() - feed.word > SLEPT_MS) wake(); draw(); });
addEventListener('pageshow', (event) => { if (event.persisted) wake(); });
addEventListener('online', wake);
tick();
