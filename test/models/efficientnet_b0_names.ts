/*
 * EfficientNet-B0's tensors under each program's names and in its shapes, spelled out here from those programs' own
 * model definitions, without a line of ours: what the importer is held against.
 */

/** [canonical name, foreign name, foreign shape] */
export type Listed = [string, string, number[]];

/** Block by block: stage (from 1), letter within the stage, kernel, input, expanded, squeezed and output channels. */
const BLOCKS: [number, string, number, number, number, number, number][] = [
  [1, 'a', 3, 32, 32, 8, 16],
  [2, 'a', 3, 16, 96, 4, 24],
  [2, 'b', 3, 24, 144, 6, 24],
  [3, 'a', 5, 24, 144, 6, 40],
  [3, 'b', 5, 40, 240, 10, 40],
  [4, 'a', 3, 40, 240, 10, 80],
  [4, 'b', 3, 80, 480, 20, 80],
  [4, 'c', 3, 80, 480, 20, 80],
  [5, 'a', 5, 80, 480, 20, 112],
  [5, 'b', 5, 112, 672, 28, 112],
  [5, 'c', 5, 112, 672, 28, 112],
  [6, 'a', 5, 112, 672, 28, 192],
  [6, 'b', 5, 192, 1152, 48, 192],
  [6, 'c', 5, 192, 1152, 48, 192],
  [6, 'd', 5, 192, 1152, 48, 192],
  [7, 'a', 3, 192, 1152, 48, 320],
];

const torchBn = (canonical: string, name: string, c: number): Listed[] => [
  [`${canonical}.gamma`, `${name}.weight`, [c]],
  [`${canonical}.beta`, `${name}.bias`, [c]],
  [`${canonical}.mean`, `${name}.running_mean`, [c]],
  [`${canonical}.var`, `${name}.running_var`, [c]],
];

/**
 * What a torch block's layers are called: conv and bn of expansion, depthwise, projection, and the two of squeeze and
 * excite.
 */
interface TorchBlock {
  e: string;
  ebn: string;
  d: string;
  dbn: string;
  r: string;
  x: string;
  p: string;
  pbn: string;
}
interface TorchOuter {
  stem: string;
  stemBn: string;
  head: string;
  headBn: string;
  fc: string;
}

function torch(
  outer: TorchOuter,
  block: (i: number, stage: number, repeat: number, expands: boolean) => TorchBlock,
  classes: number,
): Listed[] {
  const list: Listed[] = [
    ['stem.conv.w', `${outer.stem}.weight`, [32, 3, 3, 3]],
    ...torchBn('stem.bn', outer.stemBn, 32),
  ];
  BLOCKS.forEach(([stage, letter, k, input, expanded, squeezed, output], i) => {
    const expands = i > 0;
    const n = block(i, stage, 'abcd'.indexOf(letter), expands);
    const c = `blocks.${i}`;
    if (expands)
      list.push(
        [`${c}.expand.w`, `${n.e}.weight`, [expanded, input, 1, 1]],
        ...torchBn(`${c}.expand_bn`, n.ebn, expanded),
      );
    list.push(
      [`${c}.depthwise.w`, `${n.d}.weight`, [expanded, 1, k, k]],
      ...torchBn(`${c}.depthwise_bn`, n.dbn, expanded),
      [`${c}.se_reduce.w`, `${n.r}.weight`, [squeezed, expanded, 1, 1]],
      [`${c}.se_reduce.b`, `${n.r}.bias`, [squeezed]],
      [`${c}.se_expand.w`, `${n.x}.weight`, [expanded, squeezed, 1, 1]],
      [`${c}.se_expand.b`, `${n.x}.bias`, [expanded]],
      [`${c}.project.w`, `${n.p}.weight`, [output, expanded, 1, 1]],
      ...torchBn(`${c}.project_bn`, n.pbn, output),
    );
  });
  list.push(
    ['head.conv.w', `${outer.head}.weight`, [1280, 320, 1, 1]],
    ...torchBn('head.bn', outer.headBn, 1280),
    ['classifier.w', `${outer.fc}.weight`, [classes, 1280]],
    ['classifier.b', `${outer.fc}.bias`, [classes]],
  );
  return list;
}

