// The two forms of the page of alerts: a silence, and a planned maintenance. What can be chosen depends on the project.

const SPANS = [30, 60, 240, 1440];
const HOUR_MS = 3_600_000;

class Form {
  constructor(root, name, tools) {
    const place = root.querySelector(`[data-form="${name}"]`);
    Object.assign(this, tools, { name, place });
    if (!place) return; // this caller may look but not act
    const { make, write } = this.live;
    this.part = place.closest('details');
    this.form = place.appendChild(make('form', 'alert-form'));
    this.fields = {};
    this.add('project', this.options(this.floor.projects.map(({ id, name: text }) => [id, text])));
    this.fields.project.addEventListener('change', () => this.fill());
    this.addOwn();
    this.add('why', this.input('text', 500));
    this.fields.why.required = true;
    if (!this.floor.who) {
      this.add('by', this.input('text', 80));
      this.fields.by.required = true;
      this.fields.by.value = this.recall();
    }
    const end = this.form.appendChild(make('div', 'form-end'));
    this.button = end.appendChild(make('button', 'primary', { type: 'submit' }));
    write(this.button, this.f.say(`do_${name}`));
    this.answer = end.appendChild(make('p', 'form-answer', { role: 'status' }));
    this.form.addEventListener('submit', (event) => {
      event.preventDefault();
      this.send();
    });
    this.fill();
  }

  add(name, control, hint = '') {
    const { make, write } = this.live;
    const label = this.form.appendChild(make('label', `field field-${name}`));
    write(label.appendChild(make('span', 'field-name')), this.f.say(`field_${name}`));
    this.fields[name] = label.appendChild(control);
    control.name = name;
    this.hints ??= {};
    this.hints[name] = label.appendChild(make('span', 'field-hint'));
    write(this.hints[name], hint);
  }

  input(type, longest) {
    return this.live.make('input', '', { type, autocomplete: 'off', ...(longest ? { maxlength: longest } : {}) });
  }

  options(pairs) {
    const select = this.live.make('select', '');
    this.refill(select, pairs);
    return select;
  }

  refill(select, pairs) {
    const before = select.value;
    select.replaceChildren(...pairs.map(([value, text]) => {
      const option = this.live.make('option', '', { value });
      option.append(text);
      return option;
    }));
    if (pairs.some(([value]) => value === before)) select.value = before;
  }

  get project() { return this.configured.get(this.fields.project.value); }

  choose(project) {
    if (!this.place || !project) return;
    this.fields.project.value = project;
    this.fill();
  }

  async send() {
    const { f, live: { write, mark } } = this;
    const by = this.fields.by?.value.trim();
    if (by) this.remember(by);
    this.button.disabled = true;
    const reply = await this.say('POST', this.url(this.project.id, this.tail), { ...this.body(), why: this.fields.why.value, ...(by ? { by } : {}) });
    this.button.disabled = false;
    write(this.answer, reply.text);
    mark(this.answer, 'data-look', reply.ok ? 'ok' : 'critical');
    if (!reply.ok) return;
    this.fields.why.value = '';
    setTimeout(() => { this.done(); write(this.answer, ''); }, 2_500);
    setTimeout(() => this.done(), 1_200);
  }
}

export class SilenceForm extends Form {
  constructor(root, tools) { super(root, 'silence', tools); }

  get tail() { return 'silences'; }

  addOwn() {
    const { f } = this;
    this.add('kpi', this.options([]));
    this.add('span', this.options(SPANS.map((minutes) => [String(minutes), f.say(`span_${minutes}`)])));
    this.add('queue', this.options([]));
    this.fields.span.value = '60';
  }

  fill() {
    const { f, project } = this;
    this.refill(this.fields.kpi, [['', f.say('all_kpis')], ...project.kpis]);
    this.refill(this.fields.queue, [['', f.say('all_queues')], ...project.queues.map((queue) => [queue, queue])]);
  }

  body() { return { kpi: this.fields.kpi.value, queue: this.fields.queue.value, minutes: Number(this.fields.span.value) }; }

  offer(alert) { // from an alert: everything is filled in but the reason
    this.part.open = true;
    this.choose(alert.project.project);
    this.fields.kpi.value = this.project.kpis.some(([key]) => key === alert.kpi) ? alert.kpi : '';
    this.fields.queue.value = alert.queue;
    this.part.scrollIntoView({ block: 'nearest', behavior: matchMedia('(prefers-reduced-motion: reduce)').matches ? 'auto' : 'smooth' });
    this.fields.why.focus({ preventScroll: true });
  }
}

export class MaintenanceForm extends Form {
  constructor(root, tools) { super(root, 'maintenance', tools); }

  get tail() { return 'maintenance'; }

  addOwn() {
    this.add('what', this.options([]));
    this.add('from', this.input('datetime-local'));
    this.add('until', this.input('datetime-local'));
    this.fields.from.required = this.fields.until.required = true;
  }

  fill() { // the coming hour, in the project's own time
    const { f, project, live: { clock, write } } = this;
    this.refill(this.fields.what, [['', f.say('whole_project')], ...project.sources.map((source) => [source, f.say('one_source', { source })])]);
    const whole = Math.ceil(clock.now() / HOUR_MS) * HOUR_MS;
    this.fields.from.value = local(whole, project.zone);
    this.fields.until.value = local(whole + HOUR_MS, project.zone);
    for (const name of ['from', 'until']) write(this.hints[name], f.say('own_time', { zone: project.zone }));
  }

  body() { return { source: this.fields.what.value, from: this.fields.from.value, until: this.fields.until.value }; }
}

function local(at, zone) { // as a datetime-local field wants it
  const parts = Object.fromEntries(new Intl.DateTimeFormat('en-CA', { timeZone: zone, hourCycle: 'h23', year: 'numeric', month: '2-digit', day: '2-digit', hour: '2-digit', minute: '2-digit' }).formatToParts(at).map(({ type, value }) => [type, value]));
  return `${parts.year}-${parts.month}-${parts.day}T${parts.hour}:${parts.minute}`;
}
