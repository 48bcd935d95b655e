/** `pemba graph`: which stores a server answers from memory, and which not, and why. */
import type { Command } from 'commander';
import { connect, storeIdOfFlag } from './connection.ts';
import { note, print, printJson, printTable } from './output.ts';
import type { WireStoreGraph } from './wire.ts';

const more = `
A store that is read is brought into memory as its resident graph, while SQLite answers; those that
were not used for longest give way when the memory (\`pemba serve --graph-memory\`) is used up. The
answers are the same from either; from memory they come sooner.

Examples:
  $ pemba graph
  $ pemba graph --store-id 01ARZ3NDEKTSV4RRFFQ69G5FAV --json`;

export function registerGraph(program: Command): void {
  const command = program
    .command('graph')
    .summary('show which stores are answered from memory')
    .description('Shows which stores are answered from memory, and why not (needs a Pemba server).')
    .addHelpText('after', more);
  command.action(async () => {
    const { client, json } = connect(command);
    const found = await client.graphs(storeIdOfFlag(command));
    if (json) {
      printJson(found);
      return;
    }
    const [bytes, bytesMax] = [Number(found.bytes), Number(found.bytes_max)];
    if (bytesMax === 0) {
      print('no memory for graphs: every store is answered from storage');
      note('pemba serve --graph-memory 512MiB gives it some');
      return;
    }
    print(`${sizeText(bytes)} of ${sizeText(bytesMax)} used`);
    if (found.graphs.length === 0) print('no store has been read yet');
    else
      printTable(
        ['store', 'answered from', 'size', 'tuples', 'changes since'],
        rowsOf(found.graphs),
      );
    const known = found.stores_in_memory + found.stores_loading + found.stores_in_storage;
    if (storeIdOfFlag(command) === undefined && known > found.graphs.length) {
      note(`and ${known - found.graphs.length} stores more`);
    }
  });
}

const places: Readonly<Record<string, string>> = {
  PLACE_MEMORY: 'memory',
  PLACE_LOADING: 'storage: its graph is being built',
  PLACE_STORAGE: 'storage',
};

const reasons: Readonly<Record<string, string>> = {
  PLACE_REASON_TOO_LARGE: 'too large for the memory',
  PLACE_REASON_GAVE_WAY: 'gave way to other stores',
  PLACE_REASON_FAILED: 'failed, see the log of the server',
  PLACE_REASON_NOT_READ: 'not read lately',
};

function rowsOf(graphs: readonly WireStoreGraph[]): string[][] {
  return graphs.map(({ store_id, place, reason, bytes, tuples, changes }) => {
    const from = [places[place] ?? place, reasons[reason]].filter(Boolean).join(': ');
    if (place !== 'PLACE_MEMORY') return [store_id, from, '', '', ''];
    const counts = [tuples, changes].map((count) => Number(count).toLocaleString('en-US'));
    return [store_id, from, sizeText(Number(bytes)), ...counts];
  });
}

function sizeText(bytes: number): string {
  const units = ['bytes', 'KiB', 'MiB', 'GiB', 'TiB'];
  let unit = 0;
  let size = bytes;
  for (; size >= 1024 && unit + 1 < units.length; unit++) size /= 1024;
  return `${unit === 0 ? size : size.toFixed(1)} ${units[unit]}`;
}
