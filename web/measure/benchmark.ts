import { adapterLayers, nameOf } from '../../bench/kernels/cases.ts';
import { measureCase, measureRoofline, type KernelEngine } from '../../bench/kernels/measure_case.ts';
import type { CaseResult, KernelFigures, Roofline } from '../../bench/kernels/result.ts';
import { UserError } from '../../engine/user_error.ts';
import { chosenCases, type Settings } from './choice.ts';

/** What is known before the first case. */
export type Opened = Pick<KernelFigures, 'adapter' | 'cores' | 'engines' | 'roofline'> & {
  /** Cases in all. */
  readonly cases: number;
};

/** Where to go on after a stop: how many cases are done, and what the adapter reached. */
export interface Resume {
  readonly done: number;
  readonly roofline?: Roofline;
}

/** What is told while it goes on. */
export interface Listener {
  progress(text: string, done: number, of: number): void;
  /** Something that the person must know and that does not end the measurement. */
  note(text: string): void;
  opened(opened: Opened): void;
  measured(result: CaseResult): void;
}

/**
 * A hundred million bytes at most in a page, which shares its memory with others; a second's work where the CPU
 * computes.
 */
const sizes = (software: boolean) => ({ copy: 2 ** 24, fma: software ? 2 ** 18 : 2 ** 22 });

/**
 * Measures what was chosen. The first engine is this one; others that do not open are left out.
 * @param cores of the CPU
 * @throws UserError where nothing was chosen, this engine does not open, or another opens another adapter
 */
export async function measureChoice(
  settings: Settings,
  [own, ...others]: readonly [KernelEngine, ...KernelEngine[]],
  cores: number,
  { done, roofline: known }: Resume,
  listener: Listener,
): Promise<void> {
  const cases = chosenCases(settings);
  listener.progress('opening the GPU', done, cases.length);
  const { adapter, maxStorageBinding } = await own.open();
  const engines = [own];
  for (const engine of others) {
    listener.progress(`opening ${engine.name}`, done, cases.length);
    try {
      const there = (await engine.open()).adapter.description;
      if (there !== adapter.description) throw new UserError(`it runs on ${there} and not on ${adapter.description}`);
      engines.push(engine);
    } catch (error) {
      if (!(error instanceof UserError)) throw error;
      engine.drop();
      listener.note(`${engine.name} is left out: ${error.message}`);
    }
  }
  const roofline =
    known ??
    (await measureRoofline(adapterLayers(maxStorageBinding, sizes(adapter.software)), own, {
      repeats: settings.repeats,
      clock: 'gpu',
      cores,
      onProgress: (text) => listener.progress(text, done, cases.length),
    }));
  listener.opened({ adapter, cores, engines: engines.map(({ name }) => name), roofline, cases: cases.length });
  for (const [i, c] of cases.entries()) {
    if (i < done) continue;
    listener.progress(nameOf(c), i, cases.length);
    listener.measured(await measureCase(c, engines, settings.repeats));
  }
  listener.progress('', cases.length, cases.length);
}
