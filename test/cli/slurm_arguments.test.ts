import { Command, type Option } from 'commander';
import { expect, it } from 'vitest';
import { argumentsOf, register } from '../../cli/commands/slurm.ts';

/** A text for each option whose values are not in a list; those of numbers are spelt as no number prints itself. */
const TEXTS: Readonly<Record<string, string>> = {
  '--adapter': 'lavapipe',
  '--tuning': 'none',
  '--data': 'my images/',
  '--table': 'labels.csv',
  '--image-column': 'file',
  '--images': 'images/',
  '--label-column': 'class',
  '--target-columns': 'redshift, size',
  '--schema': 'examples/galaxy_zoo_2.json',
  '--split-column': 'part',
  '--stretch': 'asinh:low=0.50',
  '--out': 'runs/x',
  '--model': 'vgg_small',
  '--weights': 'b0.safetensors',
  '--width': '0.50',
  '--mean': '0.50,0.4,0.3',
  '--std': '0.20,0.2,0.2',
  '--scale': '1/255',
  '--train-only': '1-99,500-600',
  '--unfreeze': 'block3.0',
  '--size': '032',
  '--limit': '1_000',
};
const DEFAULT: Readonly<Record<string, string>> = { crossval: 'runs/crossval', sweep: 'runs/sweep' };
const NUMBERS = ['1', '2', '0.50', '32'];

function textOf(option: Option): string {
  if (option.argChoices) return option.argChoices[0];
  const parses = (text: string) => {
    try {
      option.parseArg!(text, undefined);
      return true;
    } catch {
      return false;
    }
  };
  const known = TEXTS[option.long!];
  const text = known !== undefined && (!option.parseArg || parses(known)) ? known : NUMBERS.find((n) => parses(n));
  if (text === undefined || (known === undefined && !option.parseArg)) throw new Error(`no text for ${option.long}`);
  return text;
}

/** The words that one of slurm's commands hands on when it is given these. */
function handedOn(name: string, args: readonly string[]): { words: string[]; options: object } {
  const program = new Command('tuningfork').option('--adapter <name>').option('--json').option('--tuning <file>');
  register(program.exitOverride());
  const slurm = program.commands.find((command) => command.name() === 'slurm')!;
  const command = slurm.commands.find((each) => each.name() === name)!;
  let words: string[] = [];
  command.action(() => {
    words = argumentsOf(command, 'shards');
  });
  const rest = name === 'crossval' ? [] : ['what'];
  program.parse(['slurm', name, ...rest, ...args], { from: 'user' });
  return { words, options: command.optsWithGlobals() };
}

function optionsOf(name: string): readonly Option[] {
  const program = new Command('tuningfork').option('--adapter <name>').option('--json').option('--tuning <file>');
  register(program);
  const slurm = program.commands.find((command) => command.name() === 'slurm')!;
  return [...slurm.commands.find((each) => each.name() === name)!.options, ...program.options];
}

const FOR_SLURM =
  /^--(submit|time|mem|cpus|gres|partition|account|throttle|sbatch|container|bind|setup|program|shards|val-fraction)$/;

it.each(['crossval', 'predict', 'sweep'])('slurm %s hands every option on as it was given', (name) => {
  const options = optionsOf(name).filter(({ long }) => !FOR_SLURM.test(long!));
  expect(options.length).toBeGreaterThan(10);
  const given: string[] = [];
  for (const option of options) {
    const args = option.isBoolean() || option.negate ? [option.long!] : [option.long!, textOf(option)];
    const { words } = handedOn(name, args);
    const out = args[0] === '--out' || name === 'predict' ? [] : ['--out', DEFAULT[name]];
    expect([...words].sort()).toEqual([...args, ...out].sort());
    given.push(...args);
  }
  const all = handedOn(name, given);
  expect(handedOn(name, all.words).options).toEqual(all.options);
});

it('hands on the last of an option that is given twice', () => {
  const { words } = handedOn('crossval', ['--out', 'x', '--stretch', 'asinh', '--stretch', 'linear:low=1']);
  expect(words).toEqual(['--stretch', 'linear:low=1', '--out', 'x']);
});
