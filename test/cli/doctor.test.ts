import { describe, expect, it } from 'vitest';
import { bindingRemedy, missingDriverFile, readNode, remedyOn } from '../../cli/doctor/clusters.node.ts';
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

describe('on a cluster', () => {
  it('a system library that is too old is named', () => {
    const said = (library: string, symbol: string) =>
      `${library}: version \`${symbol}' not found (required by node_modules/webgpu/dist/linux-x64/dawn.node)`;
    expect(bindingRemedy(said('/lib64/libc.so.6', 'GLIBC_2.34'))).toMatch(
      /^this system lacks GLIBC_2\.34: .*container/,
    );
    expect(bindingRemedy(said('/lib64/libstdc++.so.6', 'GLIBCXX_3.4.30'))).toMatch(
      /^this system lacks GLIBCXX_3\.4\.30:/,
    );
    expect(bindingRemedy("Cannot find module 'webgpu'")).toBe('run: npm ci');
  });

  const node = { nvidia: true, container: undefined, driverFile: undefined, root: true } as const;

  it("NVIDIA's driver file is missed where there is a GPU that Vulkan does not find", () => {
    expect(missingDriverFile(node, ['llvmpipe (LLVM 15)'])).toEqual({
      what: "NVIDIA's Vulkan driver",
      why: 'there is a GPU, and no driver file tells Vulkan of it',
      mend: 'give it nvidia_icd.json and VK_DRIVER_FILES (docs/clusters.md)',
    });
    expect(missingDriverFile({ ...node, container: 'apptainer' }, [])?.mend).toMatch(
      /^start apptainer with --nv, then give/,
    );
    expect(missingDriverFile({ ...node, container: 'docker' }, [])?.mend).toMatch(
      /^start .* --gpus all .*CAPABILITIES=all/,
    );
    expect(missingDriverFile({ ...node, driverFile: '/x/nvidia_icd.json' }, [])).toMatchObject({
      why: '/x/nvidia_icd.json is there, but its library does not load',
      mend: expect.stringMatching(/libGLX_nvidia\.so\.0/),
    });
    expect(missingDriverFile(node, ['NVIDIA A100-SXM4-40GB'])).toBeUndefined();
    expect(missingDriverFile({ ...node, nvidia: false }, [])).toBeUndefined();
  });

  it('what the process runs in is told by its environment', () => {
    expect(readNode({ APPTAINER_CONTAINER: '/x.sif' }).container).toBe('apptainer');
    expect(readNode({ SINGULARITY_CONTAINER: '/x.sif' }).container).toBe('apptainer');
    expect(readNode({ VK_DRIVER_FILES: '/nonexistent/nvidia_icd.json' }).driverFile).not.toBe(
      '/nonexistent/nvidia_icd.json',
    );
  });

  it('who may not install packages is told what else there is', () => {
    const remedy = { packages: ['libvulkan1'] };
    expect(remedyOn({ root: false }, remedy)).toMatch(/apt-get install -y libvulkan1\n +without root: a container/);
    expect(remedyOn({ root: true }, remedy)).not.toMatch(/without root/);
  });
});
