import { createRequire } from 'node:module';
import { freemem, totalmem } from 'node:os';
import { softwareDriver, type SoftwareAdapter } from '../../engine/device/gpu.node.ts';
import { UserError } from '../../engine/user_error.ts';
import { openSession } from '../session.node.ts';
import { readAptSources } from '../setup/apt_sources.mjs';
import { lavapipeRemedy, readDistribution, swiftshaderRemedy } from '../setup/distribution.mjs';
import { listAdapters, type AdapterFacts } from '../../engine/device/adapters.node.ts';
import { bindingRemedy, missingDriverFile, readNode, remedyOn, type Missing } from './clusters.node.ts';
import { smokeTest, type SmokeTest } from './smoke_test.ts';

export interface Findings {
  readonly system: string;
  readonly node: string;
  /** The version of the Dawn binding, or why it does not load. */
  readonly binding: { readonly version: string } | { readonly error: string };
  readonly adapters: readonly AdapterFacts[];
  /** The driver files of the software adapters, null where not installed. */
  readonly softwareDrivers: Readonly<Record<SoftwareAdapter, string | null>>;
  /** What a command with these options computes on; null with the reason where there is nothing. */
  readonly used: string | null;
  readonly whyNone: string | null;
  readonly smokeTest: SmokeTest | null;
  /** Bytes of main memory, which a software adapter computes in. */
  readonly memory: { readonly total: number; readonly free: number };
  readonly missing: readonly Missing[];
}

/** Looks at everything `doctor` tells of. `adapter` is what the user asked for, as for every other command. */
export async function examine(adapter: string | undefined): Promise<Findings> {
  const binding = loadBinding();
  const softwareDrivers = {
    lavapipe: softwareDriver('lavapipe') ?? null,
    swiftshader: softwareDriver('swiftshader') ?? null,
  };
  // Before the list: asking for adapters by name makes drivers visible that the system's own choice does not see.
  const tried = await tryOut(adapter);
  const adapters = 'error' in binding ? [] : await listAdapters();
  return {
    system: readDistribution().name,
    node: process.versions.node,
    binding,
    adapters,
    softwareDrivers,
    ...tried,
    memory: { total: totalmem(), free: freemem() },
    missing: whatIsMissing(adapters, softwareDrivers, 'error' in binding ? binding.error : undefined),
  };
}

/** The binding's version, read from its manifest; loading it is what may fail. */
function loadBinding(): Findings['binding'] {
  const require = createRequire(import.meta.url);
  try {
    require('webgpu');
    return { version: (require('webgpu/package.json') as { version: string }).version };
  } catch (error) {
    return { error: (error as Error).message };
  }
}

async function tryOut(adapter: string | undefined): Promise<Pick<Findings, 'used' | 'whyNone' | 'smokeTest'>> {
  try {
    using device = await openSession({ adapter });
    return { used: device.adapter.description, whyNone: null, smokeTest: await smokeTest(device) };
  } catch (error) {
    if (!(error instanceof UserError)) throw error;
    return { used: null, whyNone: error.message, smokeTest: null };
  }
}

function whatIsMissing(
  adapters: readonly AdapterFacts[],
  drivers: Findings['softwareDrivers'],
  bindingError: string | undefined,
): Missing[] {
  const distribution = readDistribution();
  const mirror = readAptSources().find((entry) => entry.suites.includes(distribution.codename))?.uris[0];
  const missing: Missing[] = [];
  const node = readNode();
  if (bindingError !== undefined)
    missing.push({
      what: 'the Dawn binding (npm package webgpu)',
      why: 'nothing runs without it',
      mend: bindingRemedy(bindingError),
    });
  else if (adapters.length === 0) {
    const hidden = ['VK_DRIVER_FILES', 'VK_ICD_FILENAMES'].find((name) => process.env[name]);
    missing.push({
      what: 'a WebGPU adapter',
      why: 'nothing runs without it',
      mend:
        hidden && drivers.lavapipe
          ? `unset ${hidden}, which hides the drivers that are installed`
          : remedyOn(node, lavapipeRemedy(distribution), mirror),
    });
  } else if (!drivers.lavapipe && !adapters.some((each) => each.type === 'hardware')) {
    missing.push({
      what: 'lavapipe',
      why: 'the fastest software adapter',
      mend: remedyOn(node, lavapipeRemedy(distribution), mirror),
    });
  }
  const driver =
    bindingError === undefined
      ? missingDriverFile(
          node,
          adapters.map(({ name }) => name),
        )
      : undefined;
  if (driver) missing.push(driver);
  if (!drivers.swiftshader)
    missing.push({
      what: 'SwiftShader',
      why: 'only the tests need it, as a second opinion',
      mend: remedyOn(node, swiftshaderRemedy(distribution), mirror),
    });
  return missing;
}
