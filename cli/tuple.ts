/** `pemba tuple`: its commands. */
import type { Command } from 'commander';
import { registerTupleChanges } from './tuple-changes.ts';
import { registerTupleDelete } from './tuple-delete.ts';
import { registerTupleExport } from './tuple-export.ts';
import { registerTupleImport } from './tuple-import.ts';
import { registerTupleRead } from './tuple-read.ts';
import { registerTupleWrite } from './tuple-write.ts';

export function registerTuple(program: Command): void {
  const tuple = program.command('tuple').description('write, delete and read tuples');
  registerTupleWrite(tuple);
  registerTupleDelete(tuple);
  registerTupleImport(tuple);
  registerTupleExport(tuple);
  registerTupleRead(tuple);
  registerTupleChanges(tuple);
}