export const efficientnetPytorch = (classes: number): Listed[] =>
  torch(
    { stem: '_conv_stem', stemBn: '_bn0', head: '_conv_head', headBn: '_bn1', fc: '_fc' },
    (i) => ({
      e: `_blocks.${i}._expand_conv`,
      ebn: `_blocks.${i}._bn0`,
      d: `_blocks.${i}._depthwise_conv`,
      dbn: `_blocks.${i}._bn1`,
      r: `_blocks.${i}._se_reduce`,
      x: `_blocks.${i}._se_expand`,
      p: `_blocks.${i}._project_conv`,
      pbn: `_blocks.${i}._bn2`,
    }),
    classes,
  );

export const torchvision = (classes: number): Listed[] =>
  torch(
    { stem: 'features.0.0', stemBn: 'features.0.1', head: 'features.8.0', headBn: 'features.8.1', fc: 'classifier.1' },
    (_i, stage, repeat, expands) => {
      const b = `features.${stage}.${repeat}.block`;
      return expands
        ? {
            e: `${b}.0.0`,
            ebn: `${b}.0.1`,
            d: `${b}.1.0`,
            dbn: `${b}.1.1`,
            r: `${b}.2.fc1`,
            x: `${b}.2.fc2`,
            p: `${b}.3.0`,
            pbn: `${b}.3.1`,
          }
        : {
            e: '',
            ebn: '',
            d: `${b}.0.0`,
            dbn: `${b}.0.1`,
            r: `${b}.1.fc1`,
            x: `${b}.1.fc2`,
            p: `${b}.2.0`,
            pbn: `${b}.2.1`,
          };
    },
    classes,
  );

export const timm = (classes: number): Listed[] =>
  torch(
    { stem: 'conv_stem', stemBn: 'bn1', head: 'conv_head', headBn: 'bn2', fc: 'classifier' },
    (_i, stage, repeat, expands) => {
      const b = `blocks.${stage - 1}.${repeat}`;
      const se = { r: `${b}.se.conv_reduce`, x: `${b}.se.conv_expand` };
      return expands
        ? {
            e: `${b}.conv_pw`,
            ebn: `${b}.bn1`,
            d: `${b}.conv_dw`,
            dbn: `${b}.bn2`,
            ...se,
            p: `${b}.conv_pwl`,
            pbn: `${b}.bn3`,
          }
        : { e: '', ebn: '', d: `${b}.conv_dw`, dbn: `${b}.bn1`, ...se, p: `${b}.conv_pw`, pbn: `${b}.bn2` };
    },
    classes,
  );

const kerasBn = (canonical: string, name: string, c: number): Listed[] => [
  [`${canonical}.gamma`, `${name}/gamma:0`, [c]],
  [`${canonical}.beta`, `${name}/beta:0`, [c]],
  [`${canonical}.mean`, `${name}/moving_mean:0`, [c]],
  [`${canonical}.var`, `${name}/moving_variance:0`, [c]],
];

export function keras(classes: number): Listed[] {
  const list: Listed[] = [['stem.conv.w', 'stem_conv/kernel:0', [3, 3, 3, 32]], ...kerasBn('stem.bn', 'stem_bn', 32)];
  BLOCKS.forEach(([stage, letter, k, input, expanded, squeezed, output], i) => {
    const [c, b] = [`blocks.${i}`, `block${stage}${letter}`];
    if (i > 0)
      list.push(
        [`${c}.expand.w`, `${b}_expand_conv/kernel:0`, [1, 1, input, expanded]],
        ...kerasBn(`${c}.expand_bn`, `${b}_expand_bn`, expanded),
      );
    list.push(
      [`${c}.depthwise.w`, `${b}_dwconv/depthwise_kernel:0`, [k, k, expanded, 1]],
      ...kerasBn(`${c}.depthwise_bn`, `${b}_bn`, expanded),
      [`${c}.se_reduce.w`, `${b}_se_reduce/kernel:0`, [1, 1, expanded, squeezed]],
      [`${c}.se_reduce.b`, `${b}_se_reduce/bias:0`, [squeezed]],
      [`${c}.se_expand.w`, `${b}_se_expand/kernel:0`, [1, 1, squeezed, expanded]],
      [`${c}.se_expand.b`, `${b}_se_expand/bias:0`, [expanded]],
      [`${c}.project.w`, `${b}_project_conv/kernel:0`, [1, 1, expanded, output]],
      ...kerasBn(`${c}.project_bn`, `${b}_project_bn`, output),
    );
  });
  list.push(
    ['head.conv.w', 'top_conv/kernel:0', [1, 1, 320, 1280]],
    ...kerasBn('head.bn', 'top_bn', 1280),
    ['classifier.w', 'predictions/kernel:0', [1280, classes]],
    ['classifier.b', 'predictions/bias:0', [classes]],
  );
  return list;
}
