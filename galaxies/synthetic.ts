import type { Dataset } from './dataset.ts';
export function parseSynthetic(_s: string): { count: number; seed: number } | null { return null; }
export function syntheticDataset(_n: number, _seed: number, _o: { size?: number }): Dataset { throw new Error('no'); }
