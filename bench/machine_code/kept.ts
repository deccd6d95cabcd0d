import type { Row, Table } from './table.ts';

/** table.json: by GPU the compilers' version, and by kernel registers, waves, spills and share, a line each. */
type Kept = Record<string, { mesa: string; kernels: Record<string, [number, number, number, number | null]> }>;

export function readKept(text: string): Table {
  const gpus = Object.entries(JSON.parse(text) as Kept).map(([gpu, { mesa, kernels }]) => {
    const rows = Object.entries(kernels).map(
      ([kernel, [registers, waves, spills, share]]): Row => ({ kernel, registers, waves, spills, share }),
    );
    return [gpu, { mesa, rows }] as const;
  });
  return Object.fromEntries(gpus);
}

export function showKept(table: Table): string {
  const gpus = Object.entries(table).map(([gpu, { mesa, rows }]) => {
    const lines = rows.map(
      ({ kernel, registers, waves, spills, share }) =>
        `      ${JSON.stringify(kernel)}: [${registers}, ${waves}, ${spills}, ${share}]`,
    );
    return `  "${gpu}": {\n    "mesa": ${JSON.stringify(mesa)},\n    "kernels": {\n${lines.join(',\n')}\n    }\n  }`;
  });
  return `{\n${gpus.join(',\n')}\n}\n`;
}
