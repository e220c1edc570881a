// The alert log as a timeline: an episode is one run of an alert, from its first crossing to its end, with the numbers at each step.

const FIRST = 200, STEP = 400, MOST = 1_000;
const OPEN_FIRST = 3;
const SAID = new Set(['silenced', 'unsilenced', 'expired']);
const TOLD = new Set(['notified', 'notify_failed']);
const RANK = { '': 0, warning: 1, critical: 2 };

// Entries (newest first) as episodes, the one that moved last first.
export function episodesOf(entries) {
  const found = new Map();
  const of = (key, entry) => {
    if (!found.has(key)) found.set(key, { key, project: entry.project, steps: [], level: '', kind: 'alert' });
    return found.get(key);
  };
  for (const entry of [...entries].reverse()) {
    if (TOLD.has(entry.what)) {
      for (const name of entry.episodes ?? []) found.get(`${entry.project}|${name}`)?.steps.push(entry);
      continue;
    }
    const said = SAID.has(entry.what);
    const episode = of(`${entry.project}|${said ? `silence ${entry.id}` : entry.episode}`, entry);
    episode.steps.push(entry);
    if (said) Object.assign(episode, { kind: 'silence', silence: entry });
    else take(episode, entry);
  }
  return [...found.values()].reverse().sort((a, b) => Date.parse(last(b).at) - Date.parse(last(a).at));
}

const last = (episode) => episode.steps[episode.steps.length - 1];

function take(episode, entry) {
  Object.assign(episode, { label: entry.label, kpi: entry.kpi, window: entry.window, queue: entry.queue, rule: entry.rule, unit: entry.unit });
  episode.began ??= entry.began_at;
  episode.fired ??= entry.fired_at;
  if (['fired', 'escalated', 'deescalated', 'resolved'].includes(entry.what) && RANK[entry.level] > RANK[episode.level]) episode.level = entry.level;
  if (entry.what === 'acknowledged') episode.answer ??= entry;
  if (entry.what === 'resolved' || entry.what === 'cancelled') Object.assign(episode, { over: entry, worst: entry.worst });
}

export class Episodes {
  constructor(root, live, { f, configured, nameOf }, ask) {
    Object.assign(this, { live, f, configured, nameOf, ask, list: [], items: new Map(), limit: FIRST, more: false, all: false, taken: false });
    const { slot } = live;
    for (const name of ['log', 'log-empty', 'pending', 'more']) this[`${name}Place`] = slot(root, name);
    this.pendingPlace.addEventListener('click', () => { this.all = !this.all; live.draw(); });
    this.morePlace.addEventListener('click', () => { this.limit = Math.min(MOST, this.limit + STEP); ask(); });
  }

  take(entries, more, chosen) {
    this.list = episodesOf(entries);
    this.more = more && this.limit < MOST;
    this.taken = true;
    this.chosen = chosen;
  }

  draw() {
    const { live: { write, keep }, f } = this;
    const short = this.list.filter((episode) => episode.kind === 'alert' && !episode.fired);
    const shown = this.all ? this.list : this.list.filter((episode) => episode.kind !== 'alert' || episode.fired);
    const by = new Map(shown.map((episode) => [episode.key, episode]));
    write(this['log-emptyPlace'], this.taken && !shown.length ? f.say('none_logged') : '');
    this['log-emptyPlace'].hidden = !this.taken || shown.length > 0;
    const opened = this.items.size ? [] : [...by.keys()].slice(0, OPEN_FIRST);
    keep(this.logPlace, this.items, [...by.keys()], (key) => this.item(opened.includes(key)));
    for (const [key, episode] of by) this.drawItem(this.items.get(key), episode);
    this.pendingPlace.hidden = !short.length;
    write(this.pendingPlace, f.say(this.all ? 'hide_those' : 'never_fired', { n: short.length }));
    this.morePlace.hidden = !this.more;
    write(this.morePlace, f.say('show_more'));
  }

  item(opened) {
    const { make } = this.live;
    const element = make('li', 'episode');
    const details = element.appendChild(make('details', ''));
    details.open = opened;
    const head = details.appendChild(make('summary', 'episode-head'));
    const part = (name, attributes = {}) => head.appendChild(make('span', name, attributes));
    const state = part('chip', { 'data-slot': 'state' });
    const [when, what, lasted, sum] = ['episode-when', 'episode-what', 'episode-lasted', 'episode-sum'].map((name) => part(name));
    return { element, state, when, what, lasted, sum, steps: details.appendChild(make('ol', 'steps')), drawn: '' };
  }

