/** What `model test` prints: the failures with expected and got, then the counts. */
import { paint, print, printJson } from './output.ts';
import type { CheckResult, ListResult, TestResult } from './store-test.ts';

interface Count {
  readonly passed: number;
  readonly total: number;
}

export interface TestSummary {
  readonly tests: Count;
  readonly checks: Count;
  readonly list_objects: Count;
  readonly list_users: Count;
}

export function summarize(results: readonly TestResult[]): TestSummary {
  const lists = results.flatMap((result) => result.lists);
  return {
    tests: countOf(results),
    checks: countOf(results.flatMap((result) => result.checks)),
    list_objects: countOf(lists.filter(({ kind }) => kind === 'ListObjects')),
    list_users: countOf(lists.filter(({ kind }) => kind === 'ListUsers')),
  };
}

function countOf(results: readonly { readonly passed: boolean }[]): Count {
  return { passed: results.filter(({ passed }) => passed).length, total: results.length };
}

export function printTestReport(
  results: readonly TestResult[],
  options: { fileCount: number; suppressSummary: boolean },
): void {
  for (const result of results.filter(({ passed }) => !passed)) {
    printFailedTest(result, options.fileCount > 1);
    print('---');
  }
  if (!options.suppressSummary) printSummary(summarize(results));
}

export function printTestJson(results: readonly TestResult[]): void {
  printJson({ summary: summarize(results), results: results.map(jsonOf) });
}

function printFailedTest(result: TestResult, showFile: boolean): void {
  const where = showFile ? `${result.file}: ` : '';
  const counts = countsOf(summarize([result]))
    .map(([name, { passed, total }]) => `${name} (${passed}/${total} passing)`)
    .join(' | ');
  print(`${paint('red', '(FAILING)')} ${where}${result.name}: ${counts}`);
  if (result.error !== undefined) {
    // The one reason stands for everything that could not be asked.
    print(`${paint('red', 'ⅹ')} ${result.error}`);
    return;
  }
  for (const check of result.checks.filter((one) => !one.passed)) print(describeFailure(check));
  for (const list of result.lists.filter((one) => !one.passed)) print(describeListFailure(list));
}

/** The kinds of assertion that there are; checks in any case. */
function countsOf({ checks, list_objects, list_users }: TestSummary) {
  const counts: [string, Count][] = [['Checks', checks]];
  if (list_objects.total > 0) counts.push(['ListObjects', list_objects]);
  if (list_users.total > 0) counts.push(['ListUsers', list_users]);
  return counts;
}

function describeFailure(check: CheckResult): string {
  const { user, relation, object, context, expected, got, error } = check;
  const values = context === undefined ? '' : `,context=${JSON.stringify(context)}`;
  const question = `Check(user=${user},relation=${relation},object=${object}${values})`;
  const answer = `expected=${expected}, got=${got ?? 'N/A'}`;
  return `${paint('red', 'ⅹ')} ${question}: ${answer}${error === undefined ? '' : `, error=${error}`}`;
}

function describeListFailure({ kind, text, expected, got, error }: ListResult): string {
  const shown = (items: readonly string[]) => `[${items.toSorted().join(' ')}]`;
  const answer = `expected=${shown(expected)}, got=${got === undefined ? 'N/A' : shown(got)}`;
  return `${paint('red', 'ⅹ')} ${kind}(${text}): ${answer}${error === undefined ? '' : `, error=${error}`}`;
}

function printSummary(summary: TestSummary): void {
  print('# Test Summary #');
  print(`Tests ${summary.tests.passed}/${summary.tests.total} passing`);
  for (const [name, { passed, total }] of countsOf(summary)) {
    print(`${name} ${passed}/${total} passing`);
  }
}

function jsonOf(result: TestResult): object {
  return {
    file: result.file,
    name: result.name,
    description: result.description,
    passed: result.passed,
    error: result.error ?? null,
    check_results: result.checks.map(({ user, relation, object, context, ...check }) => ({
      request: { user, relation, object, ...(context === undefined ? {} : { context }) },
      expected: check.expected,
      got: check.got ?? null,
      error: check.error ?? null,
      test_result: check.passed,
    })),
    list_objects_results: result.lists.filter(({ kind }) => kind === 'ListObjects').map(listJson),
    list_users_results: result.lists.filter(({ kind }) => kind === 'ListUsers').map(listJson),
  };
}

function listJson({ request, expected, got, error, passed }: ListResult): object {
  return { request, expected, got: got ?? null, error: error ?? null, test_result: passed };
}
