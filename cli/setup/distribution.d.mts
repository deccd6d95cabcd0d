export interface Distribution {
  /** The ID of os-release (`debian`, `ubuntu`, `fedora`), or Node's name of the platform. */
  readonly id: string;
  readonly version: number;
  readonly codename: string;
  readonly name: string;
}
/** Packages for apt, or advice for a person: one of the two. */
export interface Remedy {
  readonly packages?: readonly string[];
  readonly suite?: string;
  readonly advice?: string;
}
export function readDistribution(file?: string, platform?: NodeJS.Platform): Distribution;
export function lavapipeRemedy(distribution: Distribution): Remedy;
export function swiftshaderRemedy(distribution: Distribution): Remedy;
export function describeRemedy(remedy: Remedy, mirror?: string): string;
