/** Typed arrays over shared memory, zeroed: the one place that decides what the base is made of. */

type Maker<Made> = new (buffer: SharedArrayBuffer) => Made;

export function sharedArray<Made>(
  type: Maker<Made> & { readonly BYTES_PER_ELEMENT: number },
  length: number,
): Made {
  return new type(new SharedArrayBuffer(length * type.BYTES_PER_ELEMENT));
}
