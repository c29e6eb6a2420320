import type { AccessChanges } from './access-changes.ts';
import type { AccessSnapshot } from './access-snapshot.ts';

/** Called with each later snapshot, in the step of the event loop in which it comes into force. */
export type AccessFollower = (now: AccessSnapshot, changes: AccessChanges) => void;

/** The snapshot that is in force, answered from memory, wherever it comes from. */
export abstract class AccessSource {
  /** To be read once for one decision. */
  abstract get current(): AccessSnapshot;

  abstract onChange(follow: AccessFollower): void;
}
