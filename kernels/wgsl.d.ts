declare module '*.wgsl' {
  const kernel: import('./kernel.ts').KernelSource;
  export default kernel;
}
