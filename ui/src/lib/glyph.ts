/** The shape of a status. Each has its own outline, so that nobody needs to distinguish green from red. */
import type { Cause } from './contract';

export type Shape = 'online' | 'unknown' | 'away' | 'dnd' | 'offline' | 'word';

export function shapeOf(status: string, cause: Cause | null): Shape {
  switch (status) {
    case 'online':
      return cause === 'unknown' ? 'unknown' : 'online';
    case 'away':
    case 'dnd':
    case 'offline':
      return status;
    case 'invisible':
      return 'offline';
    default:
      return 'word';
  }
}
