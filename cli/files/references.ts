/** Files that other files name: by default they must lie below the folder of the file that names them. */
import { realpathSync } from 'node:fs';
import { dirname, isAbsolute, relative, resolve, sep } from 'node:path';
import { Failure } from '../exit-codes.ts';

/** How far references may reach: below this folder, or anywhere where it is undefined. */
export type Within = string | undefined;

export function folderOf(file: string): string {
  return dirname(resolve(file));
}

/**
 * The path of a file that `from` names, once every symbolic link is followed: a check of the text
 * alone could be led out of the folder by a link.
 */
export function resolveReference(from: string, reference: string, within: Within): string {
  const path = resolve(folderOf(from), reference);
  let real: string;
  try {
    real = realpathSync(path);
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    const reason = code === 'ENOENT' ? 'there is no such file' : code;
    throw new Failure('input', `${from}: cannot read \`${reference}\`: ${reason}`, {
      cause: error,
    });
  }
  if (within !== undefined && !liesBelow(realpathSync(within), real)) {
    throw new Failure('input', `${from}: \`${reference}\` lies outside the folder of the file`, {
      hint: '--allow-external-files permits it, for files that you trust',
    });
  }
  return real;
}

function liesBelow(folder: string, file: string): boolean {
  const path = relative(folder, file);
  return path !== '' && path !== '..' && !path.startsWith(`..${sep}`) && !isAbsolute(path);
}
