/** Who was let through, by request, for as long as there is the request. */
import { assert } from '../base/assert.ts';
import type { Grant } from './permission.ts';

export class Grants<Request extends object> {
  readonly #grants = new WeakMap<Request, Grant>();

  set(request: Request, grant: Grant): void {
    this.#grants.set(request, grant);
  }

  /** REQUIRES: the request was let through. Nobody is a better answer than a wrong one. */
  of(request: Request): Grant {
    const grant = this.#grants.get(request);
    assert(grant !== undefined, 'the request has passed requirePermission');
    return grant;
  }
}
