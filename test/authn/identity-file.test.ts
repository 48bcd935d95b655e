/** The identity file: what its schema and its compiler take and refuse, with place and line. */
import { readFileSync } from 'node:fs';
import { Ajv2020 } from 'ajv/dist/2020.js';
import { describe, expect, test } from 'vitest';
import { parse } from 'yaml';
import { IdentityFileError } from '../../src/authn/identity/file-fault.ts';
import { Identity } from '../../src/authn/identity/identity.ts';
import { signatureAlgorithms } from '../../src/authn/issuer.ts';
import { limits } from '../../src/base/limits.ts';
import { OpenFGAService } from '../../src/gen/openfga/v1/openfga_service_pb.ts';
import { AccessService } from '../../src/gen/pemba/v1/access_service_pb.ts';
import { QueryService } from '../../src/gen/pemba/v1/query_service_pb.ts';
import { TupleService } from '../../src/gen/pemba/v1/tuple_service_pb.ts';
import { roles } from '../../src/service/access/roles.ts';
import { exampleFile, fileWith, issuer, plainMap } from './identity-fixture.ts';

const schemas = new URL('../../schemas/', import.meta.url);
const schema = JSON.parse(readFileSync(new URL('pemba.identity.schema.json', schemas), 'utf8'));

/** `line: path: message` of each fault; empty for a file that is good. */
function faultsOf(text: string): string[] {
  try {
    new Identity(text);
    return [];
  } catch (error) {
    if (!(error instanceof IdentityFileError)) throw error;
    return error.faults.map(({ line, path, message }) => `${line}: ${path}: ${message}`);
  }
}

/** The example with one of its lines changed. */
function changed(from: string | RegExp, to: string): string {
  const text = exampleFile.replace(from, to);
  expect(text).not.toBe(exampleFile);
  return text;
}

test('the example is good, by the schema that is published too', () => {
  expect(faultsOf(exampleFile)).toEqual([]);
  const validate = new Ajv2020({ strict: true, strictRequired: false, allowUnionTypes: true });
  const isGood = validate.compile(schema);
  expect(isGood(parse(exampleFile))).toBe(true);
  const shipped = readFileSync(new URL('saas.identity.yaml', schemas), 'utf8');
  expect(isGood(parse(shipped))).toBe(true);
  expect(faultsOf(shipped)).toEqual([]);
});

test('issuers have the defaults of verification, and durations are read', () => {
  const text = fileWith(plainMap).replace('map: only', 'clock_tolerance: 90s\n    map: only');
  expect(new Identity(text).issuers).toEqual([
    {
      issuer,
      jwksUri: undefined,
      audiences: ['https://pemba.example.com'],
      tokenTypes: ['at+jwt'],
      algorithms: ['RS256', 'ES256', 'EdDSA'],
      clockToleranceMs: 90_000,
      maxTokenAgeMs: 86_400_000,
      use: ['caller', 'subject'],
    },
  ]);
});

