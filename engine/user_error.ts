/** An error that is the user's to mend: its message is a whole sentence, and a command line exits with code 2. */
export class UserError extends Error {
  override readonly name = 'UserError';
}
