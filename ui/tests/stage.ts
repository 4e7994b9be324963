/** A fake host to set a scene with, and people to put on it. */
import { flushSync, mount, unmount } from 'svelte';
import { onTestFinished, vi } from 'vitest';

import App from '../src/App.svelte';
import type { MeView, PersonView, Snapshot, Update } from '../src/lib/contract';
import type { Host } from '../src/lib/host';

export const me: MeView = { user: 'me', name: 'Mia', status: 'online', cause: null, since: null, chosen: null };

export function person(user: string, part: Partial<PersonView> = {}): PersonView {
  return {
    user,
    name: user,
    status: 'online',
    cause: null,
    since: null,
    text: null,
    emoji: null,
    until: null,
    stale: false,
    devices: [],
    evidence: {
      device: null,
      kind: null,
      status: null,
      cause: null,
      since: null,
      heard: null,
      loss_shows_within_s: null,
      doubt: null,
    },
    ...part,
  };
}

export function snapshot(part: Partial<Snapshot> = {}): Snapshot {
  return {
    seq: 1,
    stage: 'running',
    suggested_name: null,
    me,
    link: { state: 'up', since: 0 },
    people: [],
    problems: [],
    ...part,
  };
}

export function update(seq: number, part: Partial<Update> = {}): Update {
  return { seq, me: null, link: null, joins: [], changes: [], leaves: [], problems: null, ...part };
}

/** A host whose commands succeed, and the two ways it speaks by itself. */
export function fakeHost(first: Snapshot) {
  let onSnapshot: (whole: Snapshot) => void = () => {};
  let onUpdate: (change: Update) => void = () => {};
  const host = {
    snapshot: vi.fn<Host['snapshot']>(async () => first),
    hear: vi.fn<Host['hear']>(async (hearSnapshot, hearUpdate) => {
      onSnapshot = hearSnapshot;
      onUpdate = hearUpdate;
      return () => {};
    }),
    choose: vi.fn<Host['choose']>(async () => {}),
    clearChosen: vi.fn<Host['clearChosen']>(async () => {}),
    reconnectNow: vi.fn<Host['reconnectNow']>(async () => {}),
    startHere: vi.fn<Host['startHere']>(async () => {}),
    lookAround: vi.fn<Host['lookAround']>(async () => {}),
  } satisfies Host;
  return {
    host,
    tellSnapshot: (whole: Snapshot) => onSnapshot(whole),
    tellUpdate: (change: Update) => onUpdate(change),
  };
}

/** Mounts the window and waits until the first snapshot is on it. */
export async function open(first: Snapshot) {
  const stage = fakeHost(first);
  const app = mount(App, { target: document.body, props: { host: stage.host } });
  onTestFinished(() => unmount(app));
  await settled();
  return stage;
}

/** Lets promises that are due resolve and the window follow. */
export async function settled(): Promise<void> {
  flushSync();
  await new Promise((done) => setTimeout(done));
  flushSync();
}

export function find<T extends HTMLElement = HTMLElement>(selector: string): T {
  const found = document.querySelector<T>(selector);
  if (found === null) throw new Error(`nothing matches ${selector}`);
  return found;
}

export function byTest<T extends HTMLElement = HTMLElement>(id: string): T {
  return find<T>(`[data-testid="${id}"]`);
}

/** A key pressed where the focus is. */
export function press(key: string): void {
  const target = document.activeElement ?? document.body;
  target.dispatchEvent(new KeyboardEvent('keydown', { key, bubbles: true, cancelable: true }));
  flushSync();
}

export function click(target: HTMLElement): void {
  target.click();
  flushSync();
}

export function type(field: HTMLInputElement, text: string): void {
  field.value = text;
  field.dispatchEvent(new Event('input', { bubbles: true }));
  flushSync();
}
