// A paired screen's own word to the server: every few seconds it says that it is there, and hears what is wanted of it.

const SPEAK_MS = 5_000;
const WORRIED_MS = 1_000; // its feed has ended: perhaps it was taken off the list
const NAME_MS = 10_000; // how long it shows its name
const GOODBYE_MS = 4_000;
const NO_LONGER = new Set([401, 404, 429]); // whoever is known is never told to wait

export class Screen {
  constructor(orders, word, { perf, write, renew }, f) {
    Object.assign(this, { orders, word, perf, write, renew, f, spoke: -SPEAK_MS, refused: 0, worried: false });
  }

  tick() {
    if (this.perf() - this.spoke >= (this.worried || this.refused ? WORRIED_MS : SPEAK_MS) - 200) this.speak();
    if (this.named && this.perf() > this.named) {
      this.named = 0;
      this.word.hidden = true;
    }
  }

  async speak() {
    if (this.speaking || this.leaving) return;
    this.speaking = true;
    this.spoke = this.perf();
    try {
      const answer = await fetch('/api/v1/screen', { cache: 'no-store', signal: AbortSignal.timeout(6_000) });
      if (NO_LONGER.has(answer.status)) {
        if (++this.refused >= 2) this.leave(); // said twice: it was no accident
      } else if (answer.ok) {
        this.refused = 0;
        this.hear(await answer.json());
      }
    } catch { // the wall itself says that nobody answers
    } finally {
      this.speaking = false;
    }
  }

  hear(said) {
    if (said.screen !== this.orders.screen || said.revision !== this.orders.revision) this.renew(`screen ${said.screen} ${said.revision}`, 5_000);
    if (said.identify > this.orders.identify) {
      this.show(this.f.say('i_am'), said.name);
      this.named = this.perf() + NAME_MS;
      this.orders.identify = said.identify;
    }
  }

  leave() { // its pages are not for it any more
    this.leaving = true;
    this.show('', this.f.say('revoked'));
    setTimeout(() => { location.href = '/pair'; }, GOODBYE_MS);
  }

  show(small, large) {
    if (!this.parts) {
      this.parts = ['screen-word-small', 'screen-word-large'].map((name) => {
        const part = document.createElement('p');
        part.className = name;
        return this.word.appendChild(part);
      });
    }
    this.write(this.parts[0], small);
    this.write(this.parts[1], large);
    this.word.hidden = false;
  }
}
