import type { Plugin as EsbuildPlugin } from 'esbuild';
import type { Plugin as VitePlugin } from 'vite';
import type { KernelSource } from './kernel.ts';

export function resolveIncludes(path: string, seen?: Set<string>): string;
export function reflectKernel(path: string): KernelSource;
export const wgslEsbuild: EsbuildPlugin;
export const wgslVite: VitePlugin;
