// The page of a screen that is not paired yet: asks every two seconds for its code, and goes on once somebody has confirmed it.

const ASK_MS = 2_000;
const FULL_MS = 20_000;
const root = document.querySelector('.pair');
const texts = JSON.parse(root.dataset.texts);
const code = root.querySelector('[data-slot="code"]');
const signs = [...code.querySelectorAll('.pair-sign')];
const left = root.querySelector('[data-slot="left"]');
const link = root.querySelector('[data-slot="link"]');
let ends = 0, shown = '';

const say = (name, values = {}) => texts[name].replace(/\{(\w+)\}/g, (_, key) => values[key] ?? '');

function write(element, text) {
  if (element.textContent !== text) element.textContent = text;
}

function state(name, values) {
  link.dataset.state = name;
  write(link, name === 'live' ? '' : say(name, values));
}

function show(text) {
  if (text === shown) return;
  shown = text;
  signs.forEach((sign, i) => write(sign, text[i] ?? '·'));
  code.dataset.state = text ? 'there' : 'waiting';
}

async function ask() {
  let wait = ASK_MS;
  try {
    const answer = await fetch('/api/v1/pair', { method: 'POST', cache: 'no-store', signal: AbortSignal.timeout(6_000) });
    const said = await answer.json();
    if (answer.ok && said.go) {
      code.dataset.state = 'paired';
      left.hidden = true;
      state('paired', { name: said.name });
      setTimeout(() => location.replace(said.go), 1_500);
      return;
    }
    if (answer.ok) {
      show(said.code);
      ends = performance.now() + said.left_s * 1_000;
      state('live');
    } else {
      show(''); // a code that nobody can confirm now is none
      state(answer.status === 503 ? 'no_redis' : answer.status === 429 ? 'too_many' : 'lost');
      if (answer.status === 429) wait = FULL_MS;
    }
  } catch {
    show('');
    state('lost');
  }
  setTimeout(ask, wait);
}

function tick() {
  const rest = Math.max(0, Math.ceil((ends - performance.now()) / 1_000));
  write(left, shown && rest ? say('new_code', { time: `${Math.floor(rest / 60)}:${String(rest % 60).padStart(2, '0')}` }) : '\u00a0');
  setTimeout(tick, 1_000);
}

ask();
tick();
