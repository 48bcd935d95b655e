/**
 * A map from numbers to numbers that is made for few of them: most checks ask a handful of
 * questions, and two short arrays are made and searched faster than a `Map`, which it becomes when
 * there are more.
 */

/** So many are found by looking at each. */
const fewMax = 12;

/** Stands for arrays that were not made yet. */
const unused: number[] = [];

export class FewNumbers {
  private listed = unused;
  private values = unused;
  private many: Map<number, number> | undefined = undefined;

  get(key: number): number | undefined {
    if (this.many !== undefined) return this.many.get(key);
    const place = this.listed.indexOf(key);
    return place === -1 ? undefined : this.values[place];
  }

  has(key: number): boolean {
    return this.many === undefined ? this.listed.includes(key) : this.many.has(key);
  }

  set(key: number, value: number): void {
    if (this.many === undefined) {
      const place = this.listed.indexOf(key);
      if (place !== -1) {
        this.values[place] = value;
        return;
      }
      if (this.listed === unused) {
        this.listed = [key];
        this.values = [value];
        return;
      }
      if (this.listed.length < fewMax) {
        this.listed.push(key);
        this.values.push(value);
        return;
      }
      this.many = new Map(this.listed.map((each, i) => [each, this.values[i] as number]));
    }
    this.many.set(key, value);
  }

  delete(key: number): void {
    if (this.many !== undefined) {
      this.many.delete(key);
      return;
    }
    const place = this.listed.indexOf(key);
    if (place === -1) return;
    const last = this.listed.pop() as number;
    const value = this.values.pop() as number;
    if (place === this.listed.length) return;
    this.listed[place] = last;
    this.values[place] = value;
  }

  /** In no particular order. */
  keys(): Iterable<number> {
    return this.many === undefined ? this.listed : this.many.keys();
  }
}
