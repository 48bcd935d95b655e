import { defineConfig } from 'vitest/config';

const root = new URL('..', import.meta.url).pathname;

// Writer threads, servers and commands are started thousands of times: what they run is compiled once.
process.env.NODE_COMPILE_CACHE ??= `${root}node_modules/.cache/pemba-test`;

export default defineConfig({
  test: {
    root,
    include: ['test/**/*.test.ts'],
    // One process a file: native handles and listeners stay apart. All cores: the default is one fewer.
    pool: 'forks',
    maxWorkers: '100%',
    testTimeout: 60_000,
    hookTimeout: 60_000,
  },
});
