// A walk through the depth of a convolution's product: the place of a depth as three numbers, the last of which runs
// fastest, and the step from one to the next. It divides once and then counts. `limits` are those of the two faster
// numbers.
struct Walk {
  at: vec3<u32>,
  step: vec3<u32>,
}

fn place_in(at: u32, limits: vec2<u32>) -> vec3<u32> {
  let line = at / limits.y;
  return vec3<u32>(line / limits.x, line % limits.x, at - line * limits.y);
}

fn walk_from(at: u32, step: u32, limits: vec2<u32>) -> Walk {
  return Walk(place_in(at, limits), place_in(step, limits));
}

fn walk_on(walk: Walk, limits: vec2<u32>) -> Walk {
  let to = walk.at + walk.step;
  let over_z = to.z >= limits.y;
  let y = to.y + u32(over_z);
  let over_y = y >= limits.x;
  let at = vec3<u32>(
    to.x + u32(over_y),
    y - select(0u, limits.x, over_y),
    to.z - select(0u, limits.y, over_z),
  );
  return Walk(at, walk.step);
}
