/** What every datastore must do: one suite, run over each of them. */
import { describe } from 'vitest';
import { changesContract } from './contract-changes.ts';
import { cursorContract } from './contract-cursors.ts';
import { deletesContract } from './contract-deletes.ts';
import { expiryContract } from './contract-expiry.ts';
import { idempotencyContract } from './contract-idempotency.ts';
import { importsContract } from './contract-imports.ts';
import { preconditionsContract } from './contract-preconditions.ts';
import { readsContract } from './contract-reads.ts';
import { recordsContract } from './contract-records.ts';
import { snapshotContract } from './contract-snapshot.ts';
import { writesContract } from './contract-writes.ts';
import type { OpenDatastore } from './fixtures.ts';

export function datastoreContract(name: string, open: OpenDatastore): void {
  describe(`datastore contract: ${name}`, () => {
    recordsContract(open);
    writesContract(open);
    preconditionsContract(open);
    idempotencyContract(open);
    importsContract(open);
    deletesContract(open);
    expiryContract(open);
    readsContract(open);
    changesContract(open);
    cursorContract(open);
    snapshotContract(open);
  });
}
