import type { SoftwareAdapter } from './gpu.node.ts';

export const SOFTWARE_DRIVERS: Readonly<Record<SoftwareAdapter, readonly string[]>>;
export const SOFTWARE_ADAPTER_NAMES: Readonly<Record<SoftwareAdapter, string>>;
