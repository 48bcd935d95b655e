/** Asks over gRPC, whichever server of OpenFGA's wire is there. */
import { type ChannelOptions, Client, credentials } from '@grpc/grpc-js';
import type { Caller, Operation } from './caller.ts';
import { binaryBody, binaryJudge, methodOf, type Place } from './openfga-messages.ts';

/** Workers of a server share the work by connection. */
const connections = 4;

const asIs = (bytes: Buffer) => bytes;
const options: ChannelOptions = {
  // Else clients of the same address share one connection.
  'grpc.use_local_subchannel_pool': 1,
  'grpc.max_receive_message_length': -1,
};

export class Grpc {
  private readonly clients: Client[];
  private next = 0;

  constructor(address: string, count = connections) {
    const make = () => new Client(address, credentials.createInsecure(), options);
    this.clients = Array.from({ length: count }, make);
  }

  unary(path: string, request: Buffer): Promise<Buffer> {
    const client = this.clients[this.next++ % this.clients.length] as Client;
    return new Promise((resolve, reject) => {
      client.makeUnaryRequest(path, asIs, asIs, request, (error, reply) => {
        if (reply === undefined) reject(error ?? new Error(`${path} answered nothing`));
        else resolve(reply);
      });
    });
  }

  /** Counts the messages of a stream. */
  async stream(path: string, request: Buffer): Promise<number> {
    const client = this.clients[this.next++ % this.clients.length] as Client;
    const messages = client.makeServerStreamRequest(path, asIs, asIs, request);
    let count = 0;
    for await (const _message of messages) count++;
    return count;
  }

  close(): void {
    for (const client of this.clients) client.close();
  }
}

/** The floor's answers are not judged: it knows nothing. */
export function grpcCaller(
  address: string,
  place: Place,
  judged = true,
  count = connections,
): Caller {
  const grpc = new Grpc(address, count);
  return {
    prepare(operation: Operation) {
      const path = `/openfga.v1.OpenFGAService/${methodOf(operation.kind).name}`;
      const judge = binaryJudge(operation);
      const prepared = operation.kind === 'write' ? undefined : binaryBody(operation, place);
      return async () => {
        const reply = await grpc.unary(path, prepared ?? binaryBody(operation, place));
        if (judged) judge(reply);
        return undefined;
      };
    },
    close: () => grpc.close(),
  };
}