const refusedBySchema: [what: string, from: string | RegExp, to: string, fault: string][] = [
  ['another version', 'version: 1', 'version: 2', '1: version: `2` is not the version'],
  ['empty audiences', '[https://pemba.example.com]', '[]', '4: issuers[0].audiences: the list'],
  ['no audiences', /^ {4}audiences.*\n/m, '', '3: issuers[0]: `audiences` is missing'],
  ['HS256', 'RS256', 'HS256', '6: issuers[0].algorithms[0]: `HS256` is not an asymmetric'],
  ['none', 'RS256', 'none', '6: issuers[0].algorithms[0]: `none` is not an asymmetric'],
  ['http off loopback', issuer, 'http://idp.example.com/', '3: issuers[0].issuer: `http://idp'],
  ['http on what begins like loopback', issuer, 'http://127.0.0.1.evil.example/', '3: issuers[0]'],
  [
    'an unknown key',
    'map: default',
    'map: default\n    secret: x',
    '11: issuers[0].secret: no such',
  ],
  [
    '# in a relation',
    'relation: member,',
    'relation: "a#b",',
    '17: maps.default.tuples[0].relation',
  ],
  ['* as a relation', 'relation: member,', 'relation: "*",', '17: maps.default.tuples[0].relation'],
  [': in a type', 'type: group', 'type: "a:b"', '17: maps.default.tuples[0].object.type'],
  [
    'a type that is computed',
    'type: group',
    'type: claims.t, id2: x',
    '17: maps.default.tuples[0]',
  ],
  [
    'a context name of a request',
    'token_acr:',
    'acr:',
    '21: maps.default.context.acr: no such name',
  ],
  ['a step-up that demands nothing', /acr_any.*300/, 'x: 1', '27: step_up[0]: it demands nothing'],
  ['a quote in an acr', 'phr,', `'a"b',`, '27: step_up[0].acr_any[1]: `a"b` is not printable'],
  [
    'a method that is none',
    'check: fga',
    'chek: fga',
    '25: scopes.chek: no such name; wanted is a',
  ],
  ['a binding that is none', 'binding: verify', 'binding: trust', '28: subject_binding: `trust`'],
  [
    'a namespace with |',
    'namespace: corp',
    'namespace: "a|b"',
    '14: maps.default.subject.namespace',
  ],
  ['a max above the limit', 'max: 200', 'max: 1001', '17: maps.default.tuples[0].max: `1001`'],
  [
    'max without each',
    'when: has(claims.org_id)',
    'max: 3',
    '19: maps.default.tuples[2]: `max` is',
  ],
  ['a duration without unit', '30s', '30', '7: issuers[0].clock_tolerance: `30` is not a whole'],
  ['a map called __proto__', 'default:\n', '__proto__:\n', '12: maps.__proto__: no such name'],
  ['a key said twice', 'version: 1', 'version: 1\nversion: 1', '2: : Map keys must be unique'],
  ['a tag that YAML does not know', 'version: 1', 'version: !env 1', '1: : Unresolved tag'],
  ['two documents', 'version: 1', 'version: 1\n---\na: 1', '2: : Source contains multiple'],
  ['no YAML', 'version: 1', 'version: [', '2: '],
];

test.each(refusedBySchema)('the schema refuses %s', (_what, from, to, fault) => {
  const faults = faultsOf(changed(from, to));
  expect(faults.some((each) => each.startsWith(fault))).toBe(true);
});

test.each([
  ['nothing', ''],
  ['text', 'hello'],
  ['a list', '- 1'],
  ['null', 'null'],
])('the schema refuses a file of %s', (_what, text) => {
  expect(faultsOf(text)).not.toEqual([]);
});

test('aliases that blow up are refused', () => {
  const lines = ['a0: &a0 [x, x, x, x, x, x, x, x, x, x]'];
  for (let i = 1; i < 8; i++) lines.push(`a${i}: &a${i} [${Array(10).fill(`*a${i - 1}`)}]`);
  expect(faultsOf(lines.join('\n'))[0]).toContain('alias');
});

const refusedExpressions: [text: string, fault: string][] = [
  ['claims.', 'Expected IDENTIFIER'],
  ['sub', 'Unknown variable: sub'],
  ['item', 'Unknown variable: item'],
  ['process.env', 'Unknown variable: process'],
  ['1', 'it gives `int`, but text is wanted'],
  ["[claims.sub, '*']", 'it gives `list'],
  ["claims.sub.matches('^(a+)+$')", '`matches` cannot be used here: regular expressions'],
  ['claims.sub.lowerAscii()', '`lowerAscii` cannot be used here: it changes letters'],
  ['cel.bind(x, claims.sub, x)', '`bind` cannot be used here'],
  ["string(bytes('a'))", '`bytes` cannot be used here'],
  ["claims.org_id + '/' + claims.sub", 'two values joined in one text'],
  ["claims.parts.join('/')", 'two values joined in one text'],
  ["has(claims.a) ? claims.a + claims.b : 'x'", 'two values joined in one text'],
  ['claims.a.map(x, claims.b.map(y, x))[0][0]', '`map` would be a loop in a loop'],
  ['claims.a.filter(x, x in claims.b)[0]', '`in` within a loop takes a list that is written'],
  ['claims.a.filter(x, claims.b.contains(x))[0]', '`contains` in a loop takes the loop'],
  ['claims.a.map(claims, claims)[0]', "a loop's variable cannot be called `claims`"],
];

