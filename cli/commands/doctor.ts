import type { Command } from 'commander';
import { allOptions } from '../options.ts';

/** `tuningfork doctor`. */
export function register(program: Command): void {
  program
    .command('doctor')
    .description('list GPUs and drivers, try one out, and say what is missing')
    .addHelpText(
      'after',
      `
It exits with 2 if no adapter can be used.

Examples:
  tuningfork doctor
  tuningfork doctor --adapter swiftshader
  tuningfork doctor --json`,
    )
    .action(async (_options: object, command: Command) => {
      const { adapter, json } = allOptions(command);
      const { examine } = await import('../doctor/examine.node.ts');
      const { showFindings } = await import('../doctor/show.ts');
      const findings = await examine(adapter);
      console.log(json ? JSON.stringify(findings, null, 2) : showFindings(findings));
      if (!findings.smokeTest?.ok) process.exitCode = 2;
    });
}
