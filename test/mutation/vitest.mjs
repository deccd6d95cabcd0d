// One run of vitest in a copy of the tree.
import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join } from 'node:path';

/** What says that a fault is none: the source with it in cannot be read. */
const UNREADABLE = /wgsl_reflect cannot read|Error while parsing WGSL|Transform failed|PARSE_ERROR|SyntaxError/;

const running = new Set();

/** Ends what still runs; for the end of this process. */
export function stopAll() {
  for (const child of running) stop(child);
}

/** Vitest and the processes that it started: they are a group of their own. */
function stop(child) {
  try {
    process.kill(-child.pid, 'SIGKILL');
  } catch {
    // It has ended in the meantime.
  }
}

/**
 * Runs test files until the first failure: { ended, passed, because, seconds }, where `ended` is one of passed, failed,
 * late (the time limit passed) and unreadable. The time begins with the first word of vitest: a prefix may wait for
 * its turn.
 */
export function runTests(folder, { tests, grep, built, prefix = '', limitSeconds, root }) {
  const program = [process.execPath, join('node_modules', 'vitest', 'vitest.mjs')];
  const words = [...prefix.split(' ').filter(Boolean), ...program, 'run', ...tests, '--bail', '1'];
  if (grep) words.push('-t', grep);
  const beside = join(root, '..', 'shared', 'data');
  const env = {
    ...process.env,
    NO_COLOR: '1',
    TUNINGFORK_TEST_ADAPTERS: process.env.TUNINGFORK_TEST_ADAPTERS ?? 'lavapipe',
    TUNINGFORK_TEST_BUILD: built ? 'stale' : 'none',
    ...(existsSync(beside) && { TUNINGFORK_TEST_DATA: process.env.TUNINGFORK_TEST_DATA ?? beside }),
  };
  return new Promise((resolve, reject) => {
    const child = spawn(words[0], words.slice(1), { cwd: folder, env, detached: true });
    running.add(child);
    let [text, late, began, timer] = ['', false, performance.now(), undefined];
    const hear = (part) => {
      if (timer === undefined) {
        began = performance.now();
        timer = setTimeout(() => {
          late = true;
          stop(child);
        }, limitSeconds * 1000);
      }
      text += part;
    };
    child.stdout.setEncoding('utf8').on('data', hear);
    child.stderr.setEncoding('utf8').on('data', hear);
    child.on('error', reject).on('close', (code) => {
      clearTimeout(timer);
      running.delete(child);
      const passed = Number(/^(\d+) passed, \d+ failed$/m.exec(text)?.[1] ?? 0);
      const because = /^\s*FAIL\s+(.+)$/m.exec(text)?.[1] ?? text.trim().split('\n').at(-1);
      const failed = UNREADABLE.test(text) ? 'unreadable' : 'failed';
      // 124 is what timeout(1) ends with, as a part of the prefix.
      const ended = late || code === 124 ? 'late' : code === 0 && passed > 0 ? 'passed' : failed;
      resolve({ ended, passed, because, seconds: (performance.now() - began) / 1000, text });
    });
  });
}
