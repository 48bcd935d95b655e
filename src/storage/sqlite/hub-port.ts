/** A worker's line to the hub: what it asks for is answered, and it hears of what others commit. */
import type { MessagePort } from 'node:worker_threads';
import { assert } from '../../base/assert.ts';
import { Refusal } from '../../base/errors.ts';
import type { StoreId } from '../../model/ids.ts';
import { errorOf } from './command.ts';
import type { Audience, Queue } from './queue.ts';
import type { Answer, Question, ToHub, ToSeat } from './seat-messages.ts';

interface Asked {
  resolve(answer: Exclude<Answer, { kind: 'failed' }>): void;
  reject(error: Error): void;
}

export class HubPort {
  onGiveWay: (store: StoreId) => void = () => undefined;
  private readonly port: MessagePort;
  private readonly asked = new Map<number, Asked>();
  private readonly listeners = new Set<() => void>();
  private audience: Audience | undefined;
  private lastId = 0;
  private isClosing = false;
  private onIdle: () => void = () => undefined;

  constructor(port: MessagePort) {
    this.port = port;
    port.on('message', (message: ToSeat) => this.take(message));
    port.on('close', () => {
      this.isClosing = true;
      for (const { reject } of this.asked.values()) reject(closedRefusal());
      this.asked.clear();
      this.onIdle();
    });
  }

  tell(message: ToHub): void {
    this.port.postMessage(message);
  }

  ask(question: Question): Promise<Exclude<Answer, { kind: 'failed' }>> {
    if (this.isClosing) return Promise.reject(closedRefusal());
    const id = ++this.lastId;
    return new Promise((resolve, reject) => {
      this.asked.set(id, { resolve, reject });
      this.tell({ kind: 'question', id, question });
    });
  }

  /** Of the hub's queue; it purges and collects by itself. */
  queue(audience: Audience): Queue {
    this.audience = audience;
    const done = async (question: Question) => {
      const answer = await this.ask(question);
      assert(answer.kind === 'done', 'what is to be done is answered when it is');
      return answer.done;
    };
    return {
      submit: (command) => done({ kind: 'submit', command }),
      async probe() {
        await done({ kind: 'probe' });
      },
      async collect() {
        await done({ kind: 'collect' });
      },
      onSettled: (listener) => {
        this.listeners.add(listener);
        return () => this.listeners.delete(listener);
      },
      startPurge: () => undefined,
      expect: () => undefined,
      close: () => this.close(),
    };
  }

  private take(message: ToSeat): void {
    switch (message.kind) {
      case 'answer': {
        const asked = this.asked.get(message.id);
        assert(asked !== undefined, 'every answer was asked for');
        this.asked.delete(message.id);
        if (message.answer.kind === 'failed') asked.reject(errorOf(message.answer.fault));
        else asked.resolve(message.answer);
        if (this.asked.size === 0) this.onIdle();
        return;
      }
      case 'committed':
        for (const store of message.stores) this.audience?.caughtUp(store);
        for (const listener of this.listeners) listener();
        return;
      case 'give way':
        this.onGiveWay(message.store);
    }
  }

  /** What was accepted is answered first. */
  private async close(): Promise<void> {
    if (this.isClosing) return;
    this.isClosing = true;
    if (this.asked.size > 0) {
      await new Promise<void>((resolve) => {
        this.onIdle = resolve;
      });
    }
    this.port.close();
  }
}

function closedRefusal(): Refusal {
  return new Refusal('unavailable', 'the datastore is closed');
}
