// Joins `group` neighbouring partial statistics into one (join.wgsl): what batch_norm_combine.wgsl does.
alias Value = f32;

struct Params {
  channels: u32,
  parts: u32,
  group: u32,
  scale: f32, // of the squares: 1, or 1/rows in the last pass
  epsilon: f32,
}

@group(0) @binding(0) var<storage, read> x: array<f32>;

//!include ../include/grid.wgsl
//!include ../include/depth.wgsl
//!include join.wgsl
//!include join_depth.wgsl

// What a thread writes, where `wanted`: the statistics of a channel of one output part.
struct Combined {
  wanted: bool,
  part: u32,
  channel: u32,
  mean: f32,
  squares: f32, // scaled
  count: f32,
}

fn combined(group: u32, lane: u32) -> Combined {
  let c = params.channels;
  let t = group * COLUMNS + lane % COLUMNS;
  let first = t / c * params.group;
  let channel = t % c;
  let end = min(first + params.group, params.parts);
  var joined = Part(0.0, 0.0, 0.0);
  var part = first + lane / COLUMNS;
  var i = part * 3u * c + channel;
  while (part < end) {
    joined = join(joined, Part(x[i], x[i + c], x[i + 2u * c]));
    part += DEPTH;
    i += DEPTH * 3u * c;
  }
  if (DEPTH != 1u) {
    join_depth(joined, lane);
    joined = piled_part(lane);
  }
  let wanted = lane < COLUMNS && first < params.parts;
  return Combined(wanted, t / c, channel, joined.mean, joined.squares * params.scale, joined.count);
}
