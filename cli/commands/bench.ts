import { InvalidArgumentError, Option, type Command } from 'commander';
import type { CatalogueOptions } from '../../bench/catalogue.ts';
import type { Job } from '../../bench/contender.ts';
import type { GrowthOptions } from '../../bench/growth.ts';
import type { Precision } from '../../engine/program/precision.ts';
import type { MemoryLevel } from '../../engine/program/recompute.ts';
import type { Group } from '../../bench/kernels/layer.ts';
import { UserError } from '../../engine/user_error.ts';
import { allOptions, wholeNumberWithin } from '../options.ts';
import { addFit } from './bench_fit.ts';
import { addGpu } from './bench_gpu.ts';

const B0 = 'efficientnet_b0';
const NETWORKS: readonly string[] = [B0, 'vgg16', 'galaxy_vgg'];

interface BenchOptions {
  readonly model: string;
  readonly vs?: 'tfjs' | 'ort';
  readonly batch: number;
  readonly size: number;
  readonly repeats: number;
  readonly memory?: MemoryLevel;
  readonly precision?: Precision;
  readonly cold?: boolean;
  readonly profile?: boolean;
}

/** `tuningfork bench models` and `tuningfork bench train`. */
export function register(program: Command): void {
  const bench = program
    .command('bench')
    .description('measure the speed of this engine, and of others on the same adapter');
  addMeasurement(bench, 'models', 'forward', 'measure the forward pass of a network');
  addMeasurement(
    bench,
    'train',
    'train',
    'measure a training step of a network: all weights, Adam, batch norm by batch statistics',
  );
  addKernels(bench);
  addGrowth(bench);
  addCatalogue(bench);
  addFit(bench);
  addGpu(bench);
  // What a measurement forks to run an engine in a process of its own.
  bench
    .command('contender', { hidden: true })
    .argument('<engine>')
    .action(async (engine: string) => {
      const { serve } = await import('../../bench/serve.ts');
      serve(
        engine === 'ort'
          ? (await import('../../bench/ort/contender.ts')).openOrtModel
          : (await import('../../bench/peers.ts')).openTuningfork,
      );
      await new Promise(() => {});
    });
  bench
    .command('kernel-contender', { hidden: true })
    .argument('<engine>')
    .action(async (engine: string) => {
      const { serveKernels } = await import('../../bench/kernels/serve_kernels.ts');
      const { openKernels } = await import('../../bench/peers.ts');
      serveKernels(await openKernels(engine));
      await new Promise(() => {});
    });
}

function addMeasurement(bench: Command, name: string, work: Job['work'], description: string): void {
  bench
    .command(name)
    .description(description)
    .addOption(
      new Option('--vs <engine>', 'also measure another engine, in turns, after comparing the outputs').choices(
        work === 'train' ? ['tfjs'] : ['tfjs', 'ort'],
      ),
    )
    .option(
      '--model <name>',
      `${NETWORKS.join(', ')}${work === 'forward' ? ', or an ONNX file, which ort computes too' : ''}; other engines compute only the first`,
      B0,
    )
    .option('--batch <n>', 'images per batch', wholeNumberWithin(1, 1024), 4)
    .option('--size <pixels>', 'side of the images', wholeNumberWithin(32, 2048), 224)
    .option('--repeats <n>', 'timed runs of each engine, after two that warm up', wholeNumberWithin(1, 1000), 5)
    .addOption(
      new Option(
        '--memory <level>',
        'full keeps all activations for the backward pass, low computes cheap ones again, lowest whole blocks',
      )
        .choices(['full', 'low', 'lowest'])
        .hideHelp(work !== 'train'),
    )
    .addOption(
      new Option('--precision <type>', 'how this engine stores activations').choices(['f32', 'f16']).default('f32'),
    )
    .option('--cold', "without the driver's cache of compiled shaders on disk")
    .option('--profile', 'also list the GPU time of each kernel of this engine')
    .addHelpText(
      'after',
      `
Each engine runs in its own process; both are open at once, and their runs take turns.

Examples:
  tuningfork bench ${name} --adapter lavapipe --vs tfjs
  tuningfork bench ${name} --batch 16 --repeats 20 --profile
  tuningfork bench ${name} --vs tfjs --json > ${name}.json`,
    )
    .action((_options: object, command: Command) => measureNetwork(work, command));
}

