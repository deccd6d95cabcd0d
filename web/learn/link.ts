import { UserError } from '../../engine/user_error.ts';
import type { Selection } from './explanation.ts';
import { layersFromText, layersToText } from './layer_spec.ts';
import type { Change } from './run_history.ts';
import { checkSettings, DEFAULT_SETTINGS, runningOf, type RunningSettings, type Settings } from './settings.ts';
import { HELD_OUT, TRAINING } from './sky.ts';

/** What a link to the page holds: a run, how far it has gone, and what of it is looked at. */
export interface PageState {
  /** As they were at step 0. */
  readonly settings: Settings;
  /** Of running settings, after step 0. */
  readonly changes: readonly Change[];
  readonly step: number;
  /** Index of the galaxy that is looked at. */
  readonly galaxy: number;
  readonly selection: Selection;
  /** Whether the inspector shows the step that a weight makes. */
  readonly following: boolean;
}

/** Steps that a link trains at most. */
export const MOST_STEPS = 200;

export const FIRST_STATE: PageState = {
  settings: DEFAULT_SETTINGS,
  changes: [],
  step: 0,
  galaxy: 0,
  selection: { layer: 1, part: 'y', at: [0, 15, 15, 0] },
  following: false,
};

const PARTS: readonly Selection['part'][] = ['y', 'dy', 'w', 'b', 'gamma', 'beta'];
type Name = keyof typeof DEFAULT_SETTINGS;
const NAMES = Object.keys(DEFAULT_SETTINGS) as Name[];

/** A value as text that can be read in an address. */
const written = (value: unknown): string =>
  encodeURIComponent(String(value))
    .replace(/%20/g, '+')
    .replace(/%(2C|3A|3B|3D|2F)/g, (code) => decodeURIComponent(code));

/** The run alone, as `name=value` words: settings that are not the usual ones, and where running ones changed. */
function wordsOfRun({ settings, changes }: Pick<PageState, 'settings' | 'changes'>): string[] {
  const words = NAMES.filter((name) => settings[name] !== DEFAULT_SETTINGS[name]).map(
    (name) => `${name}=${written(settings[name])}`,
  );
  if (settings.layers) words.push(`layers=${written(layersToText(settings.layers).replaceAll('\n', ';'))}`);
  let before = runningOf(settings);
  for (const { step, running } of changes) {
    const changed = (Object.keys(before) as (keyof RunningSettings)[]).filter((name) => running[name] !== before[name]);
    words.push(`change=${written([step, ...changed.map((name) => `${name}:${running[name]}`)].join(','))}`);
    before = runningOf(running);
  }
  return words;
}

/** Whether two states are of the same run, however far it has gone. */
export const sameRun = (a: PageState, b: PageState): boolean => wordsOfRun(a).join('&') === wordsOfRun(b).join('&');

/** A state as the fragment of an address, `#seed=3&step=40&galaxy=2`; empty for the first state. */
export function toHash(state: PageState): string {
  const { step, galaxy, selection, following } = state;
  const words = wordsOfRun(state);
  if (step > 0) words.push(`step=${Math.min(step, MOST_STEPS)}`);
  if (galaxy !== FIRST_STATE.galaxy) words.push(`galaxy=${galaxy}`);
  if (JSON.stringify(selection) !== JSON.stringify(FIRST_STATE.selection))
    words.push(`layer=${selection.layer}`, `part=${selection.part}`, `at=${selection.at.join(',')}`);
  if (following) words.push('view=step');
  return words.length === 0 ? '' : `#${words.join('&')}`;
}

/** Whether the fragment of an address is one of a state, and no place in the page. */
export const isState = (hash: string): boolean => hash.includes('=');

/**
 * What `toHash` wrote, or a person.
 * @throws UserError that names the word that is wrong
 */
export function fromHash(hash: string): PageState {
  if (!isState(hash)) return FIRST_STATE;
  const words = new URLSearchParams(hash.replace(/^#/, ''));
  const [settings, changes]: [Record<string, unknown>, Change[]] = [{ ...DEFAULT_SETTINGS }, []];
  const known = new Set([...NAMES, 'layers', 'change', 'step', 'galaxy', 'layer', 'part', 'at', 'view']);
  for (const [name, value] of words) {
    if (!known.has(name)) throw new UserError(`the link says ${name}=${value}, and ${name} is nothing that it can say`);
    if ((NAMES as string[]).includes(name)) settings[name] = read(name as Name, value);
  }
  const layers = words.get('layers');
  if (layers !== null) settings['layers'] = layersFromText(layers);
  const all = settings as unknown as Settings;
  checkSettings(all);
  let running = runningOf(all);
  for (const text of words.getAll('change')) {
    const [step, ...given] = text.split(',');
    running = { ...running, ...Object.fromEntries(given.map(optionOf)) };
    checkSettings({ ...all, ...running });
    changes.push({ step: whole('change', step, MOST_STEPS), running });
  }
  const [layer, part, at] = ['layer', 'part', 'at'].map((name) => words.get(name));
  const hasSelection = [layer, part, at].some((word) => word !== null);
  if (hasSelection && !PARTS.includes(part as Selection['part']))
    throw new UserError(`the link says part=${part ?? ''}; it can be ${PARTS.join(', ')}`);
  const view = words.get('view');
  if (view !== null && view !== 'step') throw new UserError(`the link says view=${view}; it can only be step`);
  return {
    settings: all,
    changes,
    step: whole('step', words.get('step') ?? '0', MOST_STEPS),
    galaxy: whole('galaxy', words.get('galaxy') ?? '0', TRAINING + HELD_OUT - 1),
    selection: hasSelection
      ? {
          layer: whole('layer', layer ?? '', 99),
          part: part as Selection['part'],
          at: (at ?? '').split(',').map((index) => whole('at', index, 99_999)),
        }
      : FIRST_STATE.selection,
    following: view === 'step',
  };
}

/** A setting as its kind is: the checks of settings find what it cannot be. */
function read(name: Name, text: string): unknown {
  const usual = DEFAULT_SETTINGS[name];
  if (typeof usual === 'boolean') return text === 'true' ? true : text === 'false' ? false : text;
  if (typeof usual === 'string') return text;
  return /^[-+.\deE]+$/.test(text) ? Number(text) : NaN;
}

function optionOf(word: string): [string, unknown] {
  const [name, value = ''] = word.split(':');
  if (!(name in runningOf(DEFAULT_SETTINGS)))
    throw new UserError(`the link changes ${name}, which cannot change while the run goes on`);
  return [name, read(name as Name, value)];
}

function whole(name: string, text: string, most: number): number {
  if (!/^\d{1,6}$/.test(text) || Number(text) > most)
    throw new UserError(`the link says ${name}=${text}; it must be a whole number from 0 to ${most}`);
  return Number(text);
}
