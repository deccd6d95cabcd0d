// What batch_norm_stats.wgsl does. Who includes this says where the numbers come from: x_at.
//!include ../include/grid.wgsl
//!include ../include/depth.wgsl
//!include rows.wgsl
//!include deep_rows.wgsl
//!include join.wgsl
//!include join_depth.wgsl

fn put_statistics(group: u32, lane: u32) {
  let mine = deep_share_of(group, lane);
  let step = DEPTH * params.channels;
  var mean = Value(0.0);
  var squares = Value(0.0);
  var count = 0.0;
  var i = mine.first * params.channels + mine.channel;
  var row = mine.first;
  while (row + 3u * DEPTH < mine.end) {
    let a = x_at(i);
    let b = x_at(i + step);
    let c = x_at(i + 2u * step);
    let d = x_at(i + 3u * step);
    let own = 0.25 * ((a + b) + (c + d));
    let da = a - own;
    let db = b - own;
    let dc = c - own;
    let dd = d - own;
    let delta = own - mean;
    let weight = 4.0 / (count + 4.0);
    squares += (da * da + db * db) + (dc * dc + dd * dd) + delta * delta * (count * weight);
    mean += delta * weight;
    count += 4.0;
    row += 4u * DEPTH;
    i += 4u * step;
  }
  while (row < mine.end) {
    let delta = x_at(i) - mean;
    let weight = 1.0 / (count + 1.0);
    squares += delta * delta * (count * weight);
    mean += delta * weight;
    count += 1.0;
    row += DEPTH;
    i += step;
  }
  var joined = Part(mean, squares, count);
  if (DEPTH != 1u) {
    join_depth(joined, lane);
    joined = piled_part(lane);
  }
  if (mine.inside) {
    let at = mine.part * 3u * params.channels + mine.channel;
    out[at] = joined.mean;
    out[at + params.channels] = joined.squares;
    out[at + 2u * params.channels] = Value(joined.count);
  }
}