async function measureNetwork(work: Job['work'], command: Command): Promise<void> {
  const {
    model,
    vs,
    batch,
    size,
    repeats,
    memory,
    precision,
    cold = false,
    profile = false,
    adapter,
    json,
    tuning,
  } = allOptions<BenchOptions>(command);
  const [{ benchModels }, { showModelBench }, { peerProgram }, { readTuning }] = await Promise.all([
    import('../../bench/models.ts'),
    import('../../bench/show.ts'),
    import('../../bench/peers.ts'),
    import('../tuning_file.node.ts'),
  ]);
  const { isOnnxFile } = await import('../../models/onnx/onnx_file.node.ts');
  const isOnnx = !NETWORKS.includes(model) && isOnnxFile(model);
  if (!NETWORKS.includes(model) && !(isOnnx && work === 'forward'))
    throw new UserError(
      `--model ${model}: ${isOnnx ? 'an ONNX file is measured by `bench models`' : `there is no network ${model} to measure`}; give one of ${NETWORKS.join(', ')}`,
    );
  if (vs && model !== B0 && !(isOnnx && vs === 'ort'))
    throw new UserError(`${vs} computes ${B0} only; leave out --vs, or --model ${model}`);
  // What anybody gets is measured, unless a tuning is named here.
  const table = tuning === undefined ? undefined : String(readTuning(tuning, (note) => console.error(note)));
  const result = await benchModels({
    job: {
      work,
      ...(model !== B0 && { model }),
      batch,
      size,
      adapter,
      ...(work === 'train' && memory && { memory }),
      ...(precision === 'f16' && { precision }),
      ...(table !== undefined && { tuning: table }),
    },
    repeats,
    cold,
    profile,
    contenders: [
      ['tuningfork', [process.argv[1], 'bench', 'contender', 'tuningfork']],
      ...(vs ? [[vs, await peerProgram(vs, 'contender')] as const] : []),
    ],
    onProgress: (text) => console.error(text),
  });
  console.log(json ? JSON.stringify(result, null, 2) : showModelBench(result));
}

/** What `--layers` takes: as GROUPS of bench/kernels/layer.ts, which is not loaded for `--help`. */
const GROUPS: readonly Group[] = [
  'b0',
  'vgg16',
  'galaxy_vgg',
  'resnext50',
  'matmul',
  'norm',
  'pool',
  'pointwise',
  'optimizer',
];
const PEERS = ['tfjs', 'ort', 'jax', 'v1', 'v2', 'f32'] as const;

/** A parser for names with commas between them, each one of `choices`. */
const namesAmong =
  <T extends string>(choices: readonly T[]) =>
  (text: string): T[] => {
    const names = text.split(',').map((name) => name.trim());
    for (const name of names)
      if (!(choices as readonly string[]).includes(name))
        throw new InvalidArgumentError(`'${name}' is not among ${choices.join(', ')}.`);
    return names as T[];
  };

interface KernelOptions {
  readonly layers: readonly (Group | 'all')[];
  readonly only?: string;
  readonly vs?: readonly (typeof PEERS)[number][];
  readonly batch: number;
  readonly repeats: number;
  readonly precision?: Precision;
  readonly limit?: number;
  readonly out?: string;
}

function addKernels(bench: Command): void {
  bench
    .command('kernels')
    .description('check and time every distinct layer of EfficientNet-B0, VGG16 and galaxy_vgg, forward and backward')
    .option('--layers <names>', `${GROUPS.join(', ')} or all, separated by commas`, namesAmong([...GROUPS, 'all']), [
      'b0',
    ])
    .option('--only <text>', 'only the layers whose name contains this, such as depthwise or "expand filter_grad"')
    .option(
      '--vs <engines>',
      `also measure these, in turns, separated by commas: other engines (${PEERS.slice(0, 3).join(', ')}), this engine's naive kernels (v1), those without Winograd's (v2), or itself in f32`,
      namesAmong(PEERS),
    )
    .addOption(
      new Option('--precision <type>', 'the precision of this engine; f16 uses tensor cores where there are any')
        .choices(['f32', 'f16'])
        .default('f32'),
    )
    .option('--batch <n>', 'images per batch', wholeNumberWithin(1, 1024), 4)
    .option('--repeats <n>', 'timed runs of each layer, after three that warm up', wholeNumberWithin(1, 1000), 5)
    .option('--limit <seconds>', 'begin no further layer after this time', wholeNumberWithin(1, 86_400))
    .option('--out <folder>', 'also write kernels.json and a page of plots')
    .addHelpText(
      'after',
      `
Each result is compared with a float64 reference first. A wrong one is not timed, and the command exits with 1.

Examples:
  tuningfork bench kernels --layers b0 --vs tfjs --out bench-b0/
  tuningfork bench kernels --layers matmul,norm --adapter lavapipe
  tuningfork bench kernels --layers matmul,b0,vgg16 --precision f16 --vs f32
  tuningfork bench kernels --layers all --only depthwise --batch 16 --json > depthwise.json`,
    )
    .action((_options: object, command: Command) => measureKernels(command));
}

