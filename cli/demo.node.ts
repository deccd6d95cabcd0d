import { existsSync, readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { UserError } from '../engine/user_error.ts';
import { parseSynthetic } from '../galaxies/synthetic.ts';
import { buildModel } from '../models/build_network.ts';
import { readSafetensorsFile } from '../models/formats/safetensors.node.ts';
import { trainFlags } from './commands/train.ts';
import type { GlobalOptions } from './options.ts';
import { train } from './train.node.ts';

export interface DemoFlags extends GlobalOptions {
  readonly data?: string;
  readonly weights?: string;
  readonly out: string;
}

// Both are chosen to take one to three minutes on two CPU cores without a GPU.
const FROM_SCRATCH = '--limit 600 --size 96 --crop 160 --batch 16 --epochs 10'.split(' ');
const FINE_TUNING = '--limit 600 --batch 16 --views 3 --epochs 3 --unfreeze 5 --tta 2'.split(' ');

/** Runs `train` with settings that suit two CPU cores, and says which. */
export async function demo(flags: DemoFlags): Promise<void> {
  const data = galaxiesIn(flags.data ?? 'synthetic:600');
  const weights = flags.weights ?? (await findWeights(data));
  const args = [
    '--data',
    data,
    ...(weights === undefined ? FROM_SCRATCH : ['--weights', weights, ...FINE_TUNING]),
    '--out',
    flags.out,
  ];
  console.error(
    weights === undefined
      ? 'no weights of EfficientNet-B0 given or found: a small VGG is trained from scratch'
      : `fine-tuning EfficientNet-B0 from ${weights}`,
  );
  console.error(
    `the same as: tuningfork train ${args.map((arg) => (/^[\w.,:/=@%+-]+$/.test(arg) ? arg : `'${arg}'`)).join(' ')}`,
  );
  await train({ ...trainFlags(args), adapter: flags.adapter, json: flags.json });
}

/** A folder that holds its galaxies in a folder `galaxies` is meant with them. */
function galaxiesIn(data: string): string {
  return !parseSynthetic(data) && existsSync(join(data, 'galaxies')) ? join(data, 'galaxies') : data;
}

/**
 * The first file with weights of EfficientNet-B0 in, below or beside a folder of galaxies; undefined where there is
 * none.
 */
async function findWeights(data: string): Promise<string | undefined> {
  if (parseSynthetic(data)) return undefined;
  for (const folder of [data, join(data, 'weights'), join(data, '..', 'weights')]) {
    if (!existsSync(folder) || !statSync(folder).isDirectory()) continue;
    for (const name of readdirSync(folder)
      .filter((file) => file.endsWith('.safetensors'))
      .sort()) {
      const path = join(folder, name);
      if (await isEfficientNet(path)) return path;
    }
  }
  return undefined;
}

async function isEfficientNet(path: string): Promise<boolean> {
  try {
    buildModel('efficientnet_b0', 2, { tensors: (await readSafetensorsFile(path)).tensors, source: path });
    return true;
  } catch (error) {
    if (error instanceof UserError) return false;
    throw error;
  }
}
