import { UserError } from './user_error.ts';
import { hashText } from './random.ts';
import type { KernelSource } from '../kernels/kernel.ts';
import { reflectWgsl } from '../kernels/reflect.mjs';

/**
 * A kernel of one's own, for the `lower` of an op (`defineOp`). Its bindings, the layout of its uniform `params` and
 * its overrides are read from the text, which must have:
 *
 * - one `@compute` entry point;
 * - all bindings in group 0: storage buffers, and at most one uniform, `params`, whose members are u32, i32 or f32.
 *
 * A binding `x: array<X>` whose element type is an alias of its own, `alias X = f32;`, may be stored as f16 in programs
 * of that precision.
 * @param options `name` is for listings and profiles (the entry point's when absent), `file` says in messages where the
 *   text lies
 * @throws UserError where it is no WGSL, or breaks one of these rules
 */
export function defineKernel(code: string, options: { name?: string; file?: string } = {}): KernelSource {
  const { name, file } = options;
  const path = file ?? name ?? 'a kernel';
  try {
    const reflected = reflectWgsl(code, path);
    return { name: name ?? reflected.entryPoint, file: path, hash: hashText(code).toString(16), ...reflected };
  } catch (error) {
    throw new UserError(error instanceof Error ? error.message : String(error));
  }
}
