import cliProgress from 'cli-progress';
import type { Progress } from '../vision/progress.ts';

/** Seconds between two lines about one piece of work where there is no terminal. */
const SILENCE = 60;

/**
 * Progress on stderr, so that stdout stays for results: a bar on a terminal, elsewhere lines that stay, at most one a
 * minute.
 */
export function terminalProgress(stream: NodeJS.WriteStream = process.stderr): Progress {
  let bar: cliProgress.SingleBar | undefined;
  let begun = 0;
  let doneBefore = 0;
  let work = { title: '', total: 0 };
  let spoken = 0;
  const rate = (done: number) => ((done - doneBefore) / Math.max(1e-3, (performance.now() - begun) / 1000)).toFixed(1);
  const show = (figures: Readonly<Record<string, string>>) =>
    Object.entries(figures)
      .map(([name, value]) => ` ${name} ${value}`)
      .join('');
  return {
    start(title, total, done = 0) {
      begun = performance.now();
      spoken = begun;
      doneBefore = done;
      work = { title, total };
      if (!stream.isTTY) return;
      const width = Math.max(8, Math.min(30, (stream.columns ?? 80) - 60));
      bar = new cliProgress.SingleBar(
        {
          stream,
          format: `${title} {bar} {percentage}% {rate} images/s{figures} {eta_formatted} left`,
          barsize: width,
          hideCursor: true,
          clearOnComplete: true,
          linewrap: false,
          etaBuffer: 20,
        },
        cliProgress.Presets.shades_classic,
      );
      bar.start(total, done, { rate: '0.0', figures: '' });
    },
    tick(done, figures = {}) {
      if (!stream.isTTY && performance.now() - spoken >= SILENCE * 1000) {
        spoken = performance.now();
        stream.write(`${work.title}: ${done} of ${work.total}, ${rate(done)} images/s${show(figures)}\n`);
      }
      bar?.update(done, { rate: rate(done), figures: show(figures) });
    },
    end() {
      bar?.stop();
      bar = undefined;
    },
    line(text) {
      bar?.stop();
      bar = undefined;
      stream.write(`${text}\n`);
    },
  };
}
