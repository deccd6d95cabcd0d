/**
 * Makes the figure of a `<!-- figure NAME words key=value -->` in its place.
 * @param data the key=value pairs; `op` is NAME, `shows` are the words
 */
export type MakeFigure = (section: HTMLElement, data: DOMStringMap) => Promise<void>;

/** Kinds of figures by name. A name that is not here is an op of engine/explain. */
const FIGURES: Readonly<Record<string, () => Promise<MakeFigure>>> = {
  activations: async () => (await import('./activations_figure.ts')).activationsFigure,
  graph: async () => (await import('./graph_figure.ts')).graphFigure,
  'grad-cam': async () => (await import('./grad_cam_figure.ts')).gradCamFigure,
  kernels: async () => (await import('./kernels_figure.ts')).kernelsFigure,
  overfit: async () => (await import('./overfit_figure.ts')).overfitFigure,
  image: async () => (await import('./image_figure.ts')).imageFigure,
  'receptive-field': async () => (await import('./receptive_figure.ts')).receptiveFigure,
  valley: async () => (await import('./valley_figure.ts')).valleyFigure,
};

/** Each kind's code is loaded only by the pages that have one. */
export async function makeFigure(section: HTMLElement): Promise<void> {
  const load = FIGURES[section.dataset.op!] ?? (async () => (await import('./figure.ts')).opFigure);
  await (await load())(section, section.dataset);
}
