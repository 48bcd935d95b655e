// Checks over gRPC and HTTP: the server in a second process, a closed loop of clients in this one.
// Pemba and the floor take turns, so that their ratio holds when the machine's speed drifts.
import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { Agent, request as httpRequest } from 'node:http';
import { create, toBinary } from '@bufbuild/protobuf';
import { Client, credentials } from '@grpc/grpc-js';
import { CheckRequestSchema } from '../src/gen/openfga/v1/openfga_service_pb.ts';
import { formatObject, formatSubject } from '../src/model/tuple.ts';
import { benchModel, benchStore } from './load.ts';
import { median, type Sample } from './measure.ts';
import { type Question, type QuestionKind, questionKinds, type Workload } from './workload.ts';

const inFlight = 32;
const rounds = 3;

export interface TransportResult {
  readonly transport: 'gRPC' | 'HTTP';
  readonly kind: QuestionKind;
  /** Medians over the rounds. CPU is the server's. */
  readonly perSecond: number;
  readonly micros: number;
  readonly floorMicros: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
}

interface Round extends Sample {
  readonly latencies: number[];
}

export async function overTransports(
  path: string,
  workload: Workload,
  ms: number,
): Promise<TransportResult[]> {
  const pemba = await start('pemba', path);
  const floor = await start('floor', path);
  const results: TransportResult[] = [];
  try {
    for (const transport of ['gRPC', 'HTTP'] as const) {
      for (const kind of questionKinds) {
        const questions = workload.questions[kind];
        const mine: Round[] = [];
        const empty: Round[] = [];
        await round(pemba, transport, questions, ms / 2, true);
        for (let i = 0; i < rounds; i++) {
          empty.push(await round(floor, transport, questions, ms, false));
          mine.push(await round(pemba, transport, questions, ms, true));
        }
        const of = (list: Round[], value: (round: Round) => number) => median(list.map(value));
        results.push({
          transport,
          kind,
          perSecond: of(mine, (r) => (r.count / r.wallMs) * 1_000),
          micros: of(mine, (r) => r.cpuMicros / r.count),
          floorMicros: of(empty, (r) => r.cpuMicros / r.count),
          p50Ms: of(mine, (r) => quantile(r.latencies, 0.5)),
          p99Ms: of(mine, (r) => quantile(r.latencies, 0.99)),
        });
      }
    }
  } finally {
    pemba.child.send('stop');
    floor.child.send('stop');
  }
  return results;
}

interface Served {
  readonly child: ChildProcess;
  readonly http: string;
  readonly grpc: string;
}

async function start(what: 'pemba' | 'floor', path: string): Promise<Served> {
  const child = fork(new URL('./server.ts', import.meta.url), [what, path]);
  const [addresses] = (await once(child, 'message')) as [{ http: string; grpc: string }];
  return { child, ...addresses };
}

async function cpuMicros(child: ChildProcess): Promise<number> {
  child.send('cpu');
  const [usage] = (await once(child, 'message')) as [NodeJS.CpuUsage];
  return usage.user + usage.system;
}

async function round(
  server: Served,
  transport: 'gRPC' | 'HTTP',
  questions: readonly Question[],
  ms: number,
  verify: boolean,
): Promise<Round> {
  const { ask, close } = transport === 'gRPC' ? grpcCaller(server.grpc) : httpCaller(server.http);
  const latencies: number[] = [];
  const before = await cpuMicros(server.child);
  const begin = performance.now();
  let next = 0;
  const loop = async () => {
    while (performance.now() - begin < ms) {
      const question = questions[next++ % questions.length] as Question;
      const sent = performance.now();
      const allowed = await ask(question);
      latencies.push(performance.now() - sent);
      if (verify && allowed !== question.allowed)
        throw new Error(`wrong answer: ${JSON.stringify(question)}`);
    }
  };
  await Promise.all(Array.from({ length: inFlight }, loop));
  const wallMs = performance.now() - begin;
  const used = (await cpuMicros(server.child)) - before;
  close();
  return { count: latencies.length, cpuMicros: used, wallMs, latencies };
}

interface Caller {
  ask(question: Question): Promise<boolean>;
  close(): void;
}

function grpcCaller(address: string): Caller {
  const client = new Client(address, credentials.createInsecure());
  const encoded = new Map<Question, Buffer>();
  const asIs = (bytes: Buffer) => bytes;
  return {
    ask(question) {
      const bytes = encoded.get(question) ?? encode(question);
      encoded.set(question, bytes);
      return new Promise((resolve, reject) => {
        client.makeUnaryRequest(
          '/openfga.v1.OpenFGAService/Check',
          asIs,
          asIs,
          bytes,
          (error, reply) =>
            error ? reject(error) : resolve(reply?.[0] === 0x08 && reply[1] === 0x01),
        );
      });
    },
    close: () => client.close(),
  };
}

function encode(question: Question): Buffer {
  const message = create(CheckRequestSchema, {
    storeId: benchStore,
    authorizationModelId: benchModel,
    tupleKey: wireKey(question),
  });
  return Buffer.from(toBinary(CheckRequestSchema, message));
}

function httpCaller(address: string): Caller {
  const agent = new Agent({ keepAlive: true, maxSockets: inFlight });
  const [host, port] = address.split(':');
  return {
    ask(question) {
      const body = JSON.stringify({
        tuple_key: wireKey(question),
        authorization_model_id: benchModel,
      });
      return new Promise((resolve, reject) => {
        const headers = {
          'content-type': 'application/json',
          'content-length': Buffer.byteLength(body),
        };
        const call = httpRequest(
          { host, port, agent, method: 'POST', path: `/stores/${benchStore}/check`, headers },
          (response) => {
            let text = '';
            response.setEncoding('utf8');
            response.on('data', (part: string) => {
              text += part;
            });
            response.on('end', () => resolve(JSON.parse(text).allowed === true));
          },
        );
        call.on('error', reject);
        call.end(body);
      });
    },
    close: () => agent.destroy(),
  };
}

function wireKey(question: Question) {
  return {
    user: formatSubject(question.subject),
    relation: question.relation,
    object: formatObject(question.object),
  };
}

function quantile(values: readonly number[], q: number): number {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * q))] ?? Number.NaN;
}
