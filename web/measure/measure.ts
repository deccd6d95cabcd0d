import type { CaseResult } from '../../bench/kernels/result.ts';
import { byId } from '../common/dom.ts';
import { showMessage } from '../common/message.ts';
import { WorkerClient } from '../common/worker_client.ts';
import type { Opened } from './benchmark.ts';
import type { Settings } from './choice.ts';
import type { MeasureMethods, News } from './measure_worker.ts';
import { makeReport, type Report } from './report.ts';
import { Results } from './results.ts';

/** A measurement as far as it is: also after a stop, from where it can go on. */
interface Run {
  readonly settings: Settings;
  readonly date: Date;
  readonly cases: CaseResult[];
  readonly notes: string[];
  opened?: Opened;
}

const [start, stop, resume, copy, download] = ['start', 'stop', 'resume', 'copy', 'download'].map((id) =>
  byId<HTMLButtonElement>(id),
);
const [status, json] = [byId('status'), byId<HTMLTextAreaElement>('json')];
const results = new Results();
let run: Run | undefined;
let worker: WorkerClient<MeasureMethods> | undefined;

const openWorker = () => new WorkerClient<MeasureMethods>(new URL('./measure_worker.js', import.meta.url));

function chosen(): Settings {
  const value = (id: string): string => byId<HTMLInputElement | HTMLSelectElement>(id).value;
  return {
    layers: value('layers') as Settings['layers'],
    only: value('only').trim(),
    directions: [...document.querySelectorAll<HTMLInputElement>('input[name=direction]:checked')].map(
      (box) => box.value as Settings['directions'][number],
    ),
    batch: Number(value('batch')),
    repeats: Number(value('repeats')),
    tfjs: byId<HTMLInputElement>('tfjs').checked,
  };
}

const report = ({ opened, ...rest }: Run): Report | undefined =>
  opened && makeReport({ ...rest, opened, browser: navigator.userAgent });

/** Which buttons can be pressed. A run that was ended before its last case can go on. */
function setRunning(running: boolean): void {
  // Who pressed a button by keyboard goes on from the one that can be pressed now.
  const pressed = document.activeElement;
  stop.disabled = !running;
  start.disabled = running;
  byId('going').hidden = !running;
  resume.hidden = running || !run?.opened || run.cases.length === run.opened.cases;
  if (running && (pressed === start || pressed === resume)) stop.focus();
  if (!running && pressed === stop) (resume.hidden ? start : resume).focus();
}

function show(run: Run): void {
  const all = report(run);
  if (!all) return;
  results.update(all);
  json.value = JSON.stringify(all, null, 2);
}

/** Measures what is left of a run, in a worker of its own: to stop is to end that. */
async function goOn(current: Run): Promise<void> {
  run = current;
  const own = openWorker();
  worker = own;
  setRunning(true);
  showMessage(status, '');
  own.on('progress', ([text, done, of]: News['progress']) => {
    const bar = byId<HTMLProgressElement>('progress');
    [bar.max, bar.value] = [of, done];
    byId('current').textContent = text && `${done + 1} of ${of}: ${text}`;
  });
  own.on('note', ([text]: News['note']) => {
    if (current.notes.includes(text)) return;
    current.notes.push(text);
    byId('notes').append(Object.assign(document.createElement('li'), { textContent: text }));
  });
  own.on('opened', ([opened]: News['opened']) => (current.opened = opened));
  own.on('measured', ([result]: News['measured']) => {
    current.cases.push(result);
    show(current);
    const all = report(current)!;
    results.add(all.cases[all.cases.length - 1], all.engines);
  });
  try {
    const lost = await own.call('measure', current.settings, {
      done: current.cases.length,
      roofline: current.opened?.roofline,
    });
    if (lost === null)
      showMessage(status, `Done: ${current.cases.length} ${current.cases.length === 1 ? 'case' : 'cases'} measured.`);
    else
      showMessage(
        status,
        new Error(
          `the GPU was lost (${lost}) after ${current.cases.length} cases; what was measured stays, and Go on measures the rest`,
        ),
      );
  } catch (error) {
    showMessage(status, error);
  }
  end(own);
}

function end(own: WorkerClient<MeasureMethods>): void {
  own.close();
  if (worker !== own) return;
  worker = undefined;
  setRunning(false);
}

byId<HTMLFormElement>('settings').onsubmit = (event) => {
  event.preventDefault();
  results.clear();
  byId('notes').replaceChildren();
  void goOn({ settings: chosen(), date: new Date(), cases: [], notes: [] });
};
resume.onclick = () => run && void goOn(run);
stop.onclick = () => {
  if (!worker || !run) return;
  // What is told of it from now on is of no use.
  end(worker);
  showMessage(status, `Stopped after ${run.cases.length} ${run.cases.length === 1 ? 'case' : 'cases'}.`);
};

const say = (text: string): void => void (byId('copied').textContent = text);
copy.onclick = async () => {
  try {
    await navigator.clipboard.writeText(json.value);
    say('Copied.');
  } catch {
    byId<HTMLDetailsElement>('json-details').open = true;
    json.focus();
    json.select();
    say('This browser does not let the page copy; the text is selected: press Ctrl+C (⌘C on a Mac).');
  }
};
download.onclick = () => {
  const url = URL.createObjectURL(new Blob([json.value], { type: 'application/json' }));
  Object.assign(document.createElement('a'), {
    href: url,
    download: `tuningfork-kernels-${run!.date.toISOString().slice(0, 10)}.json`,
  }).click();
  setTimeout(() => URL.revokeObjectURL(url), 10_000);
};

const first = openWorker();
try {
  const { description, software, timestamps } = await first.call('adapter');
  showMessage(
    byId('adapter'),
    [
      software
        ? `Computing on ${description}: a software adapter, the CPU computes. What is measured here says nothing about a GPU.`
        : `Computing on ${description}.`,
      timestamps ? '' : 'It has no timestamps: times are wall times.',
    ]
      .filter(Boolean)
      .join(' '),
  );
  start.disabled = false;
} catch (error) {
  showMessage(byId('adapter'), error);
}
first.close();
