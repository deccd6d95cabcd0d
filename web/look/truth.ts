import { CHALLENGE_COLUMNS } from '../../galaxies/columns.ts';
import type { Votes } from '../../galaxies/galaxy.ts';
import { label } from '../../galaxies/labels.ts';
import type { ModelFacts } from './look_core.ts';
import { percent } from './strip.ts';

/** What is known of an image, whatever a model says. */
export interface Known {
  /** What volunteers would say of a drawn galaxy. */
  readonly votes: Votes | null;
  /** The folder that the image was opened from with others: its class, where the model has one of that name. */
  readonly folder?: string;
}

/** The truth about an image, in a model's words. */
export interface Truth {
  /** By the names of the model's outputs, 0..1. */
  readonly shares: Readonly<Record<string, number>>;
  /** The right class; absent where none is, as where volunteers are divided. */
  readonly class?: string;
  /** Who says so. */
  readonly by: 'volunteers' | 'folder';
}

/** undefined where nothing is known that this model could be right or wrong about. */
export function truthFor({ votes, folder }: Known, { task, classes }: ModelFacts): Truth | undefined {
  if (task === 'smooth-or-featured' && votes) {
    const { smooth, featured } = votes;
    const right = label(votes);
    return { shares: { smooth, featured }, ...(right && { class: right }), by: 'volunteers' };
  }
  if (task === 'challenge' && votes?.all) {
    const all = votes.all;
    return { shares: Object.fromEntries(CHALLENGE_COLUMNS.map((name, i) => [name, all[i]])), by: 'volunteers' };
  }
  if (task === 'classes' && folder !== undefined && classes.includes(folder))
    return {
      shares: Object.fromEntries(classes.map((name) => [name, +(name === folder)])),
      class: folder,
      by: 'folder',
    };
  return undefined;
}

/** Whether an answer is right, as a sentence. */
export function verdict(predicted: string, { shares, class: right, by }: Truth): string {
  const isRight = predicted === right;
  if (by === 'folder') return isRight ? `✓ Right: its folder is ${right}.` : `✗ Wrong: its folder is ${right}.`;
  const said = Object.entries(shares).map(([name, share]) => `${name} ${percent(share, 0)}`);
  if (right === undefined) return `Volunteers would be divided: ${said.join(', ')} of their votes.`;
  return `${isRight ? '✓ Right' : '✗ Wrong'}: volunteers would say ${right} (${said.join(', ')} of their votes).`;
}
