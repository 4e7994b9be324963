/** What jsdom lacks of a browser, as quiet stand-ins: nothing moves and the colour scheme is light. */
import { afterEach } from 'vitest';

window.matchMedia = (media) =>
  Object.assign(new EventTarget(), {
    // Motion is reduced, so that no animation outlives its test.
    matches: media.includes('reduce'),
    media,
    onchange: null,
    addListener: () => {},
    removeListener: () => {},
  }) as MediaQueryList;

Element.prototype.animate = () =>
  ({ cancel: () => {}, finished: Promise.resolve(), onfinish: null, currentTime: 0 }) as unknown as Animation;
Element.prototype.getAnimations = () => [];

/** A window of 1,000 pixels in which each row has 50: what is virtual needs a size. */
const HEIGHT = 1000;
const ROW = 50;

window.ResizeObserver = class implements ResizeObserver {
  readonly #told: ResizeObserverCallback;

  constructor(told: ResizeObserverCallback) {
    this.#told = told;
  }

  observe(target: Element) {
    const height = target.getAttribute('role') === 'list' ? HEIGHT : ROW;
    const contentRect = { width: 400, height } as DOMRectReadOnly;
    queueMicrotask(() => this.#told([{ target, contentRect } as ResizeObserverEntry], this));
  }

  unobserve() {}
  disconnect() {}
};

// Nothing is laid out, so nothing is anybody's offset parent; the virtual list asks whether a row is shown by that.
Object.defineProperty(HTMLElement.prototype, 'offsetParent', {
  get(this: HTMLElement) {
    return this.parentElement;
  },
});
Element.prototype.scrollTo = () => {};

afterEach(() => {
  document.body.replaceChildren();
});
