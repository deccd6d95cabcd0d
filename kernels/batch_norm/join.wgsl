// Statistics of some rows. Those of a and b are joined by Chan, Golub & LeVeque 1979, eq. 2.1:
//   n = n_a + n_b, δ = mean_b − mean_a, mean = mean_a + δ·n_b/n, squares = squares_a + squares_b + δ²·n_a·n_b/n
// Of a tensor's parts [parts, 3, C] is kept: mean, squares and count of each.
struct Part {
  mean: Value,
  squares: Value, // Σ (x − mean)²
  count: f32,
}

fn join(a: Part, b: Part) -> Part {
  let n = a.count + b.count;
  let weight = b.count / max(n, 1.0); // nothing joined with nothing is nothing
  let delta = b.mean - a.mean;
  return Part(a.mean + delta * weight, a.squares + b.squares + delta * delta * (a.count * weight), n);
}
