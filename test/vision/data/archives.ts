import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect } from 'vitest';
import { UserError } from '../../../engine/user_error.ts';

export * from './archive_files.ts';

/** A folder for the files of one test file, gone when it ends; gives a path in it, with the bytes written there. */
export function scratch(): (name: string, bytes?: Uint8Array) => string {
  const folder = mkdtempSync(join(tmpdir(), 'tuningfork-data-'));
  afterAll(() => rmSync(folder, { recursive: true }));
  return (name, bytes) => {
    const path = join(folder, name);
    if (bytes) writeFileSync(path, bytes);
    return path;
  };
}

/** Waits for a UserError, and gives its sentence: one line, and not the trace of a stack. */
export async function sentence(run: () => unknown): Promise<string> {
  const error = await (async () => run())().then(
    () => null,
    (thrown: unknown) => thrown,
  );
  expect(error).toBeInstanceOf(UserError);
  const { message } = error as UserError;
  expect(message).not.toMatch(/\n|undefined|NaN|\[object/);
  return message;
}
