import type { KernelSource } from './kernel.ts';

export function reflectWgsl(code: string, path: string): Omit<KernelSource, 'name' | 'file' | 'hash'>;
