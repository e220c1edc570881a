// The page of alerts: what fires, who has it, what is silent, and what happened. Loaded by live.mjs, which hands over what it knows of time and text.

const own = new URL(import.meta.url).search;
const { CHECKED_MS, Polled } = await import(`./polled.mjs${own}`);
const { Alarm } = await import(`./alarm.mjs${own}`);
const { Episodes } = await import(`./episodes.mjs${own}`);
const { SilenceForm, MaintenanceForm } = await import(`./alert_forms.mjs${own}`);

const LOG_MS = 15_000; // the log is asked for again when something changed, and this often anyway
const DASH = '—';

export function open(root, page, _feed, live) {
  const { needsSomebody, clock, perf, ms, write, mark, slot, make, keep, formatter, draw } = live;
  const f = formatter(page);
  const floor = JSON.parse(root.dataset.floor);
  const configured = new Map(floor.projects.map((project) => [project.id, project]));
  const alarm = new Alarm({ sound: true, choosable: true });

  const recall = () => { try { return localStorage.getItem('floorlight-name') ?? ''; } catch { return ''; } };
  const remember = (name) => {
    for (const field of root.querySelectorAll('input[name="by"]')) field.value ||= name;
    try { localStorage.setItem('floorlight-name', name); } catch { /* asked again next time */ }
  };

  // Send a word; the server's own sentence comes back when it is refused. {ok, text}
  async function say(method, url, body) {
    try {
      const reply = await fetch(url, {
        method, signal: AbortSignal.timeout(8_000),
        headers: { ...live.proof(), ...(body ? { 'Content-Type': 'application/json' } : {}) }, ...(body ? { body: JSON.stringify(body) } : {}),
      });
      if (reply.ok) return { ok: true, text: f.say('will_be_silent') };
      const problem = await reply.json().catch(() => ({ title: String(reply.status) }));
      return { ok: false, text: problem.detail ?? problem.title };
    } catch (error) {
      return { ok: false, text: f.say('not_sent', { error: error.message }) };
    }
  }

  const url = (project, tail) => `/api/v1/projects/${encodeURIComponent(project)}/${tail}`;

  class Alerts extends Polled {
    constructor() {
      super(`/api/v1/alerts?language=${page.language}`, root, page, live);
      for (const name of ['sum', 'project', 'sound', 'notice', 'calm', 'firing', 'quiet', 'quiet-part', 'silences', 'nothing-silent']) this[name] = slot(root, name);
      Object.assign(this, { loggedAt: -LOG_MS, cards: { firing: new Map(), quiet: new Map() }, silentItems: new Map(), chosen: '' });
      if (!this.project) return;
      this.episodes = new Episodes(root, live, { f, configured, nameOf }, () => this.askLog());
      const tools = { live, f, floor, configured, say, url, recall, remember, done: () => this.ask() };
      this.silenceForm = new SilenceForm(root, tools);
      this.maintenanceForm = new MaintenanceForm(root, tools);
      const wanted = new URLSearchParams(location.search).get('project') ?? page.project;
      this.choose(configured.has(wanted) ? wanted : '');
      this.project.value = this.chosen;
      this.project.addEventListener('change', () => this.choose(this.project.value));
      this.sound.addEventListener('click', () => { alarm.choose(!alarm.sound || alarm.waits); draw(); });
      this.notice.addEventListener('click', async () => { await alarm.chooseNotices(); draw(); });
    }

    choose(project) {
      const moved = this.chosen !== project;
      this.chosen = project;
      this.silenceForm.choose(project);
      this.maintenanceForm.choose(project);
      if (!moved) return;
      const address = new URL(location.href);
      project ? address.searchParams.set('project', project) : address.searchParams.delete('project');
      history.replaceState(history.state, '', address);
      alarm.lookElsewhere();
      this.askLog();
      draw();
    }

    async askLog() {
      if (!this.episodes) return;
      this.loggedAt = perf();
      const chosen = this.chosen, limit = this.episodes.limit;
      try {
        const answer = await fetch(`${chosen ? url(chosen, 'alerts/log') : '/api/v1/alerts/log'}?limit=${limit}&language=${page.language}`, { cache: 'no-store', signal: AbortSignal.timeout(8_000) });
        if (!answer.ok || chosen !== this.chosen) return;
        const { entries, more } = await answer.json();
        this.episodes.take(entries, more, chosen);
        draw();
      } catch { /* the next one brings it */ }
    }

    get watched() { return super.watched || alarm.sound || alarm.notices; }

    tick() {
      super.tick();
      if (this.watched && perf() - this.loggedAt >= LOG_MS) this.askLog();
    }

    wake() {
      super.wake();
      this.askLog();
    }

    draw() {
      this.drawFrame();
      if (!this.project) return;
      this.drawTools();
      if (!this.said) return;
      const projects = this.said.projects.filter((project) => !this.chosen || project.project === this.chosen);
      const alerts = projects.flatMap((project) => project.alerts.map((alert) => ({ ...alert, project, key: `${project.project}|${alert.episode}` })));
      const off = this.off() ?? this.unchecked(projects);
      const firing = alerts.filter(needsSomebody).sort(byNeed), quiet = alerts.filter((alert) => !needsSomebody(alert)).sort(byNeed);
      this.drawSum(firing, quiet, off);
      this.drawCards('firing', firing, off);
      this.drawCards('quiet', quiet, off);
      this['quiet-part'].hidden = !quiet.length;
      this.calm.hidden = firing.length > 0 || off != null;
      write(this.calm, f.say('all_calm'));
      this.drawSilences(projects);
      this.episodes.draw();
      if (!off) alarm.hear(firing.map((alert) => ({ key: `${alert.key}|${alert.level}`, level: alert.level, title: `■ ${alert.project.name}`, text: alert.reason })));
      mark(root, 'data-rung', String(alarm.rung));
      const signature = JSON.stringify([alerts.map((a) => [a.key, a.level, a.state, a.acked?.at, a.silenced?.until]), projects.map((p) => [p.silences, p.maintenance])]);
      if (signature !== this.signature) {
        this.signature = signature;
        this.askLog();
      }
    }

    unchecked(projects) {
      const late = projects.find((project) => project.checked_at && clock.now() - ms(project.checked_at) > CHECKED_MS);
      return late ? { why: 'no_engine', since: ms(late.checked_at) } : null;
    }

    drawTools() {
      const { sound, notice } = this;
      mark(sound, 'aria-pressed', String(alarm.sound));
      write(sound, f.say(alarm.waits ? 'sound_wait' : alarm.sound ? 'sound_on' : 'sound_off'));
      const allowed = alarm.permission;
      notice.disabled = allowed === 'denied';
      mark(notice, 'aria-pressed', String(allowed === 'granted' && alarm.notices));
      write(notice, f.say(allowed === 'denied' ? 'notice_denied' : allowed === 'default' ? 'notice_ask' : alarm.notices ? 'notice_on' : 'notice_off'));
    }

    drawSum(firing, quiet, off) {
      const critical = firing.filter((alert) => alert.level === 'critical').length, warning = firing.length - critical;
      const parts = [];
      if (critical) parts.push(f.say('sum_critical', { n: critical }));
      if (warning) parts.push(f.say('sum_warning', { n: warning }));
      if (!firing.length) parts.push(f.say('all_calm').replace(/[.。]$/, ''));
      if (quiet.length) parts.push(f.say('sum_calm', { n: quiet.length }));
      mark(this.sum, 'data-look', off ? 'unknown' : critical ? 'critical' : warning ? 'warning' : 'ok');
      write(this.sum, off ? f.say(off.why, { time: f.at(off.since, page.time_zone) }) : parts.join(' · '));
    }

    drawCards(place, alerts, off) {
      const cards = this.cards[place], by = new Map(alerts.map((alert) => [alert.key, alert]));
      keep(this[place], cards, [...by.keys()], () => this.card());
      for (const [key, alert] of by) this.drawCard(cards.get(key), alert, off);
    }

    card() {
      const element = make('li', 'alert');
      const part = (tag, className, parent = element, attributes = {}) => parent.appendChild(make(tag, className, attributes));
      const top = part('div', 'alert-top');
      const state = part('span', 'chip', top, { 'data-slot': 'state' });
      const project = part('a', 'alert-project', top), age = part('span', 'alert-age', top);
      const figure = part('div', 'alert-figure');
      const name = part('span', 'alert-label', figure), value = part('span', 'alert-value', figure), goal = part('span', 'alert-goal', figure);
      const reason = part('p', 'alert-reason'), answer = part('p', 'alert-answer');
      const card = { element, state, project, age, name, value, goal, reason, answer };
      if (page.may_act) this.addActions(card, part);
      return card;
    }

    addActions(card, part) {
      const act = (card.act = part('form', 'alert-act'));
      card.note = part('input', 'note', act, { type: 'text', maxlength: 500, placeholder: f.say('note_hint'), 'aria-label': f.say('note_hint'), autocomplete: 'off' });
      if (!floor.who) {
        card.by = part('input', 'by', act, { name: 'by', type: 'text', maxlength: 80, placeholder: f.say('name_hint'), 'aria-label': f.say('name_hint'), autocomplete: 'name' });
        card.by.value = recall();
      }
      card.send = part('button', 'primary', act, { type: 'submit' });
      write(card.send, f.say('acknowledge'));
      card.silence = part('button', '', act, { type: 'button' });
      write(card.silence, f.say('silence_this'));
      card.silence.addEventListener('click', () => this.silenceForm.offer(card.alert));
      card.said = part('p', 'form-answer', act, { role: 'status' });
      act.addEventListener('submit', (event) => {
        event.preventDefault();
        this.acknowledge(card);
      });
    }

    async acknowledge(card) {
      const { alert } = card;
      const by = card.by?.value.trim() ?? '';
      if (card.by && !by) {
        write(card.said, f.say('need_name'));
        return card.by.focus();
      }
      if (by) remember(by);
      card.send.disabled = true;
      const answer = await say('POST', url(alert.project.project, 'alerts/acknowledge'), { rule: alert.id, episode: alert.episode, note: card.note.value, ...(by ? { by } : {}) });
      write(card.said, answer.ok ? f.say('saying') : answer.text);
      mark(card.said, 'data-look', answer.ok ? 'ok' : 'critical');
      setTimeout(() => { card.send.disabled = false; this.ask(); }, answer.ok ? 1_200 : 0);
    }

    drawCard(card, alert, off) { // while nothing can be known, an alert stays in sight and its number does not
      card.alert = alert;
      const { project } = alert, zone = project.time_zone, now = clock.now();
      const frozen = off || alert.state === 'frozen' || Boolean(alert.inhibited);
      mark(card.element, 'data-look', frozen ? 'unknown' : alert.level);
      mark(card.element, 'data-calm', String(!needsSomebody(alert)));
      mark(card.element, 'data-alert', alert.id);
      mark(card.element, 'data-project', project.project);
      write(card.state, f.say(off ? 'unknown' : frozen ? 'frozen' : alert.level));
      write(card.project, project.name);
      mark(card.project, 'href', `/wall/${encodeURIComponent(project.project)}`);
      const since = ms(alert.since);
      write(card.age, off ? f.say('over_at', { time: f.at(since, zone) }) : f.say('over_since', { time: f.duration(Math.floor((now - since) / 1000)) }));
      mark(card.age, 'title', f.say('over_at', { time: f.at(since, zone) }));
      write(card.name, nameOf(alert));
      write(card.value, alert.value == null ? '' : off ? DASH : f.text(alert.value, alert.unit));
      write(card.goal, goalOf(alert));
      write(card.reason, alert.reason);
      write(card.answer, answerOf(alert, zone));
      card.answer.hidden = !card.answer.textContent;
      if (!card.act) return;
      card.act.hidden = Boolean(off) || !needsSomebody(alert);
      if (alert.acked && card.said.textContent) { // what was said has arrived: the form is empty when the alert calls again
        write(card.said, '');
        card.note.value = '';
      }
    }

    drawSilences(projects) {
      const found = projects.flatMap((project) => [...project.silences, ...project.maintenance].map((silence) => ({ ...silence, project })));
      found.sort((a, b) => ms(a.from) > clock.now() !== ms(b.from) > clock.now() ? ms(a.from) - ms(b.from) : ms(a.until) - ms(b.until));
      const by = new Map(found.map((silence) => [`${silence.project.project}|${silence.id}`, silence]));
      this['nothing-silent'].hidden = found.length > 0;
      keep(this.silences, this.silentItems, [...by.keys()], () => this.silenceItem());
      for (const [key, silence] of by) this.drawSilence(this.silentItems.get(key), silence);
    }

    silenceItem() {
      const element = make('li', 'silence');
      const [what, when, why] = ['silence-what', 'silence-when', 'silence-why'].map((name) => element.appendChild(make('p', name)));
      const item = { element, what, when, why };
      if (page.may_act) {
        item.end = element.appendChild(make('button', 'silence-end', { type: 'button' }));
        item.end.addEventListener('click', () => this.endSilence(item));
      }
      return item;
    }

    drawSilence(item, silence) {
      item.silence = silence;
      const { project } = silence, zone = project.time_zone;
      const scope = silence.kind === 'maintenance'
        ? [silence.source ? f.say('one_source', { source: silence.source }) : f.say('whole_project')]
        : [silence.kpi ? (page.labels[silence.kpi] ?? f.say('source_kpi')) : f.say('all_kpis'), silence.queue && shortQueue(silence.queue)];
      mark(item.element, 'data-active', String(silence.active));
      write(item.what, [project.name, ...scope].filter(Boolean).join(' · '));
      write(item.when, silence.active ? f.say('until_at', { time: f.at(ms(silence.until), zone) }) : f.say('from_to', { start: f.at(ms(silence.from), zone), end: f.at(ms(silence.until), zone) }));
      write(item.why, silence.planned ? `${silence.why} · ${f.say('in_file')}` : f.say('said_by', { by: silence.by, why: silence.why }));
      if (item.end) {
        item.end.hidden = silence.planned;
        if (!item.sure) write(item.end, f.say('end_now'));
      }
    }

    async endSilence(item) {
      if (!item.sure) { // the second click does it
        item.sure = true;
        write(item.end, f.say('really_end'));
        setTimeout(() => { item.sure = false; draw(); }, 4_000);
        return;
      }
      const by = floor.who ? '' : `?by=${encodeURIComponent(recall() || f.say('name_hint'))}`;
      item.end.disabled = true;
      const answer = await say('DELETE', url(item.silence.project.project, `silences/${encodeURIComponent(item.silence.id)}`) + by);
      item.end.disabled = false;
      if (!answer.ok) write(item.why, answer.text);
      setTimeout(() => this.ask(), 1_200);
    }
  }

  const shortQueue = (queue) => queue.slice(queue.indexOf('/') + 1);

  function nameOf(alert) { // in the page's language where the catalogue has it; the engine's own words otherwise
    const name = live.alertName(alert, page, f);
    return page.labels[alert.kpi] && alert.queue ? `${name} · ${shortQueue(alert.queue)}` : name;
  }

  function goalOf(alert) {
    const parts = [];
    const goal = live.goalOf({ ...alert, limits: { warning: alert.target, critical: alert.limit } }, alert.kpi, page, f); // its line lies beyond its goal
    if (goal) parts.push(f.say('goal', { goal }));
    if (alert.limit != null) parts.push(f.say(alert.id.startsWith('budget_') ? 'limit_budget' : `limit_${alert.level}`, { value: f.limit(alert.limit, alert.unit) }));
    return parts.join(' · ');
  }

  function answerOf(alert, zone) {
    const parts = [];
    if (alert.acked) {
      const time = f.duration(Math.max(0, ms(alert.acked.at) - ms(alert.fired_at)) / 1000);
      parts.push(f.say(alert.acked.by ? 'has_it' : 'somebody_has_it', { by: alert.acked.by, time }) + (alert.acked.note ? ` – ${alert.acked.note}` : ''));
    }
    if (alert.silenced) parts.push(f.say(alert.silenced.kind === 'maintenance' ? 'maintained_until' : 'silent_until', { ...alert.silenced, time: f.at(ms(alert.silenced.until), zone) }));
    if (alert.inhibited) parts.push(f.say('spoken_for', { source: alert.inhibited.slice(alert.inhibited.indexOf('@') + 1) }));
    return parts.join(' · ');
  }

  function byNeed(a, b) { // worst first, then who waits longest
    return (a.level !== 'critical') - (b.level !== 'critical') || ms(a.fired_at) - ms(b.fired_at) || (a.key < b.key ? -1 : 1);
  }

  return new Alerts();
}
