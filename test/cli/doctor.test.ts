import { describe, expect, it } from 'vitest';
import { ADAPTERS } from '../gpu.ts';
import { tuningfork } from './cli.ts';

describe.each(ADAPTERS)('doctor on %s', (adapter) => {
  const name = adapter === 'lavapipe' ? /llvmpipe/ : /SwiftShader/;

  it('finds the adapter, computes on it and says so as JSON', async () => {
    const { code, stdout } = await tuningfork(['doctor', '--adapter', adapter, '--json']);
    expect(code).toBe(0);
    const found = JSON.parse(stdout);
    expect(found.used).toMatch(name);
    expect(found.node).toBe(process.versions.node);
    expect(found.binding.version).toMatch(/^\d+\.\d+\.\d+$/);
    expect(found.smokeTest).toMatchObject({ ok: true });
    expect(found.smokeTest.error).toBeLessThan(1e-4);
    expect(found.memory.total).toBeGreaterThan(2 ** 28);
    const facts = found.adapters.find((each: { name: string }) => name.test(each.name));
    expect(facts).toMatchObject({
      type: 'software',
      subgroups: true,
      subgroupMatrix: null,
      f16: adapter === 'lavapipe',
    });
    // The least that WebGPU guarantees.
    expect(facts.limits.maxStorageBufferBindingSize).toBeGreaterThanOrEqual(2 ** 27);
    expect(facts.limits.maxComputeInvocationsPerWorkgroup).toBeGreaterThanOrEqual(256);
    expect(found.softwareDrivers[adapter]).toMatch(/\.json$/);
  });

  it('says it in words', async () => {
    const { code, stdout, stderr } = await tuningfork(['--adapter', adapter, 'doctor']);
    expect(code).toBe(0);
    expect(stderr).toBe('');
    expect(stdout).toMatch(/Smoke test +passed in \d+ ms/);
    expect(stdout).toMatch(/tensor cores +none/);
    expect(stdout.split('\n').find((line) => line.startsWith('Would be used'))).toMatch(name);
  });
});

describe('doctor without an adapter', () => {
  // The loader finds no driver at all.
  const blind = { VK_DRIVER_FILES: '/nonexistent.json', VK_ICD_FILENAMES: undefined };

  it('ends with 2 and says what is missing and what mends it', async () => {
    const { code, stdout } = await tuningfork(['doctor', '--json'], blind);
    expect(code).toBe(2);
    const found = JSON.parse(stdout);
    expect(found).toMatchObject({ adapters: [], used: null, smokeTest: null });
    expect(found.missing[0].what).toBe('a WebGPU adapter');
    expect(found.missing[0].mend).toMatch(/VK_DRIVER_FILES/);
  });

  it('ends with 2 for a name that no adapter has, and lists those there are', async () => {
    const { code, stdout } = await tuningfork(['doctor', '--adapter', 'Voodoo 2']);
    expect(code).toBe(2);
    expect(stdout).toMatch(/no adapter is called Voodoo 2; this machine has .*llvmpipe/);
    expect(stdout).toMatch(/Smoke test +not run/);
  });
});
