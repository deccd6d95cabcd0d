import { expect } from 'vitest';
import { UserError } from '../../engine/user_error.ts';

/** The sentence by which reading is refused; a test fails where it is not, or by another error. */
export async function refusalOf(reading: Promise<unknown>): Promise<string> {
  const error = await reading.then(
    () => new Error('was accepted'),
    (reason: Error) => reason,
  );
  expect(error, error.stack).toBeInstanceOf(UserError);
  return error.message;
}
