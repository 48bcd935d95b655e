// Asks one method over one protocol with bytes and headers as they are, and says what became of it.
import { once } from 'node:events';
import { request as httpRequest, type IncomingMessage } from 'node:http';
import {
  create,
  type DescMessage,
  type DescMethod,
  getOption,
  hasOption,
  type JsonObject,
  type MessageInitShape,
  toBinary,
} from '@bufbuild/protobuf';
import { Client, credentials, Metadata, type StatusObject } from '@grpc/grpc-js';
import { assert } from '../../src/base/assert.ts';
import { http } from '../../src/gen/google/api/annotations_pb.ts';

export const protocols = [
  'grpc',
  'rest',
  'connect',
  'connect-json',
  // What the server leaves to the library.
  'connect-other',
  'grpc-web',
] as const;
export type Protocol = (typeof protocols)[number];

/**
 * `unauthenticated`: nobody knows who asks; `throttled`: and it has asked too often. `forbidden`:
 * the caller may not.
 */
export type Outcome = 'unauthenticated' | 'throttled' | 'forbidden' | 'through';

/** Raw, so that one can come twice. */
export type Headers = readonly (readonly [name: string, value: string])[];

export interface Question {
  readonly method: DescMethod;
  readonly store: string;
  readonly headers: Headers;
  /** In place of a request that names the store and nothing else. */
  readonly bytes?: Uint8Array;
}

export interface Doors {
  readonly httpUrl: string;
  readonly grpc: Client;
}

export function grpcClient(address: string): Client {
  return new Client(address, credentials.createInsecure());
}

export async function ask(doors: Doors, protocol: Protocol, question: Question): Promise<Outcome> {
  if (protocol === 'grpc') return await askGrpc(doors.grpc, question);
  if (protocol === 'rest') return await askRest(doors.httpUrl, question);
  return await askConnect(doors.httpUrl, protocol, question);
}

function bytesOf({ method, store, bytes }: Question): Uint8Array {
  const fields = namesStore(method) ? { storeId: store } : {};
  return (
    bytes ?? toBinary(method.input, create(method.input, fields as MessageInitShape<DescMessage>))
  );
}

export function namesStore(method: DescMethod): boolean {
  return method.input.fields.some(({ localName }) => localName === 'storeId');
}

async function askGrpc(client: Client, question: Question): Promise<Outcome> {
  const metadata = new Metadata();
  for (const [name, value] of question.headers) metadata.add(name, value);
  const { parent, name } = question.method;
  // On the wire a unary answer is a stream of one.
  const call = client.makeServerStreamRequest(
    `/${parent.typeName}/${name}`,
    (bytes: Uint8Array) => Buffer.from(bytes),
    (bytes: Buffer) => bytes,
    bytesOf(question),
    metadata,
  );
  call.on('data', () => {}).on('error', () => {});
  const code: number = await new Promise((resolve) => {
    call.on('status', (status: StatusObject) => resolve(status.code));
  });
  if (code === 8) return 'throttled';
  if (code === 1600) return 'forbidden';
  return code >= 1000 && code < 2000 ? 'unauthenticated' : 'through';
}

async function askRest(url: string, question: Question): Promise<Outcome> {
  const { method, store, headers, bytes } = question;
  assert(hasOption(method, http), 'every method has a path');
  const rule = getOption(method, http);
  const { case: verb, value: pattern } = rule.pattern;
  assert(verb !== undefined && typeof pattern === 'string', 'a path');
  const path = pattern.replace(/\{(\w+)\}/g, (_, field) =>
    field === 'store_id' ? store : '01ARZ3NDEKTSV4RRFFQ69G5FAV',
  );
  const inBody = namesStore(method) && !pattern.includes('{store_id}');
  const body: JsonObject = inBody ? { store_id: store } : {};
  const query = inBody && rule.body !== '*' ? `?store_id=${store}` : '';
  const answer = await send(`${url}${path}${query}`, verb.toUpperCase(), {
    headers: [...headers, ['content-type', 'application/json']],
    body: rule.body === '*' ? (bytes ?? Buffer.from(JSON.stringify(body))) : undefined,
  });
  if (answer.status === 401) return 'unauthenticated';
  if (answer.status === 429) return 'throttled';
  return answer.status === 403 ? 'forbidden' : 'through';
}

async function askConnect(
  url: string,
  protocol: Exclude<Protocol, 'grpc' | 'rest'>,
  question: Question,
): Promise<Outcome> {
  const { method, store } = question;
  const isStream = method.methodKind !== 'unary';
  const isJson = protocol === 'connect-json';
  const plain = isJson
    ? (question.bytes ?? Buffer.from(JSON.stringify(namesStore(method) ? { store_id: store } : {})))
    : bytesOf(question);
  const isWeb = protocol === 'grpc-web';
  const format = isJson ? 'json' : 'proto';
  const type = isWeb ? 'grpc-web+proto' : isStream ? `connect+${format}` : format;
  const answer = await send(`${url}/${method.parent.typeName}/${method.name}`, 'POST', {
    headers: [
      ...question.headers,
      ['content-type', `application/${type}`],
      ...(protocol === 'connect-other' ? ([['content-encoding', 'identity']] as const) : []),
    ],
    body: isWeb || isStream ? framed(plain) : plain,
  });
  const says = (...texts: string[]) =>
    texts.some((text) => answer.text.replaceAll(' ', '').includes(text));
  const status = answer.headers['grpc-status'];
  if (status === '16' || says('grpc-status:16', '"code":"unauthenticated"')) {
    return 'unauthenticated';
  }
  if (status === '8' || says('grpc-status:8\r', '"code":"resource_exhausted"')) return 'throttled';
  if (status === '7' || says('grpc-status:7\r', '"code":"permission_denied"')) return 'forbidden';
  return 'through';
}

/** One message of a stream: no flags, its length, its bytes. */
function framed(message: Uint8Array): Buffer {
  const head = Buffer.alloc(5);
  head.writeUInt32BE(message.length, 1);
  return Buffer.concat([head, message]);
}

export async function send(
  url: string,
  method: string,
  {
    headers,
    body,
    host = new URL(url).host,
  }: {
    readonly headers: Headers;
    readonly body?: Uint8Array | undefined;
    readonly host?: string;
  },
): Promise<{ status: number; headers: IncomingMessage['headers']; text: string }> {
  const length = body === undefined ? [] : ['content-length', String(body.length)];
  const raw = ['host', host, ...length, ...headers.flat()];
  const request = httpRequest(url, { method, headers: raw });
  request.end(body);
  const [response] = (await once(request, 'response')) as [IncomingMessage];
  const chunks: Buffer[] = [];
  for await (const chunk of response) chunks.push(chunk);
  const text = Buffer.concat(chunks).toString('latin1');
  return { status: response.statusCode ?? 0, headers: response.headers, text };
}
