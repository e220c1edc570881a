// The page of screens: which there are, what each shows and when it was last heard; the forms that pair one and change one.

const { Polled } = await import(`./polled.mjs${new URL(import.meta.url).search}`);

export function open(root, page, _feed, live) {
  const { clock, ms, write, mark, slot, make, keep, formatter, draw } = live;
  const f = formatter(page);
  const { projects, languages, fields: labels } = JSON.parse(root.dataset.choices);

  // Send a word; the server's own sentence comes back when it is refused: {ok, said, text}.
  async function send(method, url, body) {
    try {
      const reply = await fetch(url, {
        method, signal: AbortSignal.timeout(8_000),
        headers: { ...live.proof(), ...(body ? { 'Content-Type': 'application/json' } : {}) }, ...(body ? { body: JSON.stringify(body) } : {}),
      });
      const said = await reply.json().catch(() => ({ title: String(reply.status) }));
      return { ok: reply.ok, said, text: reply.ok ? '' : reply.status === 401 ? f.say('sign_in_again') : said.detail ?? said.title };
    } catch (error) {
      return { ok: false, said: {}, text: f.say('not_sent', { error: error.message }) };
    }
  }

  function text(tag, className, words, parent, attributes) {
    const element = parent.appendChild(make(tag, className, attributes));
    write(element, words);
    return element;
  }

  // What a screen shows, as fields. `screen`: what it shows now, null for a new one.
  class Form {
    constructor(place, screen, action, done, cancel) {
      this.chosen = screen ? screen.projects.filter(({ name }) => name != null).map(({ id }) => id) : [];
      this.screen = screen;
      this.done = done;
      this.form = place.appendChild(make('form', 'screen-form'));
      if (!screen) this.code = this.input('code', { class: 'screen-code', maxlength: 16, autocomplete: 'off', autocapitalize: 'characters', spellcheck: 'false', placeholder: 'K7M P3X', required: '' });
      this.name = this.input('name', { maxlength: 80, autocomplete: 'off', placeholder: labels.name_example, required: '' });
      this.name.value = screen?.name ?? '';
      this.addProjects();
      this.seconds = this.input('seconds', { type: 'number', min: 5, max: 3600, step: 1, required: '' });
      this.seconds.value = screen?.seconds ?? 20;
      this.language = this.field('language').appendChild(make('select', ''));
      for (const [value, name] of languages) text('option', '', name, this.language, { value });
      this.language.value = screen?.language ?? '';
      const sound = this.form.appendChild(make('label', 'screen-sound'));
      this.sound = sound.appendChild(make('input', '', { type: 'checkbox' }));
      this.sound.checked = screen?.sound ?? false;
      text('span', '', labels.sound, sound);
      const end = this.form.appendChild(make('div', 'form-end'));
      this.button = text('button', 'primary', action, end, { type: 'submit' });
      if (cancel) text('button', '', f.say('cancel'), end, { type: 'button' }).addEventListener('click', cancel);
      this.answer = text('p', 'screen-answer', '', this.form, { role: 'status' });
      this.form.addEventListener('submit', (event) => {
        event.preventDefault();
        this.send();
      });
      this.drawProjects();
    }

    field(name) {
      const label = this.form.appendChild(make('label', `screen-field-${name}`));
      text('span', 'field-name', labels[name], label);
      return label;
    }

    input(name, attributes) {
      const { class: className, ...rest } = attributes;
      return this.field(name).appendChild(make('input', className ?? '', { name, type: 'text', ...rest }));
    }

    addProjects() {
      const set = this.form.appendChild(make('fieldset', ''));
      text('legend', '', labels.projects, set);
      const list = set.appendChild(make('div', 'screen-projects'));
      this.buttons = projects.map(([id, name]) => {
        const button = list.appendChild(make('button', '', { type: 'button', 'aria-pressed': 'false' }));
        const turn = button.appendChild(make('span', 'screen-turn'));
        text('span', '', name, button);
        button.addEventListener('click', () => {
          this.chosen = this.chosen.includes(id) ? this.chosen.filter((each) => each !== id) : [...this.chosen, id];
          this.drawProjects();
        });
        return { id, button, turn };
      });
      if (projects.length > 1) text('span', 'field-hint', labels.projects_hint, set);
    }

    drawProjects() {
      for (const { id, button, turn } of this.buttons) {
        const place = this.chosen.indexOf(id);
        mark(button, 'aria-pressed', String(place >= 0));
        write(turn, place < 0 ? '' : this.chosen.length > 1 ? f.count(place + 1) : '✓');
      }
      this.seconds.parentElement.hidden = this.chosen.length < 2;
    }

    say(words, look) {
      write(this.answer, words);
      mark(this.answer, 'data-look', look);
    }

    async send() {
      if (!this.chosen.length) return this.say(f.say('choose'), 'critical');
      const body = { name: this.name.value, projects: this.chosen, seconds: Number(this.seconds.value), language: this.language.value, sound: this.sound.checked };
      this.button.disabled = true;
      const reply = this.screen
        ? await send('PATCH', `/api/v1/screens/${encodeURIComponent(this.screen.id)}`, body)
        : await send('POST', '/api/v1/screens', { ...body, code: this.code.value });
      this.button.disabled = false;
      this.say(reply.text, reply.ok ? 'ok' : 'critical');
      if (reply.ok) this.done(reply.said, this);
    }

    clear() {
      this.code.value = this.name.value = '';
      this.chosen = [];
      this.sound.checked = false;
      this.drawProjects();
    }
  }

  class Screens extends Polled {
    constructor() {
      super('/api/v1/screens', root, page, live);
      for (const name of ['screens', 'empty']) this[name] = slot(root, name);
      this.cards = new Map();
      const place = root.querySelector('[data-form="pair"]');
      if (!place) return; // this role pairs no screens
      new Form(place, null, labels.pair, (screen, form) => {
        form.clear();
        form.say(f.say('paired', { name: screen.name }), 'ok');
        setTimeout(() => form.say('', 'ok'), 10_000);
        this.ask();
      });
    }

    get watched() { return super.watched && this.screens != null; } // a role that pairs none asks for none

    draw() {
      this.drawFrame();
      const off = this.off(); // what was said so long ago tells nothing about now
      if (off) write(this.link, f.say(off.why, { time: f.at(off.since, page.time_zone) }));
      if (!this.said || !this.screens) return;
      const shown = this.said.screens;
      keep(this.screens, this.cards, shown.map(({ id }) => id), (id) => this.card(id));
      for (const screen of shown) this.drawCard(this.cards.get(screen.id), screen, off != null);
      write(this.empty, f.say('no_screens'));
      this.empty.hidden = shown.length > 0;
    }

    card(id) {
      const element = make('li', 'card', { 'data-screen': id });
      const top = element.appendChild(make('div', 'card-top'));
      const card = {
        element, id,
        name: top.appendChild(make('h3', 'card-name')),
        state: top.appendChild(make('span', 'card-state', { 'data-slot': 'state' })),
        shows: element.appendChild(make('p', 'screen-shows')),
        how: element.appendChild(make('p', 'screen-facts')),
        seen: element.appendChild(make('p', 'screen-facts')),
        by: element.appendChild(make('p', 'screen-facts')),
        acts: element.appendChild(make('div', 'screen-acts')),
        answer: element.appendChild(make('p', 'screen-answer', { role: 'status' })),
        form: element.appendChild(make('div', '')),
      };
      if (!id.startsWith('file:')) this.addActs(card);
      return card;
    }

    addActs(card) {
      const say = (words, look = 'ok') => {
        write(card.answer, words);
        mark(card.answer, 'data-look', look);
      };
      const url = `/api/v1/screens/${encodeURIComponent(card.id)}`;
      const act = (name, run) => {
        const button = text('button', '', f.say(name), card.acts, { type: 'button', 'data-act': name });
        button.addEventListener('click', run);
        return button;
      };
      const tell = (method, tail, done) => async () => {
        const reply = await send(method, url + tail);
        say(reply.ok ? done() : reply.text, reply.ok ? 'ok' : 'critical');
        this.ask();
      };
      const calm = () => { // the buttons as they were
        card.form.replaceChildren();
        card.acts.hidden = false;
        say('');
      };
      act('edit', () => {
        card.acts.hidden = true;
        say('');
        const form = new Form(card.form, card.screen, f.say('done'), () => { calm(); say(f.say('changed')); this.ask(); }, calm);
        form.name.focus();
      });
      act('identify', tell('POST', '/identify', () => f.say('identified')));
      act('reload', tell('POST', '/reload', () => f.say('reloading')));
      act('revoke', () => { // asked once more, in place
        card.acts.hidden = true;
        say(f.say('sure', { name: card.screen.name }));
        const end = card.form.appendChild(make('div', 'form-end'));
        const sure = text('button', 'danger', f.say('revoke_sure'), end, { type: 'button', 'data-act': 'sure' });
        sure.addEventListener('click', async () => { await tell('DELETE', '', () => f.say('revoked', { name: card.screen.name }))(); card.form.replaceChildren(); card.acts.hidden = false; });
        text('button', '', f.say('cancel'), end, { type: 'button' }).addEventListener('click', calm);
        sure.focus();
      });
    }

    drawCard(card, screen, unsure) {
      card.screen = screen;
      const seen = ms(screen.seen_at);
      const age = seen == null ? null : Math.max(0, Math.floor((clock.now() - seen) / 1_000));
      mark(card.element, 'data-look', unsure ? 'unknown' : screen.online ? 'ok' : 'off');
      write(card.name, screen.name);
      write(card.state, unsure ? f.say('not_known') : seen == null ? f.say('never_seen') : screen.online ? f.say('online') : f.say('offline'));
      const names = screen.projects.map(({ id, name }) => name ?? f.say('gone_project', { id }));
      write(card.shows, names.join(' → '));
      const language = screen.language && (languages.find(([value]) => value === screen.language)?.[1] ?? screen.language);
      write(card.how, [names.length > 1 ? f.say('each', { n: screen.seconds }) : '', language, screen.sound ? f.say('with_sound') : ''].filter(Boolean).join(' · '));
      write(card.seen, [age == null ? '' : f.say('seen', { time: age < 60 ? f.say('age', { s: f.count(age) }) : f.age(age) }), screen.address].filter(Boolean).join(' · '));
      const time = screen.paired_at ? f.at(ms(screen.paired_at), page.time_zone) : '';
      write(card.by, screen.from_file ? f.say('from_file') : f.say(screen.paired_by ? 'paired_by' : 'paired_at', { by: screen.paired_by, time }));
    }
  }

  return new Screens();
}
