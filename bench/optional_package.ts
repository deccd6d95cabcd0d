import { UserError } from '../engine/user_error.ts';

/**
 * A package that is no dependency because it is large or used for a comparison only.
 * @param version the one that figures were taken with; a later one may do as well
 * @throws UserError where it does not load, with the command that installs it
 */
export async function importOptional(name: string, version: string): Promise<unknown> {
  return import(name).catch((error: Error) => {
    throw new UserError(
      `${name} does not load (${error.message.split('\n')[0]}); it is no dependency: \`npm install --no-save --ignore-scripts ${name}@${version}\` puts it here until the next \`npm ci\``,
    );
  });
}
