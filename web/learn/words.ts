import type { Selection } from './explanation.ts';
import type { Role } from './network.ts';
import type { ActivationName } from './settings.ts';
import type { LayerView, View } from './view.ts';

export const ACTIVATION_TITLES: Readonly<Record<ActivationName, string>> = {
  relu: 'ReLU',
  silu: 'SiLU',
  tanh: 'Tanh',
  sigmoid: 'Sigmoid',
};

/** What a layer is called: `Convolution 1`. */
export function titleOf({ name, kind }: LayerView, { settings }: View): string {
  const number = /\d+$/.exec(name)?.[0] ?? '';
  const names = {
    input: 'Image',
    conv: 'Convolution',
    norm: 'Batch norm',
    activation: ACTIVATION_TITLES[settings.activation],
    pool: settings.pooling === 'max' ? 'Max pooling' : 'Average pooling',
    dense: 'Dense',
    loss: 'Loss',
  };
  return `${names[kind]} ${number}`.trim();
}

/** What a layer does and how large its output is, in a line. */
export function summaryOf({ kind, geometry: g, y, parameters }: LayerView): string {
  const [, ...size] = y.shape;
  const shape = size.join(' × ');
  switch (kind) {
    case 'input':
      return `${shape}: rows, columns, colours`;
    case 'conv':
      return `${g!.outChannels} filters of ${g!.filterH} × ${g!.filterW} × ${g!.inChannels}, stride ${g!.strideH} → ${shape}`;
    case 'pool':
      return `2 × 2 → ${shape}`;
    case 'dense':
      return `${parameters.find(({ role }) => role === 'w')!.value.shape.join(' × ')} weights → ${shape} logits`;
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
    return view.layers[layer].kind === 'input' ? 'The picture' : `${titleOf(view.layers[layer], view)} computes`;
  if (part !== 'dy') return `${titleOf(view.layers[layer], view)}, on the way back, adds up`;
  const next = view.layers[layer + 1];
  return next ? `${titleOf(next, view)}, whose input x this is, hands back` : 'The end';
}

/** The selected element in words: `Output of convolution 1, row 3, column 4, channel 0`. */
export function placeOf(view: View, { layer, part, at }: Selection): string {
  const title = titleOf(view.layers[layer], view).toLowerCase().replace('relu', 'ReLU').replace('silu', 'SiLU');
  const names =
    part === 'w' && at.length === 4
      ? ['row', 'column', 'input channel', 'filter']
      : part === 'w'
        ? ['input', 'class']
        : part === 'y' || part === 'dy'
          ? at.length === 4
            ? ['', 'row', 'column', 'channel']
            : ['', 'class']
          : ['channel'];
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
