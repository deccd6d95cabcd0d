import type { Selection } from './explanation.ts';
import type { LayerKind, Role } from './network.ts';
import type { ActivationName } from './settings.ts';
import { usersOf, type LayerView, type View } from './view.ts';

export const ACTIVATION_TITLES: Readonly<Record<ActivationName, string>> = {
  relu: 'ReLU',
  silu: 'SiLU',
  tanh: 'Tanh',
  sigmoid: 'Sigmoid',
};

/** What a layer is called: `Convolution 1`. */
export function titleOf({ name, kind, activation, pooling }: LayerView): string {
  const number = /\d+$/.exec(name)?.[0] ?? '';
  const names: Record<LayerKind, string> = {
    input: 'Image',
    conv: 'Convolution',
    depthwise: 'Depthwise convolution',
    norm: 'Batch norm',
    activation: ACTIVATION_TITLES[activation!],
    pool: pooling === 'max' ? 'Max pooling' : 'Average pooling',
    mean: 'Mean over all places',
    scale: 'Scaling',
    add: 'Addition',
    dense: 'Dense',
    loss: 'Loss',
  };
  return `${names[kind]} ${number}`.trim();
}

/** What a layer does and how large its output is, in a line. */
export function summaryOf({ name, kind, geometry: g, y, parameters }: LayerView): string {
  const [, ...size] = y.shape;
  const shape = size.join(' × ');
  switch (kind) {
    case 'input':
      return `${shape}: rows, columns, colours`;
    case 'conv':
      return `${g!.outChannels} filters of ${g!.filterH} × ${g!.filterW} × ${g!.inChannels}, stride ${g!.strideH} → ${shape}`;
    case 'depthwise':
      return `a filter of ${g!.filterH} × ${g!.filterW} for each channel, stride ${g!.strideH} → ${shape}`;
    case 'pool':
      return `${g!.filterH} × ${g!.filterW}${g!.strideH === g!.filterH ? '' : `, stride ${g!.strideH}`} → ${shape}`;
    case 'mean':
      return `a number for each channel → ${shape}`;
    case 'scale':
      return `each channel times its factor → ${shape}`;
    case 'dense':
      return `${parameters.find(({ role }) => role === 'w')!.value.shape.join(' × ')} weights → ${shape} ${name === 'dense' ? 'logits' : 'numbers'}`;
    case 'loss':
      return 'softmax and cross entropy → 1 number';
    default:
      return shape;
  }
}

export const PARAMETER_TITLES: Readonly<Record<Role, readonly [string, string]>> = {
  w: ['Filters w', '∂loss/∂w'],
  b: ['Biases b', '∂loss/∂b'],
  gamma: ['Scales γ', '∂loss/∂γ'],
  beta: ['Shifts β', '∂loss/∂β'],
  running: ['', ''],
};

/** Who computes the selected number, or its gradient. */
export function makerOf(view: View, { layer, part }: Selection): string {
  if (part === 'y')
    return view.layers[layer].kind === 'input' ? 'The picture' : `${titleOf(view.layers[layer])} computes`;
  if (part !== 'dy') return `${titleOf(view.layers[layer])}, on the way back, adds up`;
  const users = usersOf(view.layers, layer).map((user) => titleOf(view.layers[user]));
  if (users.length === 0) return 'The end';
  if (users.length === 1) return `${users[0]}, whose input x this is, hands back`;
  return `${users.slice(0, -1).join(', ')} and ${users[users.length - 1]}, whose input x this is, hand back`;
}

/** The selected element in words: `Output of convolution 1, row 3, column 4, channel 0`. */
export function placeOf(view: View, { layer, part, at }: Selection): string {
  const title = titleOf(view.layers[layer]).toLowerCase().replace('relu', 'ReLU').replace('silu', 'SiLU');
  const { name } = view.layers[layer];
  const last = name === 'dense' ? 'class' : 'number';
  const weights: Readonly<Record<number, readonly string[]>> = {
    2: ['input', last],
    3: ['row', 'column', 'channel'],
    4: ['row', 'column', 'input channel', 'filter'],
  };
  const outputs = at.length === 4 ? ['', 'row', 'column', 'channel'] : ['', last];
  const names = part === 'w' ? weights[at.length] : part === 'y' || part === 'dy' ? outputs : ['channel'];
  const where = at.flatMap((index, i) => (names[i] ? [`${names[i]} ${index}`] : [])).join(', ');
  const what = {
    y: 'Output of',
    dy: 'Cotangent of',
    w: 'Weight of',
    b: 'Bias of',
    gamma: 'Scale γ of',
    beta: 'Shift β of',
    running: 'Statistics of',
  }[part];
  return `${what} ${title}${where ? `: ${where}` : ''}`;
}
