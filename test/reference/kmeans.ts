/** |points[i] − centres[c]|² in float64. */
export function squaredDistance(
  points: ArrayLike<number>,
  centres: ArrayLike<number>,
  d: number,
  i: number,
  c: number,
): number {
  let sum = 0;
  for (let j = 0; j < d; j++) sum += (points[i * d + j] - centres[c * d + j]) ** 2;
  return sum;
}

/** Squared distances [n, k]. */
export function squaredDistances(points: ArrayLike<number>, centres: ArrayLike<number>, d: number): Float64Array {
  const k = centres.length / d;
  return Float64Array.from({ length: (points.length / d) * k }, (_, t) =>
    squaredDistance(points, centres, d, Math.floor(t / k), t % k),
  );
}

/** The nearest centre of each point, of equals the first. */
export function nearestCentre(points: ArrayLike<number>, centres: ArrayLike<number>, d: number): number[] {
  const k = centres.length / d;
  const distances = squaredDistances(points, centres, d);
  return Array.from({ length: points.length / d }, (_, i) => {
    const row = distances.subarray(i * k, (i + 1) * k);
    return row.indexOf(Math.min(...row));
  });
}

/** The mean of the points of each centre; a centre without points stays. */
export function moveCentres(
  points: ArrayLike<number>,
  centres: ArrayLike<number>,
  nearest: ArrayLike<number>,
  d: number,
): Float64Array {
  const moved = Float64Array.from(centres);
  for (let c = 0; c < centres.length / d; c++) {
    const members = Array.from({ length: nearest.length }, (_, i) => i).filter((i) => nearest[i] === c);
    if (members.length === 0) continue;
    for (let j = 0; j < d; j++)
      moved[c * d + j] = members.reduce((sum, i) => sum + points[i * d + j], 0) / members.length;
  }
  return moved;
}

/** The k-means objective: Σ of the squared distances to the nearest centre. */
export const inertia = (points: ArrayLike<number>, centres: ArrayLike<number>, d: number): number =>
  nearestCentre(points, centres, d).reduce((sum, c, i) => sum + squaredDistance(points, centres, d, i, c), 0);
