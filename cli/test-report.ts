/** What `model test` prints: the failures with expected and got, then the counts. */
import { paint, print, printJson } from './output.ts';
import type { CheckResult, TestResult } from './store-test.ts';

export interface TestSummary {
  readonly tests: { readonly passed: number; readonly total: number };
  readonly checks: { readonly passed: number; readonly total: number };
  readonly skipped: { readonly list_objects: number; readonly list_users: number };
}

export function summarize(results: readonly TestResult[]): TestSummary {
  const checks = results.flatMap((result) => result.checks);
  const sum = (count: (result: TestResult) => number): number =>
    results.reduce((total, result) => total + count(result), 0);
  return {
    tests: { passed: results.filter((result) => result.passed).length, total: results.length },
    checks: { passed: checks.filter((check) => check.passed).length, total: checks.length },
    skipped: {
      list_objects: sum((result) => result.skipped.listObjects),
      list_users: sum((result) => result.skipped.listUsers),
    },
  };
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
  const passed = result.checks.filter((check) => check.passed).length;
  const where = showFile ? `${result.file}: ` : '';
  const counts = `Checks (${passed}/${result.checks.length} passing)`;
  print(`${paint('red', '(FAILING)')} ${where}${result.name}: ${counts}`);
  if (result.error !== undefined) {
    // The one reason stands for every check that could not be asked.
    print(`${paint('red', 'ⅹ')} ${result.error}`);
    return;
  }
  for (const check of result.checks.filter((one) => !one.passed)) print(describeFailure(check));
}

function describeFailure(check: CheckResult): string {
  const { user, relation, object, context, expected, got, error } = check;
  const values = context === undefined ? '' : `,context=${JSON.stringify(context)}`;
  const question = `Check(user=${user},relation=${relation},object=${object}${values})`;
  const answer = `expected=${expected}, got=${got ?? 'N/A'}`;
  return `${paint('red', 'ⅹ')} ${question}: ${answer}${error === undefined ? '' : `, error=${error}`}`;
}

function printSummary({ tests, checks, skipped }: TestSummary): void {
  print('# Test Summary #');
  print(`Tests ${tests.passed}/${tests.total} passing`);
  print(`Checks ${checks.passed}/${checks.total} passing`);
  for (const [kind, count] of Object.entries(skipped)) {
    if (count > 0) print(paint('yellow', `skipped: ${kind} (${count})`));
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
    skipped: {
      list_objects: result.skipped.listObjects,
      list_users: result.skipped.listUsers,
    },
  };
}
