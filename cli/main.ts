#!/usr/bin/env node
/** The program `pemba`: runs the command that its arguments name, and exits with the code for it. */
import { tolerateClosedPipe } from './output.ts';
import { runCommand } from './run.ts';

tolerateClosedPipe();
await runCommand(process.argv.slice(2));
