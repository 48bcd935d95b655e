/**
 * The parts of a CEL timestamp (`getHours`, `getFullYear("Europe/Berlin")`, …), computed in UTC
 * arithmetic alone: the zone of the machine must never change an answer.
 */
import { type CelFunc, CelScalar, celMethod, objectType } from '@bufbuild/cel';

const timestamp = objectType('google.protobuf.Timestamp');
const { INT, STRING } = CelScalar;

const dayMs = 86_400_000;

const parts: Readonly<Record<string, (date: Date) => number>> = {
  getFullYear: (date) => date.getUTCFullYear(),
  getMonth: (date) => date.getUTCMonth(),
  getDate: (date) => date.getUTCDate(),
  getDayOfMonth: (date) => date.getUTCDate() - 1,
  getDayOfWeek: (date) => date.getUTCDay(),
  getDayOfYear: (date) => Math.floor((date.getTime() - yearStart(date)) / dayMs),
  getHours: (date) => date.getUTCHours(),
  getMinutes: (date) => date.getUTCMinutes(),
  getSeconds: (date) => date.getUTCSeconds(),
  getMilliseconds: (date) => date.getUTCMilliseconds(),
};

export const dateFunctions: readonly CelFunc[] = Object.entries(parts).flatMap(([name, part]) => [
  celMethod(name, timestamp, [], INT, function () {
    return BigInt(part(new Date(millisecondsOf(this.message))));
  }),
  celMethod(name, timestamp, [STRING], INT, function (zone) {
    return BigInt(part(inZone(millisecondsOf(this.message), zone)));
  }),
]);

function millisecondsOf(message: object): number {
  const { seconds, nanos } = message as { seconds: bigint; nanos: number };
  return Number(seconds) * 1000 + Math.floor(nanos / 1_000_000);
}

function yearStart(date: Date): number {
  return utc([date.getUTCFullYear(), 0, 1, 0, 0, 0]);
}

/** `Date.UTC` takes the years 0 to 99 for the twentieth century. */
function utc(fields: readonly [number, number, number, number, number, number]): number {
  const date = new Date(Date.UTC(2000, ...(fields.slice(1) as [number])));
  date.setUTCFullYear(fields[0], fields[1], fields[2]);
  return date.getTime();
}

/** A date whose UTC fields are those of the moment in the zone: `UTC`, `+01:30` or an IANA name. */
function inZone(milliseconds: number, zone: string): Date {
  const fixed = /^([+-]?)(\d\d):(\d\d)$/.exec(zone);
  if (fixed !== null) {
    const minutes = Number(fixed[2]) * 60 + Number(fixed[3]);
    return new Date(milliseconds + (fixed[1] === '-' ? -minutes : minutes) * 60_000);
  }
  const format = new Intl.DateTimeFormat('en-US', {
    calendar: 'iso8601',
    numberingSystem: 'latn',
    hourCycle: 'h23',
    timeZone: zone,
    year: 'numeric',
    month: 'numeric',
    day: 'numeric',
    hour: 'numeric',
    minute: 'numeric',
    second: 'numeric',
  });
  const field = new Map(format.formatToParts(milliseconds).map((p) => [p.type, Number(p.value)]));
  const of = (name: Intl.DateTimeFormatPartTypes) => field.get(name) ?? 0;
  const whole = utc([
    of('year'),
    of('month') - 1,
    of('day'),
    of('hour'),
    of('minute'),
    of('second'),
  ]);
  return new Date(whole + (((milliseconds % 1000) + 1000) % 1000));
}
