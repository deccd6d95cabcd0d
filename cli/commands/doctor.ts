import type { Command } from 'commander';
import { allOptions } from '../options.ts';

/** `tuningfork doctor`: what this machine has, whether it computes rightly, and what is missing. */
export function register(program: Command): void {
  program
    .command('doctor')
    .description('look for GPUs and drivers, try one out, and say what is missing')
    .addHelpText(
      'after',
      `
Exit code 2 where no adapter can be used.

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
