import type { AdapterFacts } from '../../engine/device/adapters.node.ts';
import type { Findings } from './examine.node.ts';

const bytes = (n: number): string =>
  n >= 2 ** 30
    ? `${(n / 2 ** 30).toFixed(1)} GiB`
    : n >= 2 ** 20
      ? `${Math.round(n / 2 ** 20)} MiB`
      : `${Math.round(n / 1024)} KiB`;
const yesNo = (value: boolean): string => (value ? 'yes' : 'no');

function showAdapter({ name, driver, type, f16, subgroups, subgroupMatrix, timestamps, limits }: AdapterFacts): string {
  return [
    `  ${name} (${type})`,
    `      driver        ${driver}`,
    `      features      f16 ${yesNo(f16)}, subgroups ${yesNo(subgroups)}, timestamps ${yesNo(timestamps)}`,
    `      tensor cores  ${subgroupMatrix ? `matrices of ${subgroupMatrix.M} x ${subgroupMatrix.N} x ${subgroupMatrix.K}, f16 into f32, by subgroups of ${subgroupMatrix.subgroupSize}` : 'none; TUNINGFORK_TENSOR_CORES=1 asks Dawn for its experimental ones'}`,
    `      buffers       up to ${bytes(limits.maxBufferSize)}, ${bytes(limits.maxStorageBufferBindingSize)} bound at once, ${limits.maxStorageBuffersPerShaderStage} to a kernel`,
    `      workgroups    up to ${limits.maxComputeInvocationsPerWorkgroup} threads, ${bytes(limits.maxComputeWorkgroupStorageSize)} of memory`,
  ].join('\n');
}

function showSmokeTest({ smokeTest }: Findings): string {
  if (!smokeTest) return 'not run';
  const error = smokeTest.error.toExponential(1);
  return smokeTest.ok
    ? `passed in ${Math.round(smokeTest.milliseconds)} ms: a small graph and its gradient agree with the CPU (relative difference ${error})`
    : `FAILED: a small graph and its gradient differ from the CPU by ${error}; update the driver, or choose another --adapter`;
}

/** The findings as a person reads them. */
export function showFindings(findings: Findings): string {
  const { system, node, binding, adapters, softwareDrivers, used, whyNone, memory, missing } = findings;
  return [
    `System          ${system}, Node ${node}`,
    `Dawn binding    ${'error' in binding ? `does not load: ${binding.error}` : `webgpu ${binding.version}`}`,
    `Memory          ${bytes(memory.total)}, ${bytes(memory.free)} free`,
    `lavapipe        ${softwareDrivers.lavapipe ?? 'not installed'}`,
    `SwiftShader     ${softwareDrivers.swiftshader ?? 'not installed'}`,
    `Adapters        ${adapters.length === 0 ? 'none' : adapters.length}`,
    ...adapters.map(showAdapter),
    `Would be used   ${used ?? (adapters.length === 0 ? 'nothing' : `nothing: ${whyNone}`)}`,
    `Smoke test      ${showSmokeTest(findings)}`,
    ...missing.map(({ what, why, mend }) => `Missing         ${what} (${why})\n                ${mend}`),
  ].join('\n');
}
