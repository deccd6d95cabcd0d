import { decimal } from '../report/pieces.ts';
import { textTable } from '../report/text_table.ts';
import type { TargetFigures } from './evaluate.ts';

/** A number of any size as a person reads it: four digits. */
export const number = (value: number | null): string => (value === null ? '–' : String(Number(value.toPrecision(4))));

/** The figures that matter most, in a line. */
export const showHeadline = ({ rmse, r2, images, columns }: TargetFigures): string =>
  `RMSE ${decimal(rmse)} standard deviations, R² ${decimal(r2)}, over ${columns.length === 1 ? columns[0].name : `${columns.length} targets`} of ${images} images`;

/** The heads of the table of figures, and its rows. */
export const FIGURE_HEADS = ['target', 'RMSE', 'mean answer', 'MAE', 'bias', 'R²'] as const;
export const figureRows = ({ columns }: TargetFigures): string[][] =>
  columns.map(({ name, rmse, constant, mae, bias, r2 }) => [
    name,
    ...[rmse, constant, mae, bias].map(number),
    decimal(r2),
  ]);

/** The headline, and the figures of each target, as text. */
export const showTargets = (figures: TargetFigures): string =>
  `${showHeadline(figures)}\n\n${textTable(FIGURE_HEADS, figureRows(figures))}`;
