export interface Finding {
  readonly format: string;
  readonly number: number;
  readonly how: string;
  readonly finding: string;
}

export interface Row {
  readonly format: string;
  readonly accepted: number;
  readonly refused: number;
  readonly seconds: number;
  readonly bytes: number;
}

export function fuzz(options: {
  readonly formats: readonly string[];
  readonly cases: number;
  readonly seed: number;
  readonly from?: number;
  readonly onFormat?: (row: Row) => void;
  readonly onFinding?: (finding: Finding) => void;
}): Promise<{ readonly rows: readonly Row[]; readonly findings: readonly Finding[] }>;
