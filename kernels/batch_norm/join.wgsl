// Joins the statistics of a and b (Chan, Golub & LeVeque 1979, eq. 2.1):
//   n = n_a + n_b, δ = mean_b − mean_a, mean = mean_a + δ·n_b/n, squares = squares_a + squares_b + δ²·n_a·n_b/n
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

var<workgroup> squares_piled: array<Value, THREADS>;
var<workgroup> counts_piled: array<f32, THREADS>;

fn pile(lane: u32, part: Part) {
  piled[lane] = part.mean;
  squares_piled[lane] = part.squares;
  counts_piled[lane] = part.count;
}

fn piled_part(lane: u32) -> Part {
  return Part(piled[lane], squares_piled[lane], counts_piled[lane]);
}

// Leaves in piled_part(lane), for the uppermost, whose lane is less than COLUMNS, what it and the threads below have,
// joined in a fixed order.
fn join_depth(own: Part, lane: u32) {
  var joined = own;
  pile(lane, own);
  workgroupBarrier();
  for (var live = THREADS / 2u; live >= COLUMNS; live = live / 2u) {
    if (lane < live) {
      let other = lane + live;
      joined = join(joined, Part(piled[other], squares_piled[other], counts_piled[other]));
      pile(lane, joined);
    }
    workgroupBarrier();
  }
}
