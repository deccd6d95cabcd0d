/** What a method of explaining looks at, and what it gives. */
interface MethodTraits {
  /** What it is called on the command line. */
  readonly flag: string;
  /** Where it looks: at an activation of the network, or at the image. */
  readonly at: 'layer' | 'image';
  /** A map [height, width], or a number for each channel of each pixel [height, width, 3]. */
  readonly gives: 'map' | 'pixels';
  /** How often it runs the network: forwards and backwards once, or many times with parts of the image replaced. */
  readonly asks: 'once' | 'often';
}

/** The methods by their names, in the order in which they are shown. */
export const TRAITS = {
  'Grad-CAM': { flag: 'grad-cam', at: 'layer', gives: 'map', asks: 'once' },
  'Grad-CAM++': { flag: 'grad-cam++', at: 'layer', gives: 'map', asks: 'once' },
  'Layer-CAM': { flag: 'layer-cam', at: 'layer', gives: 'map', asks: 'once' },
  'Score-CAM': { flag: 'score-cam', at: 'layer', gives: 'map', asks: 'often' },
  Occlusion: { flag: 'occlusion', at: 'image', gives: 'map', asks: 'often' },
  'Integrated gradients': { flag: 'integrated-gradients', at: 'image', gives: 'pixels', asks: 'often' },
  'Guided backprop': { flag: 'guided', at: 'image', gives: 'pixels', asks: 'once' },
} as const satisfies Record<string, MethodTraits>;

export type Method = keyof typeof TRAITS;

export const METHODS = Object.keys(TRAITS) as Method[];

/** The methods that a report shows of each image: those that cost one pass. */
export const REPORT_METHODS = ['Grad-CAM', 'Grad-CAM++', 'Guided backprop'] as const satisfies readonly Method[];

/** Those that run the network once for an image. */
export type QuickMethod = { [M in Method]: (typeof TRAITS)[M]['asks'] extends 'once' ? M : never }[Method];
export type AskingMethod = Exclude<Method, QuickMethod>;

export const isQuick = (method: Method): method is QuickMethod => TRAITS[method].asks === 'once';
