import { closeSync, fstatSync, openSync, readSync, realpathSync } from 'node:fs';
import { dirname, isAbsolute, join, relative, sep } from 'node:path';
import { UserError } from '../../engine/user_error.ts';
import type { ExternalData } from './tensor_data.ts';

/**
 * Reads what an ONNX file keeps in other files of its folder, and never outside of it: links are followed first.
 * @param path of the ONNX file
 */
export function externalDataBeside(path: string): ExternalData {
  return (location, offset, length) => {
    const folder = realpathSync(dirname(path));
    const refuse = (why: string): never => {
      throw new UserError(`${path}: ${location}, which holds data of it, ${why}`);
    };
    if (isAbsolute(location)) refuse('is no path within its folder');
    let file: string;
    try {
      file = realpathSync(join(folder, location));
    } catch {
      return refuse('is not there; put it beside it');
    }
    const inside = relative(folder, file);
    if (inside === '..' || inside.startsWith(`..${sep}`) || isAbsolute(inside)) refuse('lies outside of its folder');
    const handle = openSync(file, 'r');
    try {
      const stat = fstatSync(handle);
      const wanted = length ?? stat.size - offset;
      if (!stat.isFile() || wanted < 0 || offset + wanted > stat.size)
        refuse(`has ${stat.size} bytes, and ${wanted} from byte ${offset} are wanted; it was cut off`);
      const bytes = new Uint8Array(wanted);
      for (let at = 0; at < wanted; ) {
        const read = readSync(handle, bytes, at, wanted - at, offset + at);
        if (read === 0) refuse('became shorter while it was read');
        at += read;
      }
      return bytes;
    } finally {
      closeSync(handle);
    }
  };
}
