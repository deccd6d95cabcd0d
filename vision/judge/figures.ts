/** What can be told of a model's answers during training beside the loss. */
export type FigureName = 'accuracy' | 'RMSE';

/** A figure made of the mean mark of answers: what it is called, and how it is told. */
export interface Figure {
  readonly name: FigureName;
  of(meanMark: number): number;
  show(value: number): string;
  /** Of its curve: the title, decimals in the table below, and what is said of it. */
  readonly title: string;
  readonly digits: number;
  readonly caption: string;
}

const WHILE_LEARNING =
  'Training is measured while learning, through dropout and augmentation where they are on, and may therefore lie';

export const FIGURES: Readonly<Record<FigureName, Figure>> = {
  accuracy: {
    name: 'accuracy',
    of: (share) => share,
    show: (share) => `${(100 * share).toFixed(1)} %`,
    title: 'Accuracy',
    digits: 3,
    caption: `The share of right answers. ${WHILE_LEARNING} below validation.`,
  },
  RMSE: {
    name: 'RMSE',
    of: Math.sqrt,
    show: (value) => value.toFixed(4),
    title: 'RMSE',
    digits: 4,
    caption: `The root of the mean squared error. ${WHILE_LEARNING} above validation.`,
  },
};
