import { readFileSync } from 'node:fs';
import type { GenericSchema, InferInput } from 'valibot';
import { fileError } from '../models/formats/file_error.node.ts';
import { checkedJson } from './checked_json.ts';

/** A text file. @throws UserError where it is not there, is a folder, or may not be read */
export function readText(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch (error) {
    throw fileError('read', path, error);
  }
}

/** The object of a JSON file. @throws UserError where it cannot be read, and as `checkedJson` does */
export const readJsonFile = <S extends GenericSchema>(path: string, schema: S, remedy: string): InferInput<S> =>
  checkedJson(readText(path), schema, path, remedy);
