import { UserError } from '../../engine/user_error.ts';
import { sameRunning, type OptimizerName, type RunningSettings } from './settings.ts';

/**
 * All that the next step depends on besides the settings. Never changed once made.
 */
export interface Snapshot {
  readonly step: number;
  /** Images that were drawn for batches so far: where the run stands in its epochs. */
  readonly drawn: number;
  /** Whose moments there are; none before the first step. */
  readonly optimizer?: OptimizerName;
  /** Weights, running statistics, moments and the count of steps that changed something, by name. */
  readonly arrays: ReadonlyMap<string, Float32Array>;
}

/** From which step on which running settings hold: steps after `step` are made with them. */
export interface Change {
  readonly step: number;
  readonly running: RunningSettings;
}

/**
 * What a run was and is: its last snapshots, and the steps at which its running settings changed. A step is made with
 * the settings that hold where it begins, so going back and on again makes the same steps.
 */
export class RunHistory {
  private readonly snapshots = new Map<number, Snapshot>();
  /** In the order of their steps; the first is of step 0. */
  private made: Change[];

  /** @param depth steps that one can go back */
  constructor(
    first: Snapshot,
    running: RunningSettings,
    private readonly depth: number,
    changes: readonly Change[] = [],
  ) {
    this.snapshots.set(first.step, first);
    this.made = [{ step: 0, running }];
    for (const { step, running } of changes) this.change(step, running);
  }

  get changes(): readonly Change[] {
    return this.made;
  }

  /** The steps that are kept. */
  get range(): { first: number; last: number } {
    const steps = [...this.snapshots.keys()];
    return { first: Math.min(...steps), last: Math.max(...steps) };
  }

  /** The state after `step` steps. @throws UserError where it is not kept */
  at(step: number): Snapshot {
    const snapshot = this.snapshots.get(step);
    if (!snapshot)
      throw new UserError(`step ${step} is not kept; one can go to steps ${this.range.first} to ${this.range.last}`);
    return snapshot;
  }

  has(step: number): boolean {
    return this.snapshots.has(step);
  }

  /** The settings that the step after `step` steps is made with. */
  runningAfter(step: number): RunningSettings {
    return this.made.findLast((change) => change.step <= step)!.running;
  }

  add(snapshot: Snapshot): void {
    this.snapshots.set(snapshot.step, snapshot);
    const oldest = this.range.last - this.depth;
    for (const step of this.snapshots.keys()) if (step < oldest) this.snapshots.delete(step);
  }

  /** From `step` on other settings: what came after it, steps and changes, was of another run and is forgotten. */
  change(step: number, running: RunningSettings): void {
    if (sameRunning(this.runningAfter(step), running)) return;
    for (const kept of this.snapshots.keys()) if (kept > step) this.snapshots.delete(kept);
    this.made = [...this.made.filter((change) => change.step < step), { step, running }];
  }
}
