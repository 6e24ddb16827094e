import { remaining, WORDS } from './words';

const LOOK_EVERY_MS = 60_000;
const TICK_MS = 1_000;
const SERVICE = new URL(import.meta.url).origin;

const STYLE = `:host{display:inline-block;font:14px/1.5 system-ui,sans-serif;color:#1b1f24}
b{font-weight:600}p{margin:0;font-variant-numeric:tabular-nums}`;

interface Shown {
  stage: string;
  stage_zh: string;
  ship_by: string | null;
}

/**
 * `<tongdan-countdown token="…" lang="zh|en">`: where an order is and when it ships at the latest. Nothing of the page
 * around it is read or changed, and it asks its own service only.
 */
class Countdown extends HTMLElement {
  static observedAttributes = ['token', 'lang'];
  readonly #stage = document.createElement('b');
  readonly #left = document.createElement('p');
  #shown: Shown | null = null;
  #failed = false;
  #timers: number[] = [];

  constructor() {
    super();
    const style = document.createElement('style');
    style.textContent = STYLE;
    this.#left.setAttribute('role', 'timer');
    this.attachShadow({ mode: 'open' }).append(style, this.#stage, this.#left);
  }

  connectedCallback() {
    this.#timers = [
      window.setInterval(() => void this.#look(), LOOK_EVERY_MS),
      window.setInterval(() => this.#show(), TICK_MS),
    ];
    void this.#look();
  }

  disconnectedCallback() {
    this.#timers.forEach(clearInterval);
  }

  attributeChangedCallback(name: string) {
    if (!this.isConnected) return;
    if (name === 'token') void this.#look();
    else this.#show();
  }

  async #look() {
    const token = this.getAttribute('token') ?? '';
    try {
      const answer = await fetch(`${SERVICE}/widget/v1/orders/${encodeURIComponent(token)}`);
      this.#failed = !answer.ok;
      if (answer.ok) this.#shown = (await answer.json()) as Shown;
    } catch {
      this.#failed = true;
    }
    this.#show();
  }

  #show() {
    const english = this.lang.startsWith('en');
    const words = WORDS[english ? 'en' : 'zh'];
    const { stage = '', stage_zh = '', ship_by = null } = this.#shown ?? {};
    this.#left.setAttribute('aria-label', words.label);
    this.#stage.textContent = english ? stage : stage_zh;
    if (!this.#shown) this.#left.textContent = this.#failed ? words.failed : '…';
    else if (!ship_by) this.#left.textContent = '';
    else {
      const left = remaining((Date.parse(ship_by) - Date.now()) / 1_000, words);
      this.#left.textContent = left ? words.shipsIn(left) : words.late;
    }
  }
}

if (!customElements.get('tongdan-countdown')) customElements.define('tongdan-countdown', Countdown);
