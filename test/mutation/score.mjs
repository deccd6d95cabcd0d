// What the run says at its end.

const place = ({ number, file, text, replacement, tests }) =>
  `  ${number} ${file}: ${JSON.stringify(text)} -> ${JSON.stringify(replacement)} (${tests.join(', ')})`;

/** The score by area and the faults that no test noticed, as lines; complete where all were noticed. */
export function score(faults) {
  const run = faults.filter(({ result }) => result);
  const ended = (...how) => run.filter(({ result }) => how.includes(result.ended));
  const share = (of) =>
    `${of.filter(({ result }) => result.ended === 'failed' || result.ended === 'late').length} of ${of.length}`;
  const lines = ['', `noticed: ${share(run)}`];
  for (const area of [...new Set(run.map((fault) => fault.area))].sort())
    lines.push(`  ${area.padEnd(14)} ${share(run.filter((fault) => fault.area === area))}`);
  const list = (title, of) => of.length > 0 && lines.push('', `${title}: ${of.length}`, ...of.map(place));
  list('survived', ended('passed'));
  list('noticed by the time limit', ended('late'));
  list('no faults, since the source cannot be read with them', ended('unreadable'));
  if (run.length < faults.length) lines.push('', `not run yet: ${faults.length - run.length}`);
  return { lines, complete: run.length === faults.length && ended('passed', 'unreadable').length === 0 };
}
