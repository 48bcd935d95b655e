// The measured side of the transport benchmark, in a process of its own: Pemba itself over a database
// file, or the floor: the same transports with an empty handler (nothing decoded, a constant answer).
import { createServer } from 'node:http';
import { Server, ServerCredentials } from '@grpc/grpc-js';
import { resolveConfig } from '../src/server/config.ts';
import { startServer } from '../src/server/start.ts';

const [what, path] = process.argv.slice(2);
const addresses = what === 'floor' ? await floor() : await pemba(path ?? '');

process.on('message', (message) => {
  if (message === 'cpu') process.send?.(process.cpuUsage());
  if (message === 'stop') process.exit(0);
});
process.send?.(addresses);

async function pemba(path: string) {
  const flags = {
    'datastore-uri': `file:${path}`,
    'http-addr': '127.0.0.1:0',
    'grpc-addr': '127.0.0.1:0',
    'metrics-addr': 'off',
    'log-level': 'warn',
    workers: '1',
  };
  const server = await startServer(resolveConfig({ flags, environment: {} }));
  return { http: server.httpAddress, grpc: server.grpcAddress };
}

async function floor() {
  const answer = Buffer.from([0x08, 0x01]);
  const grpc = new Server();
  const asIs = (bytes: Buffer) => bytes;
  grpc.addService(
    {
      check: {
        path: '/openfga.v1.OpenFGAService/Check',
        requestStream: false,
        responseStream: false,
        requestDeserialize: asIs,
        requestSerialize: asIs,
        responseDeserialize: asIs,
        responseSerialize: asIs,
      },
    },
    {
      check: (_call: unknown, reply: (error: null, answer: Buffer) => void) => reply(null, answer),
    },
  );
  const port = await new Promise<number>((resolve, reject) => {
    grpc.bindAsync('127.0.0.1:0', ServerCredentials.createInsecure(), (error, bound) =>
      error ? reject(error) : resolve(bound),
    );
  });
  const body = Buffer.from('{"allowed":true,"resolution":""}');
  const http = createServer((request, response) => {
    request.on('data', () => {});
    request.on('end', () => {
      response.writeHead(200, {
        'content-type': 'application/json',
        'content-length': body.length,
      });
      response.end(body);
    });
  });
  await new Promise<void>((resolve) => http.listen(0, '127.0.0.1', resolve));
  const address = http.address();
  if (address === null || typeof address === 'string') throw new Error('no port');
  return { http: `127.0.0.1:${address.port}`, grpc: `127.0.0.1:${port}` };
}
