import { adamStep, sgdStep } from '../reference/optimizer.ts';
import type { Settings } from '../../web/learn/settings.ts';
import { functionBound, UNIT } from '../tolerance.ts';

const ADAM = { beta1: 0.9, beta2: 0.999, epsilon: 1e-8 };

/** A number, and how far rounding to f32 can have taken it from there. */
export interface Known {
  v: number;
  e: number;
}
/** A weight and its moments on their way through a training. */
export interface Course {
  w: Known;
  m: Known;
  /** Adam's second moment. */
  s: Known;
  /** Steps of Adam. */
  t: number;
}

/**
 * A step of Adam, and of SGD, in float64, and a running error analysis of the same in f32 (Higham 2002, section 3.3):
 * each operation adds half a unit in the last place of its result, constants are rounded too, and quotients, roots and
 * powers are as precise as WGSL asks for.
 */
export function follow(course: Course, g: Known, settings: Settings, decay: number): void {
  const { w, m, s } = course;
  const state = { w: Float64Array.of(w.v), m: Float64Array.of(m.v), v: Float64Array.of(s.v) };
  const { learningRate: rate, optimizer } = settings;
  const before = w.v;
  if (optimizer === 'adam') {
    const { beta1, beta2, epsilon } = ADAM;
    adamStep(state, [g.v], ++course.t, rate, { ...ADAM, weightDecay: decay });
    const [c1, c2] = [1 - beta1 ** course.t, 1 - beta2 ** course.t];
    m.e = beta1 * m.e + (1 - beta1) * g.e + 3 * UNIT * (beta1 * Math.abs(m.v) + (1 - beta1) * Math.abs(g.v));
    s.e =
      beta2 * s.e + (1 - beta2) * (2 * Math.abs(g.v) + g.e) * g.e + 5 * UNIT * (beta2 * s.v + (1 - beta2) * g.v ** 2);
    [m.v, s.v] = [state.m[0], state.v[0]];
    const [mean, root] = [m.v / c1, Math.sqrt(s.v / c2)];
    const least = Math.sqrt(Math.max(0, s.v - s.e) / c2);
    const meanError = m.e / c1 + functionBound(2, Math.abs(mean));
    const rootError = s.e / c2 / (root + least) + functionBound(3, root);
    const step = mean / (root + epsilon);
    const stepError =
      (meanError + Math.abs(step) * rootError) / (least - rootError + epsilon) + functionBound(2, Math.abs(step));
    w.e += rate * (stepError + decay * w.e) + UNIT * (3 * rate * (Math.abs(step) + decay * Math.abs(before)));
  } else {
    const momentum = optimizer === 'momentum' ? settings.momentum : 0;
    sgdStep(state, [g.v], rate, momentum, false, decay);
    const size = momentum * Math.abs(m.v) + Math.abs(g.v) + decay * Math.abs(before);
    m.e = momentum * m.e + g.e + decay * w.e + 5 * UNIT * size;
    m.v = state.m[0];
    w.e += rate * m.e + 3 * UNIT * rate * Math.abs(m.v);
  }
  w.v = state.w[0];
  w.e += UNIT * Math.max(Math.abs(w.v), Math.abs(before));
}

/** The beginning of a course: a weight as it was drawn. */
export const courseFrom = (w: number): Course => ({
  w: { v: w, e: 0 },
  m: { v: 0, e: 0 },
  s: { v: 0, e: 0 },
  t: 0,
});
