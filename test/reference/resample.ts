/*
 * Resizing and margins in float64, pixel by pixel, as ONNX's specification of Resize and Pad says it: coefficients in
 * the order of their neighbours, neighbours taken from the line with its ends repeated.
 */
export interface Resized {
  readonly method: 'nearest' | 'linear' | 'cubic';
  readonly coordinates: string;
  readonly rounding?: string;
  readonly cubicA?: number;
  readonly antialias?: boolean;
  readonly excludeOutside?: boolean;
}

function original(i: number, from: number, to: number, scale: number, coordinates: string): number {
  const length = scale * from;
  if (coordinates === 'half_pixel') return (i + 0.5) / scale - 0.5;
  if (coordinates === 'pytorch_half_pixel') return to > 1 ? (i + 0.5) / scale - 0.5 : 0;
  if (coordinates === 'asymmetric') return i / scale;
  if (coordinates === 'align_corners') return length === 1 ? 0 : (i * (from - 1)) / (length - 1);
  const adjustment = to / length;
  return (from / 2) * (1 - adjustment) + (i + 0.5) / scale - 0.5;
}

function rounded(at: number, rounding: string): number {
  if (rounding === 'floor') return Math.floor(at);
  if (rounding === 'ceil') return Math.ceil(at);
  const [low, high] = [Math.floor(at), Math.ceil(at)];
  if (Math.abs(at - low - 0.5) < 1e-9) return rounding === 'round_prefer_floor' ? low : high;
  return at - low < 0.5 ? low : high;
}

/** The weights of the neighbours from `first` on, counted from the one at or left of the place, `ratio` behind it. */
function coefficients(ratio: number, scale: number, how: Resized): { first: number; weights: number[] } {
  const by = how.antialias ? Math.min(scale, 1) : 1;
  const radius = how.method === 'linear' ? 1 : 2;
  const first = Math.floor(-radius / by) + 1;
  const a = how.cubicA ?? -0.75;
  const weights: number[] = [];
  for (let i = first; i <= 1 - first; i++) {
    const d = Math.abs((i - ratio) * by);
    if (how.method === 'linear') weights.push(Math.max(0, 1 - d));
    else if (d <= 1) weights.push((a + 2) * d ** 3 - (a + 3) * d ** 2 + 1);
    else weights.push(d < 2 ? a * d ** 3 - 5 * a * d ** 2 + 8 * a * d - 4 * a : 0);
  }
  const sum = weights.reduce((s, w) => s + w, 0);
  return { first, weights: weights.map((w) => w / sum) };
}

/** One line of pixels; `size` of the result, `scale` as it was asked for. */
function line(x: readonly number[], size: number, scale: number, how: Resized): number[] {
  return Array.from({ length: size }, (_, i) => {
    const at = original(i, x.length, size, scale, how.coordinates);
    const end = (k: number) => x[Math.max(0, Math.min(x.length - 1, k))];
    if (how.method === 'nearest') return end(rounded(at, how.rounding ?? 'round_prefer_floor'));
    const left = Math.floor(at);
    const { first, weights } = coefficients(at - left, scale, how);
    const inside = weights.map((w, k) => {
      const place = left + first + k;
      return how.excludeOutside && (place < 0 || place >= x.length) ? 0 : w;
    });
    const sum = inside.reduce((s, w) => s + w, 0);
    return inside.reduce((s, w, k) => s + (w / sum) * end(left + first + k), 0);
  });
}

/** x [n, h, w, c] to [n, to[0], to[1], c]. */
export function resize(
  x: ArrayLike<number>,
  [n, h, w, c]: readonly number[],
  to: readonly number[],
  how: Resized,
  scales: readonly number[] = [to[0] / h, to[1] / w],
): Float64Array {
  const y = new Float64Array(n * to[0] * to[1] * c);
  for (let s = 0; s < n; s++) {
    for (let k = 0; k < c; k++) {
      const rows = Array.from({ length: h }, (_, i) =>
        line(
          Array.from({ length: w }, (_, j) => x[((s * h + i) * w + j) * c + k]),
          to[1],
          scales[1],
          how,
        ),
      );
      for (let j = 0; j < to[1]; j++) {
        const column = line(
          rows.map((row) => row[j]),
          to[0],
          scales[0],
          how,
        );
        column.forEach((v, i) => (y[((s * to[0] + i) * to[1] + j) * c + k] = v));
      }
    }
  }
  return y;
}

/** A line with margins, found by walking outwards from its ends. */
export function extended(x: readonly number[], before: number, after: number, mode: string): number[] {
  const n = x.length;
  const y = [...x];
  // y[k] is x[k + added]: what is new follows from what is there already.
  for (let k = 1; k <= before; k++) {
    if (mode === 'edge') y.unshift(x[0]);
    else if (mode === 'wrap') y.unshift(y[n - 1]);
    else y.unshift(n === 1 ? x[0] : mirrored(x, -k));
  }
  for (let k = 0; k < after; k++) {
    if (mode === 'edge') y.push(x[n - 1]);
    else if (mode === 'wrap') y.push(y[y.length - n]);
    else y.push(n === 1 ? x[0] : mirrored(x, n + k));
  }
  return y;
}

/** The element met after so many steps from the first one, turning round at either end. */
function mirrored(x: readonly number[], index: number): number {
  let [i, direction] = [0, 1];
  for (let k = 0; k < Math.abs(index); k++) {
    if (i + direction < 0 || i + direction >= x.length) direction = -direction;
    i += direction;
  }
  return x[i];
}
