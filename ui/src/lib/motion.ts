/** How rows move when somebody comes, goes or changes groups. */
import type { AnimationConfig } from 'svelte/animate';
import { cubicOut } from 'svelte/easing';

/** Long enough for the eye to follow, too short to be waited for. */
export const MOVE_MS = 140;

/**
 * Slides a row from where it stood. Rows out of sight are just put in place: in a long list nearly all of them move
 * when one person does, and nobody would see what that costs.
 */
export function slide(_row: Element, { from, to }: { from: DOMRect; to: DOMRect }, still: boolean): AnimationConfig {
  if (still || !(inSight(from) && inSight(to))) return { duration: 0 };
  const x = from.left - to.left;
  const y = from.top - to.top;
  return {
    duration: MOVE_MS,
    easing: cubicOut,
    css: (_, left) => `transform: translate(${x * left}px, ${y * left}px)`,
  };
}

function inSight(place: DOMRect): boolean {
  return place.bottom > 0 && place.top < window.innerHeight;
}
