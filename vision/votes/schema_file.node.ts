import { readFileSync } from 'node:fs';
import { UserError } from '../../engine/user_error.ts';
import { fileError } from '../../models/formats/file_error.node.ts';
import { readSchema, type Schema } from './schema.ts';

/** Reads a schema from a JSON file. @throws UserError where there is none */
export function readSchemaFile(path: string): Schema {
  try {
    return readSchema(JSON.parse(readFileSync(path, 'utf8')), path);
  } catch (error) {
    if (error instanceof SyntaxError) throw new UserError(`${path} is not JSON: ${error.message}`);
    throw error instanceof UserError ? error : fileError('read', path, error);
  }
}
