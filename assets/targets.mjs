// The page of targets: what holds today, as rows that a manager can change; what was edited before, and by whom.

const NUMBERS = ['goal', 'warning', 'critical', 'for', 'clear_after', 'min_sample'];
const READ_MS = 5_000; // somebody else may edit too
const SURE_MS = 5_000;

export function open(root, page, _feed, live) {
  const { clock, write, mark, slot, make, ms, formatter, perf } = live;
  const f = formatter(page);
  const { columns, kpis, queues } = JSON.parse(root.dataset.choices);
  const url = `/api/v1/projects/${encodeURIComponent(page.project)}/targets`;
  const places = Object.fromEntries(['rows', 'empty', 'add', 'save', 'back', 'answer', 'again', 'stages', 'edits', 'clock', 'link'].map((name) => [name, slot(root, name)]));
  const field = (name, attributes) => slot(root, name)?.appendChild(make('input', '', { name, ...attributes }));
  const from = field('from', { type: 'date', required: '' });
  const by = field('by', { type: 'text', maxlength: 80, autocomplete: 'name' });
  let said = null; // the server's last answer
  let rows = [];
  let asked = -READ_MS;

  const day = (iso) => new Intl.DateTimeFormat(page.language, { dateStyle: 'medium', timeZone: 'UTC' }).format(new Date(`${iso}T00:00:00Z`));
  const moment = (iso) => f.at(ms(iso), page.time_zone);
  const windowName = (name) => page.windows[name] ?? f.say('now');

  // One target as fields; what the form has no field for is kept as it came.
  class Row {
    constructor(target) {
      this.kept = { ...target };
      this.element = make('tr', 'target');
      this.kpi = this.select('kpi', Object.entries(kpis).map(([key, { label }]) => [key, label]), target.kpi);
      this.window = this.select('window', [], '');
      this.queue = this.select('queue', [['', f.say('whole')], ['*', f.say('each')], ...queues.map((queue) => [queue, queue])], target.per_queue ? '*' : target.queue ?? '');
      for (const name of NUMBERS) this[name] = this.number(name, target[name]);
      const end = this.element.appendChild(make('td'));
      if (page.may_act) {
        const remove = end.appendChild(make('button', 'quiet', { type: 'button', 'aria-label': `${f.say('remove')}: ${page.labels[target.kpi] ?? ''}` }));
        write(remove, '×');
        remove.addEventListener('click', () => { rows = rows.filter((row) => row !== this); this.element.remove(); changed(); });
      }
      this.kpi.addEventListener('change', () => this.chooseWindow());
      this.chooseWindow(target.window);
      this.element.addEventListener('input', changed);
    }

    cell(name, field) {
      const cell = this.element.appendChild(make('td', `target-${name}`, { 'data-column': columns[name] }));
      field.setAttribute('aria-label', columns[name]);
      field.disabled = !page.may_act;
      return cell.appendChild(field);
    }

    select(name, options, value) {
      const field = this.cell(name, make('select'));
      this.fill(field, options, value);
      return field;
    }

    fill(field, options, value) {
      field.replaceChildren(...options.map(([key, label]) => { const option = make('option', '', { value: key }); write(option, label); return option; }));
      field.value = value;
      if (field.selectedIndex < 0) field.selectedIndex = 0;
    }

    number(name, value) {
      const field = this.cell(name, make('input', '', { type: 'text', inputmode: 'decimal', size: 5, autocomplete: 'off' }));
      field.value = value == null ? '' : name === 'for' || name === 'clear_after' ? duration(value) : String(value);
      return field;
    }

    chooseWindow(value = '') {
      const { windows, unit } = kpis[this.kpi.value];
      this.fill(this.window, windows.map((name) => [name, windowName(name)]), value || this.kept.window);
      this.window.disabled = !page.may_act || windows.length === 1;
      for (const name of ['goal', 'warning', 'critical']) mark(this[name], 'placeholder', unit === 'contacts' || unit === 'agents' ? '' : unit);
    }

    value() {
      const { queue, per_queue, ...rest } = this.kept;
      const found = { ...rest, kpi: this.kpi.value, window: this.window.value };
      if (this.queue.value === '*') found.per_queue = true;
      else if (this.queue.value) found.queue = this.queue.value;
      for (const name of NUMBERS) {
        const text = this[name].value.trim();
        if (!text) delete found[name];
        else found[name] = Number.isNaN(Number(text)) ? text : Number(text); // a word is sent as it is: the server says what would be right
      }
      return found;
    }
  }

  const duration = (seconds) => (seconds % 60 || seconds < 60 ? `${seconds}s` : seconds % 3600 ? `${seconds / 60}m` : `${seconds / 3600}h`);
  const now = () => JSON.stringify(rows.map((row) => row.value()));
  let before = '[]';
  let forgets; // the timer after which it was not meant
  let sure = false; // going back to the file was asked once, and waits for the second press

  function changed() {
    if (!places.save) return;
    const same = now() === before;
    places.save.disabled = same;
    places.back.disabled = !same; // what was typed would be taken back with the rest
    mark(root, 'data-changed', String(!same));
    ask(false);
    if (!same) answer(f.say('changed'), 'waiting');
  }

  function ask(on) {
    sure = on;
    clearTimeout(forgets);
    if (on) forgets = setTimeout(ask, SURE_MS, false);
    if (places.back) mark(places.back, 'data-sure', String(on));
  }

  function answer(text, look) {
    write(places.answer, text);
    mark(places.answer, 'data-look', look);
  }

  function show(fresh) {
    said = fresh;
    rows = fresh.targets.map((target) => new Row(target));
    places.rows.replaceChildren(...rows.map((row) => row.element));
    before = now();
    places.empty.hidden = rows.length > 0;
    write(places.empty, f.say('none'));
    list(places.stages, fresh.stages, ({ from: since }) => (since ? f.say('stage_from', { day: day(since) }) : f.say('stage_start')));
    fresh.stages.forEach(({ targets }, i) => list(places.stages.children[i].appendChild(make('ul')), targets.length ? targets.map(inWords) : [f.say('none')], String));
    list(places.edits, fresh.edits, (edit) => f.say(edit.back_to_file ? 'back_by' : 'edited_by', { by: edit.by, time: moment(edit.at), day: day(edit.from) }));
    if (places.back) {
      places.back.hidden = !fresh.edits.length || fresh.edits[0].back_to_file;
      places.back.disabled = false;
    }
    if (places.save) places.save.disabled = true;
    if (places.again) places.again.hidden = true;
    ask(false);
  }

  function inWords(target) { // a target in one line: what it is of, and each of its lines with its unit
    const of = [page.labels[target.kpi] ?? target.kpi, page.windows[target.window], target.per_queue ? f.say('each_queue') : target.queue].filter(Boolean).join(' ');
    const line = (name) => {
      const value = target[name] != null && f.limit(target[name], kpis[target.kpi]?.unit);
      return value && f.say(name === 'goal' ? 'goal' : `limit_${name}`, { goal: value, value });
    };
    return [of, ...['goal', 'warning', 'critical'].map(line).filter(Boolean)].join(' · ');
  }

  function list(place, entries, text) {
    place.replaceChildren(...entries.map((entry) => { const item = make('li'); write(item, text(entry)); return item; }));
  }

  async function read() {
    asked = perf();
    let state = 'lost';
    try {
      const reply = await fetch(url, { signal: AbortSignal.timeout(8_000), headers: { Accept: 'application/json' } });
      if (reply.ok) {
        take(await reply.json());
        state = 'live';
      } else if (root.dataset.changed !== 'true') live.signedOut(reply.status);
    } catch { /* the foot of the page says it */ }
    mark(places.link, 'data-state', state);
    write(places.link, f.say(state));
  }

  function take(fresh) {
    clock.hear(ms(fresh.now));
    if (from) { // a page that stays open overnight offers the new day
      from.min = fresh.today;
      if (!from.value || from.value < fresh.today) from.value = fresh.today;
    }
    // What somebody is typing is never thrown away; the server refuses it if it rests on old targets.
    if (fresh.revision !== said?.revision && root.dataset.changed !== 'true') show(fresh);
  }

  async function send(targets, done) {
    places.save.disabled = true;
    try {
      const reply = await fetch(url, {
        method: 'POST', signal: AbortSignal.timeout(8_000), headers: { ...live.proof(), 'Content-Type': 'application/json' },
        body: JSON.stringify({ targets, seen: said.revision, from: from.value, ...(by ? { by: by.value } : {}) }),
      });
      const told = await reply.json().catch(() => ({ title: String(reply.status) }));
      if (!reply.ok) {
        places.save.disabled = false;
        places.again.hidden = reply.status !== 409;
        return answer(reply.status === 401 ? f.say('sign_in_again') : told.detail ?? told.title, 'critical');
      }
      mark(root, 'data-changed', 'false');
      before = now();
      answer(f.say(done, { day: day(told.accepted.from) }), 'ok');
      setTimeout(read, 1_500); // until the server holds it itself
    } catch (error) {
      places.save.disabled = false;
      answer(f.say('not_sent', { error: error.message }), 'critical');
    }
  }

  places.add?.addEventListener('click', () => {
    const row = new Row({ kpi: 'service_level_pct' });
    rows.push(row);
    places.rows.append(row.element);
    places.empty.hidden = true;
    row.kpi.focus();
    changed();
  });
  places.save?.addEventListener('click', () => send(rows.map((row) => row.value()), 'saved'));
  places.back?.addEventListener('click', () => {
    if (sure) {
      ask(false);
      return send(null, 'back');
    }
    answer(f.say('sure', { day: day(from.value) }), 'warning');
    ask(true);
  });
  if (places.again) {
    write(places.again, f.say('read_again'));
    places.again.addEventListener('click', () => {
      said = null;
      mark(root, 'data-changed', 'false');
      answer('', '');
      read();
    });
  }

  return {
    draw() {
      if (perf() - asked >= READ_MS) read();
      write(places.clock, clock.known ? f.clock(clock.now(), page.time_zone) : '');
    },
  };
}
