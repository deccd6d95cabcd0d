/** The numbers that a figure shows just now, by their names as they are written: `loss[0]`, `y[0, 1, 1, 0]`. */
export type Numbers = Readonly<Record<string, number>>;

const NUMBERS = 'figure-numbers';
const CHOSEN = 'figure-chosen';

/** A figure tells the exercises what its numbers are, when it is made and after each change. */
export const tellNumbers = (section: HTMLElement, numbers: Numbers): void =>
  void section.dispatchEvent(new CustomEvent(NUMBERS, { detail: numbers }));

/** A figure tells the exercises which of its cells was chosen: `dx[0, 1, 1, 0]`. */
export const tellChosen = (section: HTMLElement, cell: string): void =>
  void section.dispatchEvent(new CustomEvent(CHOSEN, { detail: cell }));

export const onNumbers = (section: HTMLElement, hear: (numbers: Numbers) => void): void =>
  section.addEventListener(NUMBERS, (event) => hear((event as CustomEvent<Numbers>).detail));

export const onChosen = (section: HTMLElement, hear: (cell: string) => void): void =>
  section.addEventListener(CHOSEN, (event) => hear((event as CustomEvent<string>).detail));
