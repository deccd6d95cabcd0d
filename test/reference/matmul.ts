/** out[m, n] = Σ_k a(m, k) · b(k, n) in float64; a transposed factor is stored as [K, M] or [N, K]. */
export function matmul(
  a: ArrayLike<number>,
  b: ArrayLike<number>,
  M: number,
  N: number,
  K: number,
  transposeA = false,
  transposeB = false,
): Float64Array {
  const out = new Float64Array(M * N);
  for (let m = 0; m < M; m++) {
    for (let n = 0; n < N; n++) {
      for (let k = 0; k < K; k++)
        out[m * N + n] += a[transposeA ? k * M + m : m * K + k] * b[transposeB ? n * K + k : k * N + n];
    }
  }
  return out;
}