test.each(refusedExpressions)('an id cannot be `%s`', (text, fault) => {
  const faults = faultsOf(fileWith(`    subject: { type: user, id: ${JSON.stringify(text)} }`));
  expect(faults[0]).toMatch(/^8: maps\.only\.subject\.id: /);
  expect(faults.join('\n')).toContain(fault);
});

test.each([
  'claims.sub',
  "'x-' + claims.sub",
  "claims.email.split('@')[0]",
  'string(claims.uid)',
  "claims.?preferred_username.or(claims.?sub).orValue('')",
  "has(claims.oid) ? claims.oid : claims['https://example.com/id']",
  "claims.groups.filter(g, g.startsWith('team-'))[0]",
  "claims.groups.filter(g, g in ['a', 'b'])[0]",
])('an id can be `%s`', (text) => {
  expect(faultsOf(fileWith(`    subject: { type: user, id: ${JSON.stringify(text)} }`))).toEqual(
    [],
  );
});

test('a loop below `each` is a loop in a loop', () => {
  const rule = `{ each: claims.g, when: 'claims.h.exists(x, x == item)', relation: r, object: { type: t, id: item } }`;
  expect(faultsOf(fileWith(`${plainMap}\n    tuples: [${rule}]`))[0]).toContain(
    'maps.only.tuples[0].when: `claims.h.exists(x, x == item)`, character 1: `exists` would be',
  );
});

test('`require` and `when` give true or false', () => {
  const faults = faultsOf(fileWith(`    require: claims.?verified\n${plainMap}`));
  expect(faults[0]).toContain('an optional needs `.orValue(false)`');
});

describe('names of different issuers', () => {
  const two = (first: string, second: string, more = '') => `version: 1
issuers:
  - { issuer: 'https://a.example/', audiences: [x], map: one }
  - { issuer: 'https://b.example/', audiences: [x], map: two${more} }
maps:
  one: { subject: { type: user, id: claims.sub${first} } }
  two: { subject: { type: user, id: claims.sub${second} } }
`;
  test.each([
    ['both without a namespace', two('', ''), 'without a namespace'],
    ['both in one', two(', namespace: a', ', namespace: a'), 'in the namespace `a`'],
    ['one with and one without', two(', namespace: a', ''), 'have a namespace at'],
    ['one map for both', two('', '').replace('map: two', 'map: one'), 'without a namespace'],
  ])('may not meet: %s', (_what, text, fault) => {
    expect(faultsOf(text)[0]).toContain(fault);
  });

  test.each([
    ['each in its own', two(', namespace: a', ', namespace: b')],
    ['of issuers that mean the same', two('', '', `, same_names_as: 'https://a.example/'`)],
    ['of one that is for callers only', two('', '', ', use: [caller]')],
  ])('are apart: %s', (_what, text) => {
    expect(faultsOf(text)).toEqual([]);
  });

  test('tuples count too: a group of one is none of the other', () => {
    const rule = `, tuples: [{ each: claims.g, relation: member, object: { type: group, id: item } }]`;
    const text = two(', namespace: a', ', namespace: b').replaceAll(' } }\n', ` }${rule} }\n`);
    expect(faultsOf(text)[0]).toContain('both name a `group` without a namespace');
  });

  test.each([
    [`, same_names_as: 'https://c.example/'`, 'the file has no issuer `https://c.example/`'],
    [`, same_names_as: 'https://b.example/'`, 'names the issuer itself'],
  ])('are not the same as those of nobody: %s', (more, fault) => {
    expect(faultsOf(two('', '', more)).join()).toContain(fault);
  });
});

test('what is wrong with an issuer beyond its form is told too', () => {
  expect(faultsOf(changed('30s', '10m'))[0]).toMatch(/^3: issuers\[0\]: .*clock_tolerance must be/);
  const named = issuer.replace('idp', 'user:password@idp');
  expect(faultsOf(changed(issuer, named))[0]).toContain('must be an https URL');
});