  drawItem(item, episode) {
    const { live: { write, mark }, f } = this;
    const zone = this.configured.get(episode.project)?.zone ?? 'UTC';
    const name = this.configured.get(episode.project)?.name ?? episode.project;
    const owner = this.chosen ? '' : name;
    mark(item.element, 'data-project', episode.project);
    const first = Date.parse(episode.began ?? episode.steps[0].at);
    write(item.when, f.at(first, zone));
    if (episode.kind === 'silence') this.drawSilence(item, episode, owner);
    else this.drawAlert(item, episode, owner);
    const drawn = episode.steps.length + (episode.steps[0]?.at ?? '');
    if (drawn === item.drawn) return;
    item.drawn = drawn;
    item.steps.replaceChildren(...episode.steps.map((entry) => this.step(entry, zone)));
  }

  drawAlert(item, episode, owner) {
    const { live: { write, mark, clock }, f } = this;
    const at = (text) => (text ? Date.parse(text) : null);
    mark(item.element, 'data-look', !episode.fired ? 'quiet' : episode.over ? 'over' : episode.level || 'quiet');
    mark(item.element, 'data-level', episode.level);
    write(item.state, episode.level ? f.say(episode.level) : '');
    write(item.what, [owner, this.nameOf(episode)].filter(Boolean).join(' · '));
    const end = at(episode.over?.at) ?? clock.now(), began = at(episode.began) ?? at(episode.steps[0].at);
    write(item.lasted, f.say(episode.over ? 'lasted' : 'lasts', { time: f.duration(Math.max(0, end - began) / 1000) }));
    const parts = [], fired = at(episode.fired);
    const after = (when) => f.duration(Math.max(0, when - fired) / 1000);
    if (episode.answer) parts.push(f.say('answered_in', { by: episode.answer.by || DASH, time: after(at(episode.answer.at)) }));
    else if (fired && episode.over) parts.push(f.say('unanswered_ever'));
    else if (fired) parts.push(f.say('unanswered_yet', { time: after(end) }));
    if (episode.worst != null && episode.unit != null) parts.push(f.say('worst_was', { value: f.text(episode.worst, episode.unit) }));
    write(item.sum, parts.join(' · '));
  }

  drawSilence(item, episode, owner) {
    const { live: { write, mark }, f } = this;
    const entry = episode.silence;
    const maintenance = entry.kind === 'maintenance';
    mark(item.element, 'data-look', 'quiet');
    write(item.state, '');
    const scope = maintenance ? (entry.source ? f.say('one_source', { source: entry.source }) : f.say('whole_project')) : [entry.kpi || f.say('all_kpis'), entry.queue].filter(Boolean).join(' · ');
    write(item.what, [owner, f.say(maintenance ? 'step_maintained' : 'step_silenced'), scope].filter(Boolean).join(' · '));
    write(item.lasted, '');
    write(item.sum, f.say('said_by', { by: episode.steps[0].by, why: entry.why ?? '' }));
  }

  step(entry, zone) {
    const { live: { make }, f } = this;
    const element = make('li', 'step', { 'data-what': entry.what, 'data-level': entry.level ?? '' });
    const text = (name, value) => { element.appendChild(make('span', name)).append(value); };
    text('step-at', f.clock(Date.parse(entry.at), zone));
    const name = entry.kind === 'maintenance' ? { silenced: 'maintained', unsilenced: 'unmaintained', expired: 'unmaintained' }[entry.what] : entry.what;
    text('step-what', f.say(`step_${name}`));
    text('step-why', this.wordsOf(entry, zone));
    return element;
  }

  wordsOf(entry, zone) {
    const { f } = this;
    if (entry.what === 'acknowledged') return [entry.by, entry.note].filter(Boolean).join(': ');
    if (TOLD.has(entry.what)) return [f.say('told_route', { route: entry.route ?? '', to: entry.to ?? '' }), entry.what === 'notify_failed' ? entry.reason : ''].filter(Boolean).join(': ');
    if (entry.what === 'silenced') return f.say('from_to', { start: f.at(Date.parse(entry.start), zone), end: f.at(Date.parse(entry.until), zone) });
    if (entry.what === 'unsilenced') return entry.by ?? '';
    if (entry.what === 'expired') return '';
    return entry.reason ?? '';
  }
}

const DASH = '—';
