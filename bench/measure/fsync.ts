/** What the disk does by itself: one small append after the other, each of them made durable. */
import { closeSync, fdatasyncSync, openSync, rmSync, writeSync } from 'node:fs';

/** `beside` is a file on the disk that is meant. */
export function fsyncsPerSecond(beside: string, ms: number): number {
  const path = `${beside}.fsync`;
  const file = openSync(path, 'w');
  const page = Buffer.alloc(4_096, 1);
  const start = performance.now();
  let count = 0;
  do {
    writeSync(file, page);
    fdatasyncSync(file);
    count++;
  } while (performance.now() - start < ms);
  const seconds = (performance.now() - start) / 1_000;
  closeSync(file);
  rmSync(path);
  return count / seconds;
}
