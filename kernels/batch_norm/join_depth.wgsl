// Joins statistics (join.wgsl) over the threads of a workgroup that stand below each other (include/depth.wgsl).
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
