import { columnsOf } from '../vision/votes/schema.ts';
import { GALAXY_ZOO_2 } from './decision_tree.ts';

/** The 37 vote columns of the Galaxy Challenge in its order: `Class1.1` ... `Class11.6`. */
export const CHALLENGE_COLUMNS: readonly string[] = columnsOf(GALAXY_ZOO_2);

/** The column that names the galaxy in the challenge's csv files. */
export const ID_COLUMN = 'GalaxyID';

/** Where the answers to question `number` begin in `CHALLENGE_COLUMNS`. */
export const firstColumn = (number: number): number => CHALLENGE_COLUMNS.indexOf(`Class${number}.1`);
