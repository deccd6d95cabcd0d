// Layers: what `import { ... } from 'tuningfork/layers'` gives, in Node and in a browser alike.
export * from './models/layer_kinds.ts';
export type { Layer } from './models/layer.ts';
