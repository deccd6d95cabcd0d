// Reads the interface of a kernel from its WGSL: bindings, the uniform's layout, overrides. Builds and tests do it for
// the kernels of this repository (wgsl_plugin.mjs), and `defineKernel` for those of users, when their program runs.
import { WgslReflect } from 'wgsl_reflect/wgsl_reflect.module.js';

// What packParams of kernel.ts can write.
const SCALARS = ['u32', 'i32', 'f32'];

/** A member of the uniform: a number, or an array of vec4. */
function memberOf({ name, offset, type }) {
  const isTable = type.name === 'array' && type.format?.name === 'vec4';
  return isTable
    ? { name, offset, type: type.format.format.name, count: 4 * type.count }
    : { name, offset, type: type.name };
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

/**
 * A KernelSource of this text but for its name, file and hash; see kernels/kernel.ts.
 * @param path begins the errors, which say what a kernel may not be
 */
export function reflectWgsl(code, path) {
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
  const params = uniform ? uniform.type.members.map(memberOf) : [];
  for (const { name: member, type } of params) {
    if (!SCALARS.includes(type))
      throw new Error(`${path}: params.${member} is ${type}; members are ${SCALARS.join(', ')}`);
  }
  return {
    code,
    entryPoint: reflected.entry.compute[0].name,
    bindings,
    params,
    paramsSize: uniform ? Math.ceil(uniform.type.size / 16) * 16 : 0,
    overrides: reflected.overrides.map((o) => o.name),
  };
}
