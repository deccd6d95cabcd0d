/*
 * From other programs' row-major layouts to ours and back. Filters here are HWIO [r,s,c,k], depthwise [r,s,c], dense
 * [in,out].
 */

/** PyTorch's OIHW [k,c,r,s], or [k,c] of one pixel, to HWIO: out[r,s,c,k] = w[k,c,r,s]. */
export function hwioFromOihw(w: Float32Array, [k, c, r = 1, s = 1]: readonly number[]): Float32Array {
  const out = new Float32Array(w.length);
  let from = 0;
  for (let ki = 0; ki < k; ki++) {
    for (let ci = 0; ci < c; ci++) {
      for (let place = 0; place < r * s; place++) out[(place * c + ci) * k + ki] = w[from++];
    }
  }
  return out;
}

/** HWIO to PyTorch's OIHW: out[k,c,r,s] = w[r,s,c,k]. */
export function oihwFromHwio(w: Float32Array, [r, s, c, k]: readonly number[]): Float32Array {
  const out = new Float32Array(w.length);
  let from = 0;
  for (let place = 0; place < r * s; place++) {
    for (let ci = 0; ci < c; ci++) {
      for (let ki = 0; ki < k; ki++) out[(ki * c + ci) * r * s + place] = w[from++];
    }
  }
  return out;
}

/** [r,s,c] to PyTorch's depthwise [c,1,r,s]: out[c,0,r,s] = w[r,s,c]. */
export function c1hwFromHwc(w: Float32Array, [r, s, c]: readonly number[]): Float32Array {
  return oihwFromHwio(w, [r, s, 1, c]);
}

/** PyTorch's depthwise [c,1,r,s] to [r,s,c]: out[r,s,c] = w[c,0,r,s]. */
export function hwcFromC1hw(w: Float32Array, [c, one, r, s]: readonly number[]): Float32Array {
  return hwioFromOihw(w, [c, one, r, s]);
}

/** PyTorch's dense [out,in] to [in,out], and back: out[i,o] = w[o,i]. */
export function transposed(w: Float32Array, [rows, columns]: readonly number[]): Float32Array {
  return hwioFromOihw(w, [rows, columns, 1, 1]);
}
