import { SingleBar } from 'cli-progress';
import { fetchSet } from './fetch_set.node.ts';
import type { GlobalOptions } from './options.ts';

export interface FetchCommandOptions extends GlobalOptions {
  readonly to: string;
}

const mebibytes = (bytes: number): number => Math.round((bytes / 2 ** 20) * 10) / 10;

/** Downloads a set of files into a folder, with a bar where there is a terminal and one sentence a file in any case. */
export async function dataFetch(set: string, { to, json }: FetchCommandOptions): Promise<void> {
  const bar = process.stderr.isTTY
    ? new SingleBar({
        format: '{file} {bar} {percentage} % of {total} MiB, {eta_formatted} left',
        stream: process.stderr,
      })
    : null;
  let current: string | null = null;
  const stop = () => {
    if (current !== null) bar?.stop();
    current = null;
  };
  try {
    const fetched = await fetchSet(set, to, {
      onProgress(file, received, total) {
        if (file !== current) {
          stop();
          current = file;
          bar?.start(mebibytes(total ?? received), mebibytes(received), { file });
        }
        if (total !== null) bar?.setTotal(mebibytes(total));
        bar?.update(mebibytes(received));
      },
      say(sentence) {
        stop();
        if (!json) console.log(sentence);
      },
    });
    if (json) console.log(JSON.stringify({ set, folder: to, files: Object.fromEntries(fetched) }, null, 2));
  } finally {
    stop();
  }
}
