/**
 * The floor: the transports that Pemba's servers are made of, with an empty handler. Nothing is decoded,
 * the answer is a constant of a fitting length. No server on these transports can cost less.
 */
import { once } from 'node:events';
import { createServer } from 'node:http';
import { create, toBinary, toJsonString } from '@bufbuild/protobuf';
import { Server, ServerCredentials } from '@grpc/grpc-js';
import { limits } from '../../src/base/limits.ts';
import {
  BatchCheckResponseSchema,
  CheckResponseSchema,
} from '../../src/gen/openfga/v1/openfga_service_pb.ts';
import { answer } from './remote.ts';

const allowed = create(CheckResponseSchema, { allowed: true });
const batch = create(BatchCheckResponseSchema, {
  result: Object.fromEntries(
    Array.from({ length: limits.batchChecksMax }, (_, i) => [
      `c${i}`,
      { checkResult: { case: 'allowed', value: true } } as const,
    ]),
  ),
});

answer(async () => ({ grpc: await grpc(), http: await http() }));

async function grpc(): Promise<string> {
  const server = new Server();
  const asIs = (bytes: Buffer) => bytes;
  const method = (name: string) => ({
    path: `/openfga.v1.OpenFGAService/${name}`,
    requestStream: false,
    responseStream: false,
    requestDeserialize: asIs,
    requestSerialize: asIs,
    responseDeserialize: asIs,
    responseSerialize: asIs,
  });
  const constant = (bytes: Uint8Array) => {
    const buffer = Buffer.from(bytes);
    return (_call: unknown, reply: (error: null, answer: Buffer) => void) => reply(null, buffer);
  };
  server.addService(
    { Check: method('Check'), BatchCheck: method('BatchCheck') },
    {
      Check: constant(toBinary(CheckResponseSchema, allowed)),
      BatchCheck: constant(toBinary(BatchCheckResponseSchema, batch)),
    },
  );
  return await new Promise((resolve, reject) => {
    server.bindAsync('127.0.0.1:0', ServerCredentials.createInsecure(), (error, port) =>
      error ? reject(error) : resolve(`127.0.0.1:${port}`),
    );
  });
}

async function http(): Promise<string> {
  const check = Buffer.from(toJsonString(CheckResponseSchema, allowed));
  const checks = Buffer.from(toJsonString(BatchCheckResponseSchema, batch));
  const server = createServer((request, response) => {
    const body = request.url?.endsWith('/batch-check') ? checks : check;
    request.on('data', () => undefined);
    request.on('end', () => {
      const headers = { 'content-type': 'application/json', 'content-length': body.length };
      response.writeHead(200, headers).end(body);
    });
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('no port');
  return `127.0.0.1:${address.port}`;
}
