// Ops explained: what `import { ... } from 'tuningfork/explain'` gives, in Node and in a browser alike. It is what
// `tuningfork explain`, the chapters and the page Learn are made from.
export {
  defaultsOf,
  elementOf,
  showArithmetic,
  slicesOf,
  type Behind,
  type Cell,
  type Explanation,
  type Operand,
  type Result,
  type Setting,
  type Settings,
  type Slice,
  type Value,
  type Values,
} from './engine/explain/explanation.ts';
export { EXPLANATIONS } from './engine/explain/explanations.ts';
export { formulaToTex } from './engine/explain/formula.ts';
export { howMade, work, type Given, type HowMade, type LaunchedStep } from './engine/explain/work.ts';
