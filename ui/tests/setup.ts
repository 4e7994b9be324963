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

afterEach(() => {
  document.body.replaceChildren();
});
