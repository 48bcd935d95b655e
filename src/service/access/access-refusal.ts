/** A caller that is known, but may not do what it asks for. */
import { Refusal } from '../../base/errors.ts';

export type AccessReason = 'role_missing' | 'scope_missing';

export class AccessRefusal extends Refusal {
  override name = 'AccessRefusal';
  readonly reason: AccessReason;

  constructor(reason: AccessReason, message: string) {
    super('forbidden', message);
    this.reason = reason;
  }
}
