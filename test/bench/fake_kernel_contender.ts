// An engine without a GPU: its results are the references'. Its arguments: milliseconds of a run, and how it goes wrong
// ('wrong': every result; 'lazy': it has no op; 'dies': of every layer; 'tires': of its third run). A clock of its own
// says how long it runs: the machine's would say how busy that is.
import { drawOperands, sampledElements } from '../../bench/kernels/cases.ts';
import { reference } from '../../bench/kernels/reference.ts';
import { serveKernels } from '../../bench/kernels/serve_kernels.ts';
import { sizeOf } from '../../engine/tensor.ts';

const [milliseconds, how] = process.argv.slice(2);
let clock = 0;
performance.now = () => clock;

serveKernels(async () => ({
  adapter: { vendor: 'none', architecture: 'none', description: 'made-up adapter', software: false },
  maxStorageBinding: 2 ** 16,
  close() {},
  async prepare(c) {
    if (how === 'lazy') return 'it has no such op';
    if (how === 'dies' && c.layer.group !== 'adapter') {
      process.stderr.write('out of something');
      process.exit(3);
    }
    const operands = drawOperands(c);
    let runs = 0;
    return {
      kernels: [
        { name: 'naive', overrides: {} },
        { name: 'naive', overrides: {} },
      ],
      compute: () =>
        Promise.resolve(
          c.results.map((result) => {
            const values = new Float32Array(sizeOf(result.shape));
            for (const i of sampledElements(result))
              values[i] =
                reference(c, operands, result.name)(i).value + (how === 'wrong' && c.layer.group !== 'adapter' ? 1 : 0);
            return values;
          }),
        ),
      run(times) {
        if (how === 'tires' && ++runs > 2) process.exit(4);
        clock += Number(milliseconds) * times;
        return Promise.resolve(times);
      },
      gpuTime: () => Promise.resolve(Number(milliseconds)),
      release() {},
    };
  },
}));
