// `import conv2d from './conv2d_v1.wgsl'` gives a KernelSource: the text with its includes resolved, and the bindings,
// the uniform layout and the overrides read from it by wgsl_reflect. One transform for the build (esbuild) and the
// tests (vite), so that nothing about a kernel's interface is ever written twice, and wgsl_reflect never ships.
import { createHash } from 'node:crypto';
import { existsSync, readFileSync } from 'node:fs';
import { basename, dirname, join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import { WgslReflect } from 'wgsl_reflect/wgsl_reflect.module.js';

const ROOT = fileURLToPath(new URL('..', import.meta.url));

// What packParams of kernel.ts can write.
const SCALARS = ['u32', 'i32', 'f32'];

const INCLUDE = /^\/\/!include\s+(\S+)\s*$/gm;

/**
 * The text of a kernel file with every `//!include path` line replaced by that file, each at most once. `seen` collects
 * the files read. Throws an error that names both files where one is missing.
 */
export function resolveIncludes(path, seen = new Set()) {
  seen.add(path);
  return readFileSync(path, 'utf8').replace(INCLUDE, (_, name) => {
    const included = join(dirname(path), name);
    if (seen.has(included)) return '';
    if (!existsSync(included)) throw new Error(`${path} includes ${name}, and there is no file ${included}`);
    return resolveIncludes(included, seen);
  });
}

/** The alias of a binding's elements where it is called as the binding is: `x: array<X>`. */
function storageOf(name, code) {
  const alias = name[0].toUpperCase() + name.slice(1);
  const isOwn =
    new RegExp(`var<storage,\\s*\\w+>\\s*${name}\\s*:\\s*array<${alias}>`).test(code) &&
    new RegExp(`^alias ${alias}\\s*=`, 'm').test(code);
  return isOwn ? { storage: alias } : {};
}

/** The text for wgsl_reflect, which knows no subgroup matrices and need not: they are part of no interface. */
const withoutMatrices = (code) =>
  code.replace(/\bsubgroup_matrix_\w+<[^>]*>/g, 'f32').replace(/\b(subgroupMatrix\w+)<[^>]*>/g, '$1');

/** Reads a kernel's interface from its WGSL. `override` is reflected as such; see KernelSource in kernels/kernel.ts. */
export function reflectKernel(path) {
  const code = resolveIncludes(path);
  const name = basename(path, '.wgsl');
  let reflected;
  try {
    reflected = new WgslReflect(withoutMatrices(code));
  } catch (error) {
    throw new Error(`${path}: wgsl_reflect cannot read this kernel: ${error.message ?? error}`);
  }
  if (reflected.entry.compute.length !== 1)
    throw new Error(`${path}: a kernel file has exactly one @compute entry point`);
  for (const { name: binding, group, resourceType } of [...reflected.storage, ...reflected.uniforms]) {
    if (group !== 0) throw new Error(`${path}: ${binding} is in group ${group}; all bindings are in group 0`);
    if (resourceType === 0 && binding !== 'params')
      throw new Error(`${path}: the uniform ${binding} must be called params`);
  }
  const bindings = [...reflected.storage, ...reflected.uniforms]
    .map((v) => ({
      name: v.name,
      binding: v.binding,
      kind: v.resourceType === 0 ? 'uniform' : v.access === 'read' || v.access === '' ? 'read' : 'read_write',
      ...storageOf(v.name, code),
    }))
    .sort((a, b) => a.binding - b.binding);
  const uniform = reflected.uniforms.find((v) => v.name === 'params');
  const params = uniform
    ? uniform.type.members.map((m) => ({ name: m.name, offset: m.offset, type: m.type.name }))
    : [];
  for (const { name: member, type } of params) {
    if (!SCALARS.includes(type))
      throw new Error(`${path}: params.${member} is ${type}; members are ${SCALARS.join(', ')}`);
  }
  return {
    name,
    file: relative(ROOT, path).replaceAll('\\', '/'),
    code,
    hash: createHash('sha256').update(code).digest('hex').slice(0, 16),
    entryPoint: reflected.entry.compute[0].name,
    bindings,
    params,
    paramsSize: uniform ? Math.ceil(uniform.type.size / 16) * 16 : 0,
    overrides: reflected.overrides.map((o) => o.name),
  };
}

const toModule = (path) => `export default ${JSON.stringify(reflectKernel(path))};`;

/** For esbuild's `plugins`. */
export const wgslEsbuild = {
  name: 'wgsl',
  setup(build) {
    build.onLoad({ filter: /\.wgsl$/ }, ({ path }) => ({ contents: toModule(path), loader: 'js' }));
  },
};

/** For vite's `plugins`. */
export const wgslVite = {
  name: 'wgsl',
  enforce: 'pre',
  load(id) {
    return id.endsWith('.wgsl') ? toModule(id) : null;
  },
};
