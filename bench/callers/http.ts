/** Asks over HTTP/1.1 with JSON, on connections that are kept. */
import { Agent, request } from 'node:http';
import type { Caller, Operation } from './caller.ts';
import { type JsonAnswer, jsonBody, jsonJudge, methodOf, type Place } from './openfga-messages.ts';

export class Http {
  private readonly agent = new Agent({ keepAlive: true });
  private readonly host: string;
  private readonly port: string;

  constructor(address: string) {
    const colon = address.lastIndexOf(':');
    this.host = address.slice(0, colon);
    this.port = address.slice(colon + 1);
  }

  /** A GET where there is no body. Rejects for any status but 200. */
  ask(path: string, body?: Buffer): Promise<string> {
    const { agent, host, port } = this;
    const headers = body && { 'content-type': 'application/json', 'content-length': body.length };
    const method = body === undefined ? 'GET' : 'POST';
    return new Promise((resolve, reject) => {
      const call = request({ host, port, agent, method, path, ...(headers && { headers }) });
      call.on('response', (response) => {
        let text = '';
        response.setEncoding('utf8');
        response.on('data', (part: string) => {
          text += part;
        });
        response.on('error', reject);
        response.on('end', () => {
          if (response.statusCode === 200) resolve(text);
          else reject(new Error(`${path}: HTTP ${response.statusCode} ${text}`));
        });
      });
      call.on('error', reject);
      call.end(body);
    });
  }

  close(): void {
    this.agent.destroy();
  }
}

export function httpCaller(address: string, place: Place, judged = true): Caller {
  const http = new Http(address);
  const encoded = (operation: Operation) => Buffer.from(JSON.stringify(jsonBody(operation, place)));
  return {
    prepare(operation: Operation) {
      const path = `/stores/${place.store}/${methodOf(operation.kind).path}`;
      const judge = jsonJudge(operation);
      const prepared = operation.kind === 'write' ? undefined : encoded(operation);
      return async () => {
        const text = await http.ask(path, prepared ?? encoded(operation));
        if (judged) judge(JSON.parse(text) as JsonAnswer);
        return undefined;
      };
    },
    close: () => http.close(),
  };
}
