// What calls whoever looks at this screen: a sound, and the browser's notification, once for each new critical alert that the screen shows.

const recall = (key) => { try { return localStorage.getItem(key); } catch { return null; } };
const keep = (key, value) => { try { localStorage.setItem(key, value); } catch { /* private mode: it holds for this visit */ } };

const TONES = [[880, 0], [660, 0.18], [880, 0.36]];
const REMEMBERED = 2_000;

export class Alarm {
  // `sound`: whether it is on before anybody chose. A wall, where nobody can choose, is told by its address: ?sound=on.
  constructor({ sound, choosable }) {
    Object.assign(this, { choosable, known: null, rung: 0, notified: 0 });
    const chosen = choosable ? recall('floorlight-sound') : new URLSearchParams(location.search).get('sound');
    this.sound = chosen ? chosen === 'on' : sound;
    this.notices = choosable && recall('floorlight-notices') !== 'off';
    for (const kind of ['pointerdown', 'keydown']) addEventListener(kind, () => this.wake(), { passive: true });
  }

  get waits() { return this.sound && this.context?.state === 'suspended'; } // for the click that browsers ask for

  get permission() { return window.isSecureContext && 'Notification' in window ? Notification.permission : 'denied'; }

  choose(sound) {
    this.sound = sound;
    if (this.choosable) keep('floorlight-sound', sound ? 'on' : 'off');
    if (sound) this.ring();
  }

  async chooseNotices() { // asks the browser the first time, then switches on and off
    if (this.permission === 'default') {
      this.notices = (await Notification.requestPermission()) === 'granted';
    } else {
      this.notices = !this.notices;
    }
    keep('floorlight-notices', this.notices ? 'on' : 'off');
  }

  // `alerts`: those that the screen shows now, each {key, level, text, title}. What was there when the screen opened rings no more.
  hear(alerts) {
    const critical = alerts.filter((alert) => alert.level === 'critical');
    const fresh = this.known ? critical.filter((alert) => !this.known.has(alert.key)) : [];
    this.known ??= new Set();
    for (const { key } of critical) {
      this.known.delete(key); // the ones that were seen last are kept
      this.known.add(key);
    }
    for (const key of this.known) if (this.known.size > REMEMBERED) this.known.delete(key); else break;
    if (!fresh.length) return;
    if (this.sound) this.ring();
    if (this.notices && this.permission === 'granted') fresh.forEach((alert) => this.notify(alert));
  }

  // Other alerts are shown from now on (a project was chosen): they are not news.
  lookElsewhere() { this.known = null; }

  ring() {
    this.rung++;
    try {
      this.context ??= new AudioContext();
      const play = () => {
        const start = this.context.currentTime + 0.02;
        for (const [pitch, after] of TONES) {
          const tone = this.context.createOscillator(), loudness = this.context.createGain();
          tone.frequency.value = pitch;
          loudness.gain.setValueAtTime(0, start + after);
          loudness.gain.linearRampToValueAtTime(0.22, start + after + 0.02);
          loudness.gain.exponentialRampToValueAtTime(0.001, start + after + 0.16);
          tone.connect(loudness).connect(this.context.destination);
          tone.start(start + after);
          tone.stop(start + after + 0.17);
        }
      };
      if (this.context.state === 'running') play();
      else this.context.resume().then(play, () => {});
    } catch { /* no sound on this machine: the screen says it all */ }
  }

  wake() { if (this.context?.state === 'suspended') this.context.resume().catch(() => {}); }

  notify({ key, title, text }) {
    this.notified++;
    try {
      const notice = new Notification(title, { body: text, tag: key });
      notice.onclick = () => { window.focus(); notice.close(); };
    } catch { /* a browser that only lets service workers speak */ }
  }
}