async function measureKernels(command: Command): Promise<void> {
  const {
    layers,
    only,
    vs = [],
    batch,
    repeats,
    precision,
    limit,
    out,
    adapter,
    json,
  } = allOptions<KernelOptions>(command);
  const [{ benchKernels }, { showKernelBench }, { failures }, { peerProgram }] = await Promise.all([
    import('../../bench/kernels/measure.ts'),
    import('../../bench/kernels/show.ts'),
    import('../../bench/kernels/figures.ts'),
    import('../../bench/peers.ts'),
  ]);
  const peers: [string, string[]][] = [];
  for (const name of vs) peers.push([name, await peerProgram(name, 'kernel-contender')]);
  const result = await benchKernels({
    groups: layers.includes('all') ? GROUPS : (layers as readonly Group[]),
    only,
    batch,
    repeats,
    limit,
    adapter,
    contenders: [
      [
        'tuningfork',
        [process.argv[1], 'bench', 'kernel-contender', precision === 'f16' ? 'tuningfork-f16' : 'tuningfork'],
      ],
      ...peers,
    ],
    onProgress: (text) => console.error(text),
  });
  if (out !== undefined)
    await import('../../bench/kernels/page.ts').then(({ writeKernelPage }) => writeKernelPage(out, result));
  console.log(json ? JSON.stringify(result, null, 2) : showKernelBench(result));
  if (failures(result).some(({ status }) => status === 'failed')) process.exitCode = 1;
}

/** A parser for ascending whole numbers within low..high with commas between them. */
const ascending =
  (low: number, high: number) =>
  (text: string): number[] => {
    const numbers = text.split(',').map(wholeNumberWithin(low, high));
    if (numbers.some((n, i) => i > 0 && n <= numbers[i - 1]))
      throw new InvalidArgumentError('The numbers must ascend.');
    return numbers;
  };

type GrowthFlags = Pick<GrowthOptions, 'work' | 'batches' | 'sizes' | 'batch' | 'size' | 'repeats' | 'limit'> & {
  readonly out?: string;
};

function addGrowth(bench: Command): void {
  bench
    .command('growth')
    .description('measure how the time and memory of EfficientNet-B0 grow with the batch and the image size')
    .addOption(new Option('--work <what>', 'what to measure').choices(['forward', 'train']).default('forward'))
    .option(
      '--batches <numbers>',
      'batch sizes in ascending order, separated by commas',
      ascending(1, 1024),
      [1, 2, 4, 8, 16, 32, 64, 128, 256],
    )
    .option(
      '--sizes <pixels>',
      'image sides in ascending order, separated by commas',
      ascending(32, 2048),
      [64, 96, 128, 192, 256, 384, 512],
    )
    .option('--batch <n>', 'images per batch while the size grows', wholeNumberWithin(1, 1024), 4)
    .option('--size <pixels>', 'image side while the batch grows', wholeNumberWithin(32, 2048), 224)
    .option('--repeats <n>', 'timed runs at each point, after one that warms up', wholeNumberWithin(1, 1000), 3)
    .option('--limit <seconds>', 'end a series when one run takes longer', wholeNumberWithin(1, 3600), 20)
    .option('--out <folder>', 'also write growth.json and a page of plots')
    .addHelpText(
      'after',
      `
Each point runs in its own process. A series also ends where the adapter runs out of memory.

Examples:
  tuningfork bench growth --out growth/
  tuningfork bench growth --work train --batches 1,4,16 --sizes 64,128,224`,
    )
    .action(async (_options: object, command: Command) => {
      const { out, json, ...options } = allOptions<GrowthFlags>(command);
      const { benchGrowth, showGrowth, writeGrowthPage } = await import('../../bench/growth.ts');
      const result = await benchGrowth({
        ...options,
        program: [process.argv[1], 'bench', 'contender', 'tuningfork'],
        onProgress: (text) => console.error(text),
      });
      if (out !== undefined) await writeGrowthPage(out, result);
      console.log(json ? JSON.stringify(result, null, 2) : showGrowth(result));
    });
}

function addCatalogue(bench: Command): void {
  bench
    .command('catalogue')
    .description(
      'measure the memory that a large catalogue takes: make one in a temporary folder, open and split it, and decode each image once; needs no GPU',
    )
    .option(
      '--galaxies <n>',
      'the number of galaxies, by default that of the Galaxy Challenge',
      wholeNumberWithin(1, 1e6),
      61_578,
    )
    .option(
      '--images <n>',
      'the number of different images; the other files are links to them',
      wholeNumberWithin(1, 1000),
      8,
    )
    .option('--side <pixels>', 'side of the images', wholeNumberWithin(32, 2048), 424)
    .option('--batch <n>', 'images per batch', wholeNumberWithin(1, 1024), 32)
    .addHelpText(
      'after',
      `
Examples:
  tuningfork bench catalogue
  tuningfork bench catalogue --galaxies 2000 --side 128 --json | jq .memory`,
    )
    .action(async (_options: object, command: Command) => {
      const { adapter: _adapter, tuning: _tuning, json, ...options } = allOptions<CatalogueOptions>(command);
      const [{ benchCatalogue, showCatalogue }, { terminalProgress }] = await Promise.all([
        import('../../bench/catalogue.ts'),
        import('../progress.node.ts'),
      ]);
      const result = await benchCatalogue(
        { ...options, images: Math.min(options.images, options.galaxies) },
        terminalProgress(),
      );
      console.log(json ? JSON.stringify(result, null, 2) : showCatalogue(result));
    });
}
