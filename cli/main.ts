#!/usr/bin/env node
/** The program `pemba`. Everything but this is compiled once and kept, so it is loaded after that. */
import { keepCompiledCode } from './environment.ts';

keepCompiledCode();
const { tolerateClosedPipe } = await import('./output.ts');
const { runCommand } = await import('./run.ts');

tolerateClosedPipe();
await runCommand(process.argv.slice(2));
