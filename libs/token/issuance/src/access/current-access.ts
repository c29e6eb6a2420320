import { accessChanges, type AccessChanges } from './access-changes.ts';
import type { AccessSnapshot } from './access-snapshot.ts';
import { AccessSource, type AccessFollower } from './access-source.ts';

/** Holds the snapshot in force. Whoever reads it from somewhere replaces it here. */
export class CurrentAccess extends AccessSource {
  readonly #followers: AccessFollower[] = [];
  #current: AccessSnapshot;

  constructor(first: AccessSnapshot) {
    super();
    this.#current = first;
  }

  override get current(): AccessSnapshot {
    return this.#current;
  }

  override onChange(follow: AccessFollower): void {
    this.#followers.push(follow);
  }

  /**
   * Puts another snapshot in force, and everybody who follows with it, before anything else happens.
   *
   * @returns what differs; undefined where nothing does, and then nobody is told
   */
  replace(next: AccessSnapshot): AccessChanges | undefined {
    const changes = accessChanges(this.#current, next);
    if (!changes) return undefined;
    this.#current = next;
    for (const follow of this.#followers) follow(next, changes);
    return changes;
  }
}
