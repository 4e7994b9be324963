/** My preferences for individual people, by id: favourite, nickname, notifications. */
import type { Interest, PersonView, PreferencesView, RegardView } from './contract';

export class PersonPreferences {
  /** A `Map`, because ids come from strangers and `__proto__` is one. */
  readonly #people: ReadonlyMap<string, RegardView>;

  constructor(preferences: PreferencesView) {
    this.#people = new Map(preferences.people.map((regard) => [regard.user, regard]));
  }

  isFavourite(user: string): boolean {
    return this.#people.get(user)?.favourite ?? false;
  }

  nickname(user: string): string | null {
    return this.#people.get(user)?.nickname ?? null;
  }

  notices(user: string): Interest {
    return this.#people.get(user)?.notices ?? 'usual';
  }

  /** Whether anybody has a nickname. */
  get hasNicknames(): boolean {
    return [...this.#people.values()].some((regard) => regard.nickname !== null);
  }

  /** The name under which I see this person. */
  withNickname(person: PersonView): PersonView {
    const nickname = this.nickname(person.user);
    return nickname === null ? person : { ...person, name: nickname };
  }
}
