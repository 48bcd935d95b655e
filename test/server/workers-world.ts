// A server of several workers in this process, and lines to it of which one knows who answers.
import { Agent, request } from 'node:http';
import { onTestFinished } from 'vitest';
import { resolveConfig } from '../../src/server/config.ts';
import { type RunningServer, startServer } from '../../src/server/start.ts';

export interface Answer {
  readonly status: number;
  // biome-ignore lint/suspicious/noExplicitAny: answers are JSON of many shapes
  readonly body: any;
}

/** One connection: whichever worker took it answers all that is asked on it. */
export class Line {
  private readonly agent = new Agent({ keepAlive: true, maxSockets: 1 });
  private readonly address: string;
  private readonly headers: Record<string, string>;

  constructor(address: string, headers: Record<string, string> = {}) {
    this.address = address;
    this.headers = headers;
  }

  ask(method: string, path: string, body?: unknown): Promise<Answer> {
    const [host, port] = this.address.split(':');
    const options = { host, port, method, path, agent: this.agent, headers: this.headers };
    return new Promise((resolve, reject) => {
      const sent = request(options, (response) => {
        let text = '';
        response.on('data', (part) => {
          text += part;
        });
        response.on('error', reject);
        response.on('end', () => {
          resolve({ status: response.statusCode ?? 0, body: text === '' ? '' : JSON.parse(text) });
        });
      });
      sent.on('error', reject);
      sent.end(body === undefined ? undefined : JSON.stringify(body));
    });
  }

  close(): void {
    this.agent.destroy();
  }
}

export interface WorkersWorld {
  readonly server: RunningServer;
  /** Of the log, as it comes. */
  readonly lines: readonly Record<string, unknown>[];
  /** Resolves with the next line of this message. */
  logged(message: string): Promise<Record<string, unknown>>;
  /** Values by metric with its labels, as the metrics port shows them. */
  metrics(): Promise<ReadonlyMap<string, number>>;
  /** To each worker, in the order of their numbers. */
  linesToAll(headers?: Record<string, string>): Promise<readonly Line[]>;
}

export async function openWorkers(
  path: string,
  { workers = 2, flags = {}, environment = {} }: WorkersOptions = {},
): Promise<WorkersWorld> {
  const lines: Record<string, unknown>[] = [];
  const waiting = new Map<string, ((line: Record<string, unknown>) => void)[]>();
  const config = resolveConfig({
    environment,
    flags: {
      'datastore-uri': `file:${path}`,
      'http-addr': '127.0.0.1:0',
      'grpc-addr': '127.0.0.1:0',
      'metrics-addr': '127.0.0.1:0',
      workers: String(workers),
      ...flags,
    },
  });
  const server = await startServer(config, {
    write(text) {
      for (const line of text.trimEnd().split('\n')) {
        const parsed: Record<string, unknown> = JSON.parse(line);
        lines.push(parsed);
        for (const tell of waiting.get(String(parsed.msg))?.splice(0) ?? []) tell(parsed);
      }
    },
  });
  onTestFinished(() => server.close());

  async function metrics() {
    const text = await (await fetch(`http://${server.metricsAddress}/metrics`)).text();
    const shown = text.split('\n').filter((line) => line !== '' && !line.startsWith('#'));
    return new Map(
      shown.map((line) => {
        const at = line.lastIndexOf(' ');
        return [line.slice(0, at), Number(line.slice(at + 1))] as const;
      }),
    );
  }

  const answeredBy = async (number: number) =>
    (await metrics()).get(`pemba_worker_requests_total{worker="${number}"}`) ?? 0;

  /** The system chooses who takes a connection: another is made until it has chosen this one. */
  async function lineTo(number: number, headers: Record<string, string>): Promise<Line> {
    for (;;) {
      const line = new Line(server.httpAddress, headers);
      const before = await answeredBy(number);
      await line.ask('GET', '/stores');
      if ((await answeredBy(number)) > before) {
        onTestFinished(() => line.close());
        return line;
      }
      line.close();
    }
  }

  return {
    server,
    lines,
    logged: (message) =>
      new Promise((resolve) => {
        waiting.set(message, [...(waiting.get(message) ?? []), resolve]);
      }),
    metrics,
    async linesToAll(headers = {}) {
      const all: Line[] = [];
      for (let number = 1; number <= workers; number++) all.push(await lineTo(number, headers));
      return all;
    },
  };
}

interface WorkersOptions {
  readonly workers?: number;
  readonly flags?: Record<string, string>;
  readonly environment?: Record<string, string>;
}
