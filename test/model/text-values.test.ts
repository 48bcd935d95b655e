import { expect, test } from 'vitest';
import { networkContains, parseIpAddress, parseNetwork } from '../../src/model/ip-address.ts';
import { normalTimestamp, parseDuration } from '../../src/model/time-text.ts';

test.each([
  ['0', 0n],
  ['-0', 0n],
  ['1h', 3_600_000_000_000n],
  ['1h30m', 5_400_000_000_000n],
  ['-1.5h', -5_400_000_000_000n],
  ['+2s', 2_000_000_000n],
  ['.5s', 500_000_000n],
  ['1.s', 1_000_000_000n],
  ['1.0000000019s', 1_000_000_001n],
  ['300ms', 300_000_000n],
  ['2us', 2_000n],
  ['2\u00b5s', 2_000n],
  ['2\u03bcs', 2_000n],
  ['7ns', 7n],
  ['2562047h47m16.854775807s', 2n ** 63n - 1n],
])('the duration %s', (text, nanos) => {
  expect(parseDuration(text)).toBe(nanos);
});

test.each([
  ...['', '1', '-', 'h', '.s', '1hm', '2sm', '1 h', ' 1h', '1d', '1h-30m', '--1h', '1H'],
  ...['2562047h47m16.854775808s', `${'9'.repeat(200)}s`, '1e3s', '0x1s'],
])('%s is no duration', (text) => {
  expect(parseDuration(text)).toBeUndefined();
});

test.each([
  ['1972-01-01T10:00:20.021Z', '1972-01-01T10:00:20.021Z'],
  ['2024-02-29T23:59:59-23:59', '2024-02-29T23:59:59-23:59'],
  ['2024-01-01T00:00:00.1234567891Z', '2024-01-01T00:00:00.123456789Z'],
  ['2024-01-01T00:00:00,5Z', '2024-01-01T00:00:00.5Z'],
  ['0001-01-01T00:00:00Z', '0001-01-01T00:00:00Z'],
  ['9999-12-31T23:59:59.999999999Z', '9999-12-31T23:59:59.999999999Z'],
])('the timestamp %s', (text, normal) => {
  expect(normalTimestamp(text)).toBe(normal);
});

test.each([
  ...['', '2023-0914', '2024-01-01', '2024-01-01 00:00:00Z', '2024-01-01T00:00:00'],
  ...['2024-01-01t00:00:00z', '2024-13-01T00:00:00Z', '2023-02-29T00:00:00Z'],
  ...['1900-02-29T00:00:00Z', '2024-01-01T24:00:00Z', '2024-01-01T00:60:00Z'],
  ...['2024-01-01T00:00:60Z', '2024-01-01T00:00:00+24:00', '2024-01-01T00:00:00.Z'],
  ...['0000-01-01T00:00:00Z', '0001-01-01T00:00:00+00:01', '9999-12-31T23:59:59-00:01'],
])('%s is no timestamp', (text) => {
  expect(normalTimestamp(text)).toBeUndefined();
});

test.each([
  ['127.0.0.1', [127, 0, 0, 1]],
  ['::ffff:127.0.0.1', [127, 0, 0, 1]],
  ['::ffff:7f00:1', [127, 0, 0, 1]],
  ['::', Array(16).fill(0)],
  ['1::2', [0, 1, ...Array(13).fill(0), 2]],
  ['::1:2:3:4:5:6:7', [0, 0, 0, 1, 0, 2, 0, 3, 0, 4, 0, 5, 0, 6, 0, 7]],
  ['1:2:3:4:5:6:1.2.3.4', [0, 1, 0, 2, 0, 3, 0, 4, 0, 5, 0, 6, 1, 2, 3, 4]],
  ['2001:DB8::', [32, 1, 13, 184, ...Array(12).fill(0)]],
])('the address %s', (text, bytes) => {
  expect(parseIpAddress(text)).toEqual(Uint8Array.from(bytes));
});

test.each([
  ...['', '1.2.3', '1.2.3.4.5', '01.2.3.4', '256.0.0.1', '1.2.3.4 ', '0x1.2.3.4', '1.2.3.-4'],
  ...[
    ':',
    ':::',
    '1:2:3:4:5:6:7',
    '1:2:3:4:5:6:7:8:9',
    '1::2::3',
    '12345::',
    'g::',
    '1:2:3:4:5:6:7:8::',
  ],
  ...['::1.2.3', '1.2.3.4::', '1::1.2.3.4:5', 'fe80::1%eth0', '[::1]', '1:', ':1'],
])('%s is no address', (text) => {
  expect(parseIpAddress(text)).toBeUndefined();
});

test.each([
  ['10.0.0.0/8', '10.255.0.1', true],
  ['10.0.0.0/8', '11.0.0.1', false],
  ['10.1.2.3/32', '10.1.2.3', true],
  ['10.1.2.3/32', '10.1.2.2', false],
  ['10.0.0.128/25', '10.0.0.127', false],
  ['0.0.0.0/0', '1.2.3.4', true],
  ['::/0', '1.2.3.4', false],
  ['::ffff:10.0.0.0/104', '10.9.9.9', true],
  ['::ffff:10.0.0.0/104', '11.9.9.9', false],
  // A network wider than the mapped range is one of IPv6, where no IPv4 address is.
  ['::ffff:0:0/90', '10.9.9.9', false],
  ['2001:db8::/33', '2001:db8:7fff::1', true],
  ['2001:db8::/33', '2001:db8:8000::1', false],
])('%s contains %s: %s', (network, address, contained) => {
  const parsed = { network: parseNetwork(network), address: parseIpAddress(address) };
  expect(parsed.network && parsed.address && networkContains(parsed.network, parsed.address)).toBe(
    contained,
  );
});

test.each([
  ...['', '10.0.0.0', '10.0.0.0/', '10.0.0.0/33', '10.0.0.0/08', '10.0.0.0/+8', '10.0.0/8'],
  ...['::/129', '::/-1', '::/1/2', 'malformed', 'fe80::%eth0/64'],
])('%s is no network', (text) => {
  expect(parseNetwork(text)).toBeUndefined();
});
