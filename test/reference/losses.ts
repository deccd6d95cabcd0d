type Numbers = ArrayLike<number>;

/** What becomes of losses, and of what they count in a mean. */
export function reduced(losses: readonly number[], how: 'mean' | 'sum' | 'none', total = losses.length): number[] {
  const sum = losses.reduce((a, b) => a + b, 0);
  return how === 'none' ? [...losses] : [how === 'sum' ? sum : sum / total];
}

export interface ClassLoss {
  readonly classes: number;
  readonly weights?: Numbers;
  readonly ignoreIndex?: number;
  readonly labelSmoothing?: number;
}

/** PyTorch's cross_entropy by its documentation: the losses of the rows, and the sum of what their targets count. */
export function crossEntropy(logits: Numbers, targets: Numbers, c: ClassLoss): { losses: number[]; total: number } {
  const weight = (k: number) => c.weights?.[k] ?? 1;
  const smoothing = c.labelSmoothing ?? 0;
  let total = 0;
  const losses = Array.from(targets, (target, n) => {
    if (target === c.ignoreIndex) return 0;
    const row = Array.from({ length: c.classes }, (_, k) => logits[n * c.classes + k]);
    const largest = Math.max(...row);
    const logSum = Math.log(row.reduce((sum, v) => sum + Math.exp(v - largest), 0)) + largest;
    total += weight(target);
    return row.reduce((loss, v, k) => {
      const wanted = (k === target ? 1 - smoothing : 0) + smoothing / c.classes;
      return loss + wanted * weight(k) * (logSum - v);
    }, 0);
  });
  return { losses, total };
}

/** Each from its definition, for one element. */
export const binary = (x: number, t: number, positive = 1): number => {
  const p = 1 / (1 + Math.exp(-x));
  return -positive * t * Math.log(p) - (1 - t) * Math.log(1 - p);
};
export const huber = (x: number, t: number, delta: number): number =>
  Math.abs(x - t) <= delta ? (x - t) ** 2 / 2 : delta * (Math.abs(x - t) - delta / 2);
