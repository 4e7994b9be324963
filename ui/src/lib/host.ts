/**
 * The one seam to the host: every command and every event of the window stands here.
 *
 * Owns names and argument shapes only. Deliberately keeps no state and interprets nothing, so that the demo's
 * mock and the tests' fake can stand in for it.
 */
import { invoke } from '@tauri-apps/api/core';
import { listen } from '@tauri-apps/api/event';

import type { ChosenStatus, Snapshot, Update } from './contract';

/** What a person says about themselves. `forMinutes` null means until they say otherwise. */
export type Choice = {
  status: ChosenStatus;
  text: string | null;
  emoji: string | null;
  forMinutes: number | null;
};

export interface Host {
  snapshot(): Promise<Snapshot>;
  /** Resolves once both events are being heard; the function it gives stops hearing them. */
  hear(onSnapshot: (whole: Snapshot) => void, onUpdate: (change: Update) => void): Promise<() => void>;
  choose(choice: Choice): Promise<void>;
  /** From here on the status follows what the device observes. */
  clearChosen(): Promise<void>;
  reconnectNow(): Promise<void>;
  startHere(name: string): Promise<void>;
  lookAround(): Promise<void>;
}

export const host: Host = {
  snapshot: () => invoke('snapshot'),
  async hear(onSnapshot, onUpdate) {
    const endSnapshots = await listen<Snapshot>('snapshot', (event) => onSnapshot(event.payload));
    const endUpdates = await listen<Update>('update', (event) => onUpdate(event.payload));
    return () => {
      endSnapshots();
      endUpdates();
    };
  },
  choose: (choice) => invoke('choose', { ...choice }),
  clearChosen: () => invoke('clear_chosen'),
  reconnectNow: () => invoke('reconnect_now'),
  startHere: (name) => invoke('start_here', { name }),
  lookAround: () => invoke('look_around'),
};