test('entries that belong together do', () => {
  expect(faultsOf(changed('map: default', 'map: other'))[0]).toContain('no map `other`');
  const twice = changed(/( {2}- issuer.*?)(?=maps:)/s, '$1$1');
  expect(faultsOf(twice)[0]).toContain(`\`${issuer}\` is named twice`);
  const step = '{ type: a, relation: b, max_age: 1 }';
  expect(faultsOf(changed(/step_up: .*/, `step_up: [${step}, ${step}]`))[0]).toContain(
    'step_up[1]: `a#b` has an entry already',
  );
});

test('all faults are told at once, in the order of their lines', () => {
  const text = changed('claims.sub,', 'claims.sub + item,').replace('map: default', 'map: other');
  const lines = faultsOf(text).map((fault) => Number(fault.split(':')[0]));
  expect(lines).toEqual(lines.toSorted((a, b) => a - b));
  expect(lines.length).toBeGreaterThan(1);
});

test.each([
  [limits.mappingExpressionLengthMax - 1, true],
  [limits.mappingExpressionLengthMax, true],
  [limits.mappingExpressionLengthMax + 1, false],
])('an expression of %d characters: %s', (length, passes) => {
  const text = `claims.sub${' '.repeat(length - 10)}`;
  const map = `    subject: { type: user, id: '${text}' }`;
  expect(faultsOf(fileWith(map)).length === 0).toBe(passes);
  const part = `    subject: { type: user, id: ['${text}'] }`;
  expect(faultsOf(fileWith(part)).length === 0).toBe(passes);
});

test.each([
  [limits.mappingExpressionNodesMax - 1, true],
  [limits.mappingExpressionNodesMax, true],
  [limits.mappingExpressionNodesMax + 1, false],
])('an expression of %d nodes: %s', (nodes, passes) => {
  // Five lists of lists hold the literals, for one list may be only so long.
  const texts = Array.from({ length: 5 }, (_, i) => {
    const count = Math.floor((nodes - 6) / 5) + (i < (nodes - 6) % 5 ? 1 : 0);
    return `[${Array(count).fill('1').join(',')}]`;
  });
  const map = `${plainMap}\n    context: { token_x: '[${texts.join(',')}]' }`;
  expect(faultsOf(fileWith(map)).length === 0).toBe(passes);
});

test.each([
  [limits.identityFileBytesMax - 1, true],
  [limits.identityFileBytesMax, true],
  [limits.identityFileBytesMax + 1, false],
])('an identity file of %d bytes: %s', (bytes, passes) => {
  const text = `${exampleFile}#`;
  expect(faultsOf(text + 'x'.repeat(bytes - text.length)).length === 0).toBe(passes);
});

test('the schema has the numbers and names that the rest of Pemba has', () => {
  const { expression, id, map, typeName, relationName, methodName } = schema.$defs;
  expect(expression.maxLength).toBe(limits.mappingExpressionLengthMax);
  expect(id.maxLength).toBe(limits.mappingExpressionLengthMax);
  expect(typeName.pattern).toContain(`{1,${limits.typeLengthMax}}`);
  expect(relationName.pattern).toContain(`{1,${limits.nameLengthMax}}`);
  const { max } = map.properties.tuples.items.properties;
  expect(max.maximum).toBe(limits.mappedTuplesMax);
  expect(max.default).toBe(limits.mappedEntriesDefault);
  expect(schema.$defs.issuer.properties.algorithms.items.enum).toEqual(signatureAlgorithms);
  const methods = [OpenFGAService, QueryService, TupleService, AccessService]
    .flatMap((service) => service.methods)
    .map(({ name }) => name.replace(/(?!^)[A-Z]/g, '_$&').toLowerCase())
    // Whoever calls it has a secret and no token.
    .filter((name) => name !== 'bootstrap');
  expect(methodName.enum).toEqual([...new Set([...methods, 'check_any'])].sort());
  expect(schema.$defs.issuer.properties.roles.items.properties.role.enum).toEqual(roles);
});
